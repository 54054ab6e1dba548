"""The threshold attack: member if the score reaches its class's cut (methods section 1.3)."""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Thresholds
from pryproof.attacks.ranking import Ranked, Side, ranked, ranked_twice
from pryproof.checks import DataError

__all__ = [
    "Thresholds",
    "best_cuts",
    "between",
    "constant",
    "decide",
    "fit",
    "fit_runs",
    "reached",
    "side",
]


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
    inside = side(members, member_labels, classes=classes)
    outside = side(nonmembers, nonmember_labels, classes=classes, first=members.size)
    by_class, together = ranked_twice(inside, outside, count=classes)
    overall = float(_best_cuts(together)[0])
    if np.isnan(overall):
        raise _one_sided(members.size, nonmembers.size)
    return _falling_back(_best_cuts(by_class), overall)


def fit_runs(
    scores: Float[np.ndarray, "runs samples"],
    labels: Int64[np.ndarray, " samples"],
    member: Bool[np.ndarray, "runs samples"],
    *,
    classes: int,
) -> list[Thresholds]:
    """Find every run's own cuts, in one pass over all runs and classes: what ``fit`` would find.

    >>> scores, member = np.array([[3.0, 1.0], [0.0, 5.0]]), np.eye(2, dtype=bool)
    >>> [each.overall for each in fit_runs(scores, np.array([0, 0]), member, classes=1)]
    [2.0, 2.5]
    """
    runs = len(scores)
    by_run, by_class = [], []
    for chosen in (member, ~member):
        run, sample = np.nonzero(chosen)
        found = side(scores[run, sample], labels[sample], classes=classes)
        by_run.append(Side(values=found.values, groups=run))
        by_class.append(Side(values=found.values, groups=run * classes + labels[sample]))
    overall = best_cuts(*by_run, count=runs)
    for each in np.flatnonzero(np.isnan(overall)):
        raise _one_sided(int(member[each].sum()), int((~member[each]).sum()))
    cuts = best_cuts(*by_class, count=runs * classes).reshape(runs, classes)
    return [_falling_back(*each) for each in zip(cuts, overall.tolist(), strict=True)]


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
    return reached(scores, labels, thresholds)


def reached(
    scores: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    thresholds: Thresholds,
) -> Bool[np.ndarray, " samples"]:
    """Say the same without a look at the arguments; a score that is NaN reaches no cut.

    >>> reached(np.array([np.nan, 0.6]), np.array([0, 1]), constant(0.5, classes=2))
    array([False,  True])
    """
    cuts = thresholds.per_class
    # nothing is at or above NaN, not even an infinite score
    return scores >= np.where(cuts == np.inf, np.nan, cuts)[labels]


def best_cuts(members: Side, others: Side, *, count: int) -> Float[np.ndarray, " groups"]:
    """Find the best cut of each of ``count`` groups in one pass, by the rule of ``fit``.

    A group is a class, or a class of a run. +inf: none beats "nobody"; NaN: the group lacks
    members or non-members.

    >>> members = Side(values=np.array([3.0, 7.0]), groups=np.array([0, 1]))
    >>> others = Side(values=np.array([1.0, 9.0]), groups=np.array([0, 1]))
    >>> best_cuts(members, others, count=3)
    array([ 2., inf, nan])
    """
    return _best_cuts(ranked(members, others, count=count))


def _best_cuts(order: Ranked) -> Float[np.ndarray, " groups"]:
    values, groups = order.values, order.groups
    # integers, so equal gains are equal
    gain = order.total_others[groups] * order.members - order.total_members[groups] * order.others
    # a cut cannot part equal values; the last of a group ("everybody") is as good as "nobody"
    candidates = np.flatnonzero(order.last[:-1] & (groups[:-1] == groups[1:]) & (gain[:-1] > 0))
    best = np.zeros(len(order.total_members), dtype=np.int64)
    np.maximum.at(best, groups[candidates], gain[candidates])
    winners = candidates[gain[candidates] == best[groups[candidates]]]
    found, first = np.unique(groups[winners], return_index=True)
    one_sided = (order.total_members == 0) | (order.total_others == 0)
    cuts = np.where(one_sided, np.nan, np.inf)
    cuts[found] = between(values[winners[first]], values[winners[first] + 1])
    return cuts


def side(
    values: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    *,
    classes: int,
    first: int = 0,
) -> Side:
    """Return scores with their classes as groups; refuse what cannot be ranked, by its number.

    >>> side(np.array([0.5]), np.array([1]), classes=2).groups
    array([1])
    """
    _refuse_unusable(values, labels, classes, first)
    return Side(values=values, groups=labels)


def between(
    upper: Float[np.ndarray, " cuts"], lower: Float[np.ndarray, " cuts"]
) -> Float[np.ndarray, " cuts"]:
    """Return the midpoint, or the upper value where there is none (adjacent floats).

    It is finite, as +inf means "nobody"; the largest float parts infinite values from the others.

    >>> between(np.array([2.0, np.inf]), np.array([1.0, -np.inf])).tolist()
    [1.5, 1.7976931348623157e+308]
    """
    with np.errstate(invalid="ignore"):  # inf - inf is the case handled by the next line
        middle = upper / 2 + lower / 2
    return np.minimum(np.where(middle > lower, middle, upper), np.finfo(np.float64).max)


def _falling_back(cuts: Float[np.ndarray, " classes"], overall: float) -> Thresholds:
    fallback = np.isnan(cuts)
    return Thresholds(
        per_class=np.where(fallback, overall, cuts), overall=overall, fallback=fallback
    )


def _one_sided(members: int, nonmembers: int) -> DataError:
    return DataError(
        "E056",
        "a threshold needs members and non-members, "
        f"got {members} members and {nonmembers} non-members",
        fix="Give the attack a reference set.",
    )


def _refuse_unusable(
    values: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    classes: int,
    first: int = 0,
) -> None:
    missing = np.isnan(values)
    if missing.any():
        raise DataError(
            "E056",
            f"scores must be numbers, {missing.sum()} of {len(values)} are NaN",
            where=f"score {first + missing.argmax()}",
            fix="Leave out samples without a score.",
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        outside = np.flatnonzero((labels < 0) | (labels >= classes))
        raise DataError(
            "E025",
            f"labels must lie in 0..{classes - 1}, got {labels[outside[0]]}",
            where=f"score {first + outside[0]}",
            fix="Number the classes from 0.",
        )
