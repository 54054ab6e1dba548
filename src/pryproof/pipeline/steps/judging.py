"""Whom an attack calls members, by cuts fitted on a row's shadow runs, never on what is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from pryproof.attacks import FIXED_CUTS, THRESHOLD_ATTACKS, threshold
from pryproof.attacks.attack import Thresholds
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.steps.value import picked
from pryproof.store.workspace import Stored


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run said of every sample, by signal, and the fold it trained on."""

    said: dict[str, np.ndarray]
    fold: str
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, stored: Stored, *, fold: str) -> "Run":
        return cls(said=picked(stored, "signal."), fold=fold, facts=stored.facts)


def cuts(attack: str, data: Loaded, shadows: Sequence[Run]) -> Thresholds:
    """Fit an attack's cuts: what each shadow run trained on against images outside.

    ``attack`` is a key of ``THRESHOLD_ATTACKS``; one with a fixed cut needs no fit. The cuts are
    in the attack's own unit, one a class.
    """
    classes = len(data.classes)
    if attack in FIXED_CUTS:
        return threshold.constant(FIXED_CUTS[attack], classes=classes)
    score = THRESHOLD_ATTACKS[attack]
    scores, labels = [score(run.said) for run in shadows], [data.labels] * len(shadows)
    inside = [data.fold(run.fold) for run in shadows]
    outside = [data.outside(run.facts) for run in shadows]
    return threshold.fit(
        _joined(scores, inside),
        _joined(labels, inside),
        _joined(scores, outside),
        _joined(labels, outside),
        classes=classes,
    )


def called(
    attack: str, data: Loaded, targets: Sequence[Run], shadows: Sequence[Run]
) -> Bool[np.ndarray, "targets samples"]:
    """Say which of all samples an attack on each target calls members, by the shadows' cuts."""
    score, fitted = THRESHOLD_ATTACKS[attack], cuts(attack, data, shadows)
    return np.stack([threshold.decide(score(run.said), data.labels, fitted) for run in targets])


def _joined(tables: Sequence[np.ndarray], parts: Sequence[slice | np.ndarray]) -> np.ndarray:
    return np.concatenate([table[part] for table, part in zip(tables, parts, strict=True)])
