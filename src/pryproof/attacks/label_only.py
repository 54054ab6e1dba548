"""The label-only attack: how often a run is right about a sample's variants (methods 11.3).

Choquette-Choo et al. 2021: it needs no probabilities, so a defense that masks them does not help.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.needed import signal
from pryproof.records import Evidence


def label_only(
    correct: Float[np.ndarray, "runs queries samples"],
) -> Float[np.ndarray, "runs samples"]:
    """Return the share of queries (flips, shifts, ... of a sample) that are classified right.

    Unit: share in [0, 1]. Higher = more likely a member. With one query it is the correctness
    attack.

    >>> label_only(np.array([[[1.0, 0.0], [1.0, 1.0]]]))
    array([[1. , 0.5]])
    """
    return correct.mean(axis=1)


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - nothing is fitted
    options: Options,  # noqa: ARG001 - it has none
) -> Float[np.ndarray, "targets samples"]:
    return label_only(signal(evidence, "correct", attack="label_only")[targets])


TABLE: dict[str, Attack] = {
    "label_only": Attack(
        score=_score,
        source="Choquette-Choo, Tramer, Carlini and Papernot 2021 (augmentation attack)",
        differs="the share of right answers itself, in place of a network trained on the answers",
        calibrates="runs",
    ),
}
