"""The augmentation-aware attack: query as the victim trained (methods 10).

Kaya and Dumitras 2021 (yigitcankaya/augmentation_mia, mi_attacks.py): the losses of a sample under
several random draws of the victim's own augmentation are reduced to one, by the reduction that
separates the attacker's known samples best.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.calibration import Known, known
from pryproof.attacks.needed import signal
from pryproof.checks import DataError
from pryproof.records import Evidence

Losses = Float[np.ndarray, "queries samples"]
Tables = dict[tuple[int, int], dict[str, float]]  # advantages by evidence and run

# in the order in which equally good ones are preferred
REDUCTIONS: dict[str, Callable[..., Float[np.ndarray, " samples"]]] = {
    "mean": np.mean,
    "median": np.median,
    "min": np.min,
    "max": np.max,
    "std": np.std,
}


def advantages(losses: Losses, member: Bool[np.ndarray, " samples"]) -> dict[str, float]:
    """Return, for every reduction over queries, TPR - FPR at its best cut: member if loss <= cut.

    The spread of losses of which one is infinite is undefined, and left out.

    >>> losses = np.array([[0.1, 0.9, 0.5], [0.3, 0.1, 0.6]])
    >>> advantages(losses, np.array([True, True, False]))["mean"]
    1.0
    """
    return {name: _advantage(REDUCTIONS[name](losses, axis=0), member) for name in _usable(losses)}


def _usable(losses: Losses) -> list[str]:
    return [name for name in REDUCTIONS if name != "std" or np.isfinite(losses).all()]


def _advantage(
    values: Float[np.ndarray, " samples"], member: Bool[np.ndarray, " samples"]
) -> float:
    order = np.argsort(values)
    values, member = values[order], member[order]
    members = np.count_nonzero(member)
    others = len(member) - members
    gain = np.cumsum(np.where(member, others, -members))
    cuts = np.append(values[1:] != values[:-1], True)  # equal losses stay together
    return float(max(gain[cuts].max(), 0) / (members * others))


def _losses(evidence: Evidence, run: int) -> Losses:
    logp = signal(evidence, "logp", attack="augmentation_aware")
    if logp.shape[1] < 2:
        raise DataError(
            "E028",
            f"augmentation_aware needs at least 2 queries a sample, got {logp.shape[1]}",
            fix="Query every sample under several draws of the training's augmentation: logits "
            "[runs, queries, samples, classes].",
        )
    return -logp[run]


def _reduction(part: Known, usable: list[str], seen: Tables) -> str:
    """Return the usable reduction of the largest mean advantage over the known runs."""
    tables = []
    for run in part.runs.tolist():
        member = part.evidence.member[run, part.samples]
        if member.any() and not member.all():
            tables.append(_table(part, run, member, seen))
    if not tables:
        raise DataError(
            "E056",
            "augmentation_aware needs known members and non-members to choose by, "
            f"got one kind only in {len(part.runs)} known runs",
            fix="Give a reference with members and non-members.",
        )
    names = [name for name in usable if all(name in table for table in tables)]
    return max(names, key=lambda name: sum(table[name] for table in tables))


def _table(
    part: Known, run: int, member: Bool[np.ndarray, " samples"], seen: Tables
) -> dict[str, float]:
    """Return a known run's advantages; computed once where many targets know all of the run."""
    losses = _losses(part.evidence, run)
    if not part.samples.all():
        return advantages(losses[:, part.samples], member)
    key = (id(part.evidence), run)
    if key not in seen:
        seen[key] = advantages(losses, member)
    return seen[key]


def _of_target(losses: Losses, parts: list[Known], seen: Tables) -> Float[np.ndarray, " samples"]:
    usable = _usable(losses)
    chosen = [_reduction(part, usable, seen) for part in parts]
    scores = np.empty(losses.shape[1])
    for part, reduction in zip(parts, chosen, strict=True):
        values = REDUCTIONS[reduction](losses[:, part.judged], axis=0)
        if len(set(chosen)) > 1:
            values = _standardised(values, part, reduction)
        scores[part.judged] = -values
    return scores


def _standardised(
    values: Float[np.ndarray, " samples"], part: Known, reduction: str
) -> Float[np.ndarray, " samples"]:
    """Measure from the known non-members' median, in their interquartile ranges.

    Halves that were reduced differently are otherwise on different scales.
    """
    run = int(part.runs[0])
    strangers = part.samples & ~part.evidence.member[run]
    theirs = REDUCTIONS[reduction](_losses(part.evidence, run)[:, strangers], axis=0)
    low, middle, high = np.quantile(theirs, [0.25, 0.5, 0.75], method="lower")
    return (values - middle) / (high - low if 0 < high - low < np.inf else 1.0)


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,  # noqa: ARG001 - it has none
) -> Float[np.ndarray, "targets samples"]:
    seen: Tables = {}
    return np.stack(
        [
            _of_target(
                _losses(evidence, target), known(evidence, target, reference=reference), seen
            )
            for target in targets.tolist()
        ]
    )


TABLE: dict[str, Attack] = {
    "augmentation_aware": Attack(
        score=_score,
        source="Kaya and Dumitras 2021; yigitcankaya/augmentation_mia, mi_attacks.py",
        differs="the reduction is chosen by the exactly best cut on known samples, in place of the "
        "best of 1,001; equally good ones in the order mean, median, min, max, std",
    ),
}
