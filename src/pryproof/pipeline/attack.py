"""Attack what models said: from outputs of any framework to judged scores, without training.

For every attack: scores of every sample under every target run; a cut between member and
non-member, fitted where the membership may be known (``attacks.calibration``) and never on what it
judges; and what ``evaluation`` makes of both.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks import ATTACKS
from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.cuts import fit_cuts
from pryproof.attacks.decisions import decisions
from pryproof.attacks.evidence import evidence as evidence_of
from pryproof.attacks.names import chosen, options_of
from pryproof.attacks.threshold import reached
from pryproof.checks import ConfigurationError, DataError
from pryproof.data.outputs import as_arrays, read_outputs
from pryproof.evaluation.judged import judge
from pryproof.evaluation.permutation import Refit, best_cut
from pryproof.pipeline.audit import Audit, Finding
from pryproof.records import Evidence

FPRS = (0.01, 0.001, 0.0001)


def attack(
    outputs: object,
    *,
    reference: object = None,
    attacks: Sequence[str] | None = None,
    target: int | None = None,
    options: Mapping[str, float | None] | None = None,
    seed: int = 0,
) -> Audit:
    """Attack models through their stored outputs.

    ``outputs`` is a path (see ``data.outputs``), a mapping of arrays (see ``attacks.evidence``), or
    an object with TensorFlow Privacy's fields; ``reference`` is of the same layout, and its
    membership is known to the attacker. ``attacks`` are names of ``ATTACKS``; left out, all of ours
    that the outputs allow. ``target`` is a run, negative from the end; left out, each in turn.
    ``options`` are as ``{"rmia.offline_a": 0.3}``. Scores are higher for likely members.

    >>> found = attack({"phi": [3.0, 2.5, -1.0, 0.0], "member": [True, True, False, False]})
    >>> found.findings["confidence"].judged.auc.value
    1.0
    """
    seen, apart = _evidence(outputs), None if reference is None else _evidence(reference)
    targets = _targets(target, len(seen.member))
    names = chosen(attacks if attacks is not None else _ours(), ATTACKS)
    settings = options_of(options or {}, names, ATTACKS)
    findings: dict[str, Finding] = {}
    not_run: dict[str, str] = {}
    refused: list[DataError] = []
    for name in names:
        try:
            findings[name] = _finding(
                ATTACKS[name], seen, targets, reference=apart, options=settings[name], seed=seed
            )
        except DataError as error:
            if attacks is not None:
                raise
            not_run[name] = error.what
            refused.append(error)
    if not findings:
        raise (
            refused[0]
            if refused
            else ConfigurationError(
                "E041", "no attack is named", fix="Name one of pryproof attack --list."
            )
        )
    return Audit(findings=findings, targets=targets, evidence=seen, seed=seed, not_run=not_run)


def _evidence(given: object) -> Evidence:
    if isinstance(given, Evidence):
        return given
    if isinstance(given, str | PathLike):
        path = Path(given)
        try:
            return evidence_of(read_outputs(path))
        except DataError as error:
            raise _located(error, path) from error
    return evidence_of(as_arrays(given))


def _located(error: DataError, path: Path) -> DataError:
    """Name the file too: reference and outputs have the same arrays."""
    if path.name in error.where:
        return error
    where = f"{path.name}, {error.where}" if error.where else path.name
    return DataError(error.code.removeprefix("PRYPROOF-"), error.what, where=where, fix=error.fix)


def _targets(target: int | None, runs: int) -> Int64[np.ndarray, " targets"]:
    if target is None:
        return np.arange(runs)
    if not -runs <= target < runs:
        raise ConfigurationError(
            "E043",
            f"target must be a run from 0 to {runs - 1}, or from -{runs} to -1 counted from the "
            f"end, got {target}",
            fix="Leave it out to attack each run in turn.",
        )
    return np.array([target % runs])


def _ours() -> list[str]:
    """Our own attacks in their default form, and the offline ones, which need less."""
    return [
        name for name in ATTACKS if "@" not in name and name.partition("/")[2] in ("", "offline")
    ]


def _finding(
    attack: Attack,
    seen: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,
    seed: int,
) -> Finding:
    scores = attack.score(seen, targets, reference=reference, options=options)
    decided = decisions(attack, seen, targets, scores, reference=reference, options=options)
    judged = judge(
        scores,
        seen.member[targets],
        decisions=decided.called,
        labels=seen.labels if attack.per_class else None,
        refit=_refit(attack) if attack.per_class else best_cut,
        fprs=FPRS,
        seed=seed,
    )
    return Finding(
        scores=scores, judged=judged, thresholds=decided.thresholds, fitted_on=decided.fitted_on
    )


def _refit(attack: Attack) -> Refit:
    """Return the attack's own rule, fitted and judged on the same samples: for the oracle."""

    def refit(
        scores: Float[np.ndarray, " samples"],
        labels: Int64[np.ndarray, " samples"],
        member: Bool[np.ndarray, " samples"],
    ) -> Bool[np.ndarray, " samples"]:
        classes = int(labels.max(initial=0)) + 1
        cuts = fit_cuts(scores, labels, member, classes=classes, fit=attack.fit)
        return reached(scores, labels, cuts)

    return refit
