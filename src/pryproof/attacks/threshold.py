"""The threshold attack: member if the score reaches its class's cut (methods section 1.3)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.checks import DataError


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Cuts on a score oriented higher = member: one per class, and the one of all classes together.

    ``fallback`` marks the classes without members or without non-members, which use ``overall``.
    +inf means "call nobody a member".
    """

    per_class: Float[np.ndarray, " classes"]
    overall: float
    fallback: Bool[np.ndarray, " classes"]


def fit(
    members: Float[np.ndarray, " members"],
    member_labels: Int64[np.ndarray, " members"],
    nonmembers: Float[np.ndarray, " nonmembers"],
    nonmember_labels: Int64[np.ndarray, " nonmembers"],
    *,
    classes: int,
) -> Thresholds:
    """Find the cuts of the best balanced accuracy, exactly, in O(n log n).

    A cut lies midway between two neighbouring values; among equally good cuts the largest wins, so
    the answer does not depend on the order of the samples. "Everybody" is exactly as good as
    "nobody" (1/2), so the tie rule never picks it.

    >>> members, nonmembers = np.array([0.9, 0.8, 0.6, 0.4]), np.array([0.8, 0.5, 0.4, 0.2])
    >>> zeros = np.zeros(4, np.int64)
    >>> round(fit(members, zeros, nonmembers, zeros, classes=1).overall, 4)
    0.55
    """
    if not (members.size and nonmembers.size):
        raise DataError(
            "E056",
            "a threshold needs members and non-members, "
            f"got {members.size} members and {nonmembers.size} non-members",
            fix="Give the attack a reference set.",
        )
    values = np.concatenate([members, nonmembers])
    labels = np.concatenate([member_labels, nonmember_labels])
    is_member = np.arange(len(values)) < len(members)
    _refuse_unusable(values, labels, classes)
    counts = [np.bincount(each, minlength=classes) for each in (member_labels, nonmember_labels)]
    fallback = (counts[0] == 0) | (counts[1] == 0)
    overall = float(_best_cuts(values, np.zeros_like(labels), is_member, 1)[0])
    per_class = _best_cuts(values, labels, is_member, classes)
    return Thresholds(
        per_class=np.where(fallback, overall, per_class), overall=overall, fallback=fallback
    )


def constant(cut: float, *, classes: int) -> Thresholds:
    """Return the same cut for every class, for scores that need no fit.

    >>> constant(0.5, classes=2).per_class
    array([0.5, 0.5])
    """
    return Thresholds(
        per_class=np.full(classes, cut), overall=cut, fallback=np.zeros(classes, dtype=np.bool_)
    )


def decide(
    scores: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    thresholds: Thresholds,
) -> Bool[np.ndarray, " samples"]:
    """Say of every sample whether the attack calls it a member.

    >>> decide(np.array([0.4, 0.6]), np.array([0, 1]), constant(0.5, classes=2))
    array([False,  True])
    """
    _refuse_unusable(scores, labels, len(thresholds.per_class))
    return scores >= thresholds.per_class[labels]


def _best_cuts(
    values: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    is_member: Bool[np.ndarray, " samples"],
    classes: int,
) -> Float[np.ndarray, " classes"]:
    """Find every class's cut in one pass; +inf where nothing beats "nobody"."""
    order = np.lexsort((-values, labels))
    values, labels, is_member = values[order], labels[order], is_member[order]
    n_members = np.bincount(labels[is_member], minlength=classes)
    n_nonmembers = np.bincount(labels[~is_member], minlength=classes)
    # integers, so equal gains are equal; every class sums to 0, so one sum serves all classes
    gain = np.cumsum(np.where(is_member, n_nonmembers[labels], -n_members[labels]))
    # a cut cannot part equal values; the last of a class ("everybody") is as good as "nobody"
    same_class = labels[:-1] == labels[1:]
    candidates = np.flatnonzero(same_class & (values[:-1] != values[1:]) & (gain[:-1] > 0))
    best = np.zeros(classes, dtype=np.int64)
    np.maximum.at(best, labels[candidates], gain[candidates])
    winners = candidates[gain[candidates] == best[labels[candidates]]]
    found, first = np.unique(labels[winners], return_index=True)
    cuts = np.full(classes, np.inf)
    cuts[found] = _between(values[winners[first]], values[winners[first] + 1])
    return cuts


def _between(
    upper: Float[np.ndarray, " cuts"], lower: Float[np.ndarray, " cuts"]
) -> Float[np.ndarray, " cuts"]:
    """Return the midpoint, or the upper value where there is none (infinite or adjacent floats)."""
    with np.errstate(invalid="ignore"):  # inf - inf is the case handled by the next line
        middle = upper / 2 + lower / 2
    return np.where(middle > lower, middle, upper)


def _refuse_unusable(
    values: Float[np.ndarray, " samples"], labels: Int64[np.ndarray, " samples"], classes: int
) -> None:
    missing = np.flatnonzero(np.isnan(values))
    if missing.size:
        raise DataError(
            "E056",
            f"scores must be numbers, {missing.size} of {len(values)} are NaN",
            where=f"score {missing[0]}",
            fix="Leave out samples without a score.",
        )
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if outside.size:
        raise DataError(
            "E025",
            f"labels must lie in 0..{classes - 1}, got {labels[outside[0]]}",
            where=f"score {outside[0]}",
            fix="Number the classes from 0.",
        )
