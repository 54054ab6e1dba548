"""The form in which scores are judged: each target's members and non-members, and their counts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.checks import DataError
from pryproof.evaluation.roc import Steps, steps

Table = Float[np.ndarray, "targets samples"]
Mask = Bool[np.ndarray, "targets samples"]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores of the targets that have both sides, higher = more likely a member.

    ``inside`` marks a target's members and ``outside`` its non-members, neither where the score is
    NaN. ``counts`` are those of ``roc.steps``, one a target. ``targets`` says which of the rows
    given these are; ``left_out`` is how many (target, sample) pairs had no score.
    """

    scores: Table
    inside: Mask
    outside: Mask
    counts: tuple[Steps, ...]
    targets: Int64[np.ndarray, " targets"]
    left_out: int

    def __len__(self) -> int:
        return len(self.counts)


def scored(scores: Table, member: Bool[np.ndarray, "..."]) -> Scored:
    """Sort every target's scores once; leave out pairs without a score, and one-sided targets.

    >>> found = scored(np.array([[3.0, np.nan, 1.0]]), np.array([[True, True, False]]))
    >>> found.left_out, found.counts[0].members, found.counts[0].nonmembers
    (1, 1, 1)
    """
    if scores.shape != member.shape:
        raise DataError(
            "E028",
            f"scores and member must have one shape, got {list(scores.shape)} and "
            f"{list(member.shape)}",
            fix="Give both as [targets, samples].",
        )
    scores = scores.astype(np.float64)
    measured = ~np.isnan(scores)
    inside, outside = member & measured, ~member & measured
    targets = np.flatnonzero(inside.any(axis=1) & outside.any(axis=1))
    whole = len(targets) == len(scores)
    if not whole:  # indexing copies
        scores, inside, outside = scores[targets], inside[targets], outside[targets]
    counts = tuple(
        steps(row[mine], row[others])
        for row, mine, others in zip(scores, inside, outside, strict=True)
    )
    return Scored(
        scores=scores,
        inside=inside,
        outside=outside,
        counts=counts,
        targets=targets,
        left_out=int(measured.size - np.count_nonzero(measured)),
    )
