"""The ROC of an attack and what is read off it (methods section 1.3); higher score = member."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from pryproof.checks import ConfigurationError, DataError
from pryproof.evaluation.counting import count

Members = Float[np.ndarray, " members"]
Nonmembers = Float[np.ndarray, " nonmembers"]


@dataclass(frozen=True, kw_only=True)
class Roc:
    """One point per distinct score, after (0, 0) for "nobody" at +inf; rates in [0, 1], ascending.

    A point is what "member if score >= threshold" gives; equal scores are one step.
    """

    fpr: Float[np.ndarray, " points"]
    tpr: Float[np.ndarray, " points"]
    thresholds: Float[np.ndarray, " points"]


class OperatingPoint(NamedTuple):
    """What an attack reaches at a cut: member if score >= threshold."""

    tpr: float
    realised_fpr: float
    threshold: float


@dataclass(frozen=True, kw_only=True)
class Steps:
    """All that one sort says: the counts behind a ROC, from which everything is read off.

    Entry k > 0 holds the k-th largest distinct score, and how many members (``hits``) and
    non-members (``false``) reach it; entry 0 is "nobody", at +inf. The last entry is everybody.
    """

    scores: Float[np.ndarray, " points"]
    hits: Int64[np.ndarray, " points"]
    false: Int64[np.ndarray, " points"]

    @property
    def members(self) -> int:
        """How many members there are."""
        return int(self.hits[-1])

    @property
    def nonmembers(self) -> int:
        """How many non-members there are."""
        return int(self.false[-1])


def steps(members: Members, nonmembers: Nonmembers) -> Steps:
    """Count members and non-members at or above every distinct score, with one sort of each side.

    >>> found = steps(np.array([3.0, 2.0]), np.array([2.0, 1.0]))
    >>> found.scores.tolist(), found.hits.tolist(), found.false.tolist()
    ([inf, 3.0, 2.0, 1.0], [0, 1, 2, 2], [0, 0, 1, 2])
    """
    refuse_unusable(members=members, nonmembers=nonmembers)
    scores, hits, false = count(members, nonmembers)
    return Steps(scores=scores, hits=hits, false=false)


def roc(members: Members, nonmembers: Nonmembers) -> Roc:
    """Trace true against false positive rate over all thresholds.

    >>> curve = roc(np.array([3.0, 2.0]), np.array([2.0, 1.0]))
    >>> curve.fpr, curve.tpr
    (array([0. , 0. , 0.5, 1. ]), array([0. , 0.5, 1. , 1. ]))
    """
    return curve(steps(members, nonmembers))


def curve(counts: Steps) -> Roc:
    """Turn counts into rates."""
    return Roc(
        fpr=counts.false / counts.nonmembers,
        tpr=counts.hits / counts.members,
        thresholds=counts.scores,
    )


def auc(members: Members, nonmembers: Nonmembers) -> float:
    """Return the chance that a member outscores a non-member, ties counting one half.

    >>> auc(np.array([3.0, 2.0]), np.array([2.0, 1.0]))
    0.875
    """
    return area(steps(members, nonmembers))


def area(counts: Steps) -> float:
    """Return the area under the ROC, by the trapezoid rule in whole numbers: exact.

    >>> area(steps(np.array([3.0, 2.0]), np.array([2.0, 1.0])))
    0.875
    """
    twice = np.sum(np.diff(counts.false) * (counts.hits[1:] + counts.hits[:-1]))
    return int(twice) / (2 * counts.members * counts.nonmembers)


def placements(
    scores: Float[np.ndarray, " scores"], others: Float[np.ndarray, " others"]
) -> Float[np.ndarray, " scores"]:
    """Return the share of ``others`` below each score, ties counting one half.

    >>> placements(np.array([2.0, 5.0]), np.array([1.0, 2.0]))
    array([0.75, 1.  ])
    """
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, side="left")
    return (below + np.searchsorted(ordered, scores, side="right")) / (2 * len(others))


def tpr_at_fpr(members: Members, nonmembers: Nonmembers, fpr: float) -> OperatingPoint:
    """Return the largest true positive rate whose realised false positive rate is at most ``fpr``.

    No interpolation. The threshold is an observed score, +inf where no score lies above the
    allowed non-members (NaN if there are scores of +inf: nothing reaches NaN).

    >>> tpr_at_fpr(np.array([3.0, 2.0, 0.0]), np.array([2.0, 1.0, 0.0, -1.0]), 0.25)
    OperatingPoint(tpr=0.6666666666666666, realised_fpr=0.25, threshold=2.0)
    """
    return point(steps(members, nonmembers), fpr)


def point(counts: Steps, fpr: float) -> OperatingPoint:
    """Return the operating point of ``tpr_at_fpr``.

    >>> point(steps(np.array([3.0, 2.0, 0.0]), np.array([2.0, 1.0])), 0.5).threshold
    2.0
    """
    at = last_step(counts, allowed_false_positives(counts.nonmembers, fpr))
    return OperatingPoint(
        tpr=float(counts.hits[at] / counts.members),
        realised_fpr=float(counts.false[at] / counts.nonmembers),
        threshold=threshold(counts, at),
    )


def last_step(counts: Steps, allowed: int) -> int:
    """Return the last step that at most so many non-members reach; 0 = nobody.

    >>> last_step(steps(np.array([3.0, 2.0]), np.array([2.0, 1.0])), 1)
    2
    """
    return int(np.searchsorted(counts.false, allowed, side="right")) - 1


def threshold(counts: Steps, at: int) -> float:
    """Return the score that those of this step, and nobody else, reach.

    >>> threshold(steps(np.array([3.0, 2.0]), np.array([2.0, 1.0])), 2)
    2.0
    """
    if at == 0 and counts.scores[1] == np.inf:
        return float("nan")
    return float(counts.scores[at])


def allowed_false_positives(nonmembers: int, fpr: float) -> int:
    """Return how many of so many non-members may be called members; refuse if it is none.

    >>> allowed_false_positives(5000, 0.001)
    5
    """
    refuse_rate(fpr)
    # 0.29 * 100 is 28.999999999999996: a millionth of a sample is rounding, not a bound
    allowed = int(nonmembers * fpr + 1e-6)
    if allowed < 1:
        raise DataError(
            "E038",
            f"a true positive rate at {fpr:.3%} false positives needs {np.ceil(1 / fpr):.0f} "
            f"non-members, got {nonmembers}",
            fix="Use more evaluation samples, or report at a larger false positive rate.",
        )
    return min(allowed, nonmembers - 1)


def refuse_rate(fpr: float) -> None:
    """Refuse what is no false positive rate to judge at."""
    if not 0 < fpr < 1:
        raise ConfigurationError(
            "E043",
            f"a false positive rate lies between 0 and 1, got {fpr}",
            fix="Give a share, for instance 0.01 for one in a hundred.",
        )


def refuse_unusable(**arrays: Float[np.ndarray, "..."]) -> None:
    """Refuse what is empty or not a number: NaN must never enter a sort or a mean."""
    for name, scores in arrays.items():
        missing = np.argwhere(np.isnan(scores))
        if scores.size and not missing.size:
            continue
        came = f"{len(missing)} of {scores.size} are NaN" if scores.size else "got none"
        raise DataError(
            "E056",
            f"{name} must have a value each, and be at least one: {came}",
            where=f"first at {tuple(missing[0].tolist())}" if missing.size else "",
            fix="Leave out samples without a score; an evaluation needs members and non-members.",
        )
