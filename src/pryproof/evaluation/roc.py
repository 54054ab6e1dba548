"""The ROC of an attack and what is read off it (methods section 1.3); higher score = member."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from pryproof.checks import ConfigurationError, DataError

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


def roc(members: Members, nonmembers: Nonmembers) -> Roc:
    """Trace true against false positive rate over all thresholds.

    >>> curve = roc(np.array([3.0, 2.0]), np.array([2.0, 1.0]))
    >>> curve.fpr, curve.tpr
    (array([0. , 0. , 0.5, 1. ]), array([0. , 0.5, 1. , 1. ]))
    """
    refuse_unusable(members=members, nonmembers=nonmembers)
    cuts = np.unique(np.concatenate([members, nonmembers]))[::-1].astype(np.float64)
    return Roc(
        fpr=np.concatenate([[0.0], _reaching(nonmembers, cuts) / len(nonmembers)]),
        tpr=np.concatenate([[0.0], _reaching(members, cuts) / len(members)]),
        thresholds=np.concatenate([[np.inf], cuts]),
    )


def auc(members: Members, nonmembers: Nonmembers) -> float:
    """Return the chance that a member outscores a non-member, ties counting one half.

    >>> auc(np.array([3.0, 2.0]), np.array([2.0, 1.0]))
    0.875
    """
    refuse_unusable(members=members, nonmembers=nonmembers)
    return float(placements(members, nonmembers).mean())


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
    allowed non-members.

    >>> tpr_at_fpr(np.array([3.0, 2.0, 0.0]), np.array([2.0, 1.0, 0.0, -1.0]), 0.25)
    OperatingPoint(tpr=0.6666666666666666, realised_fpr=0.25, threshold=2.0)
    """
    refuse_unusable(members=members, nonmembers=nonmembers)
    bound = np.sort(nonmembers)[::-1][allowed_false_positives(len(nonmembers), fpr)]
    hits, false = members[members > bound], nonmembers[nonmembers > bound]
    return OperatingPoint(
        tpr=len(hits) / len(members),
        realised_fpr=len(false) / len(nonmembers),
        threshold=float(np.min(np.concatenate([hits, false]), initial=np.inf)),
    )


def allowed_false_positives(nonmembers: int, fpr: float) -> int:
    """Return how many of so many non-members may be called members; refuse if it is none.

    >>> allowed_false_positives(5000, 0.001)
    5
    """
    if not 0 < fpr < 1:
        raise ConfigurationError(
            "E043",
            f"a false positive rate lies between 0 and 1, got {fpr}",
            fix="Give a share, for instance 0.01 for one in a hundred.",
        )
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


def _reaching(
    scores: Float[np.ndarray, " scores"], cuts: Float[np.ndarray, " cuts"]
) -> Int64[np.ndarray, " cuts"]:
    return len(scores) - np.searchsorted(np.sort(scores), cuts, side="left")
