"""Per-class cuts that lean on all classes together, the more the fewer samples a class has.

With few samples a class's best cut is mostly chance (methods section 13, A3). How much of what
classes seem to differ in is real follows from the data (empirical Bayes, by moments).
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Thresholds
from pryproof.attacks.ranking import Ranked, Side, ranked
from pryproof.attacks.threshold import between, fit, side

Cuts = Float[np.ndarray, " cuts"]


def fit_shrunk(
    members: Float[np.ndarray, " members"],
    member_labels: Int64[np.ndarray, " members"],
    nonmembers: Float[np.ndarray, " nonmembers"],
    nonmember_labels: Int64[np.ndarray, " nonmembers"],
    *,
    classes: int,
) -> Thresholds:
    """Find a cut per class that heeds all other classes too; called like ``threshold.fit``.

    A class's cut maximises w * (its balanced accuracy) + (1 - w) * (that of all classes together)
    over its own cuts, the overall one and "nobody"; ties go to the overall cut, else to the
    largest. w are ``weights``.

    >>> scores, labels = np.array([1.0, 0.4, 1.1, 0.5]), np.array([0, 0, 1, 1])
    >>> fit_shrunk(scores + 2, labels, scores, labels, classes=2).per_class
    array([1.75, 1.75])
    """
    sides = (
        side(members, member_labels, classes=classes),
        side(nonmembers, nonmember_labels, classes=classes, first=members.size),
    )
    plain = fit(members, member_labels, nonmembers, nonmember_labels, classes=classes)
    weight = weights(*sides, classes=classes)
    order = ranked(*sides, count=classes, all_of_them=True)
    owner, cuts, gain = _own_cuts(order)
    at_overall = slice(len(cuts), len(cuts) + classes)
    for cut in (plain.overall, np.inf):
        owner = np.concatenate([owner, np.arange(classes)])
        cuts = np.concatenate([cuts, np.full(classes, cut)])
        gain = np.concatenate([gain, _shares(sides[0], cut, order) - _shares(sides[1], cut, order)])
    mixed = weight[owner] * gain + (1 - weight[owner]) * _gain_of_all(cuts, members, nonmembers)
    best = np.full(classes, -np.inf)
    np.maximum.at(best, owner, mixed)
    per_class = np.full(classes, -np.inf)
    winners = mixed == best[owner]
    np.maximum.at(per_class, owner[winners], cuts[winners])
    per_class = np.where(mixed[at_overall] == best, plain.overall, per_class)
    return Thresholds(
        per_class=np.where(plain.fallback, plain.overall, per_class),
        overall=plain.overall,
        fallback=plain.fallback,
    )


def weights(members: Side, others: Side, *, classes: int) -> Float[np.ndarray, " classes"]:
    """Return how far each class is trusted over all together: 0 = not at all, 1 = fully.

    A class's share of values at or above the overall median (mean of members' and non-members')
    varies between classes by A beyond what chance would do, and by chance alone by s^2, which
    follows from the class's counts; the weight is A / (A + s^2). A class that lacks a side has 0.

    >>> labels, values = np.repeat([0, 1], 100), np.tile(np.arange(100.0), 2)
    >>> alike = Side(values=values, groups=labels)
    >>> weights(alike, alike, classes=2)
    array([0., 0.])
    >>> apart = Side(values=values + 50 * labels, groups=labels)
    >>> weights(apart, apart, classes=2).round(2)
    array([0.98, 0.98])
    """
    together = np.concatenate([members.values, others.values])
    median = np.partition(together, len(together) // 2)[len(together) // 2]
    shares, chance = np.zeros(classes), np.zeros(classes)
    expected, usable = 0.0, np.ones(classes, dtype=np.bool_)
    for each in (members, others):
        high = each.values >= median
        counts = np.bincount(_groups(each), minlength=classes)
        usable &= counts > 0
        at_least_one = np.maximum(counts, 1)
        share = float(high.mean())
        shares += np.bincount(_groups(each)[high], minlength=classes) / at_least_one / 2
        chance += share * (1 - share) / at_least_one / 4
        expected += share / 2
    if not usable.any():
        return np.zeros(classes)
    beyond = max(0.0, float(np.mean(((shares - expected) ** 2 - chance)[usable])))
    return beyond / np.where(usable & (beyond > 0), beyond + chance, np.inf)


def _groups(each: Side) -> Int64[np.ndarray, " samples"]:
    return np.zeros(len(each.values), dtype=np.int64) if each.groups is None else each.groups


def _own_cuts(order: Ranked) -> tuple[Int64[np.ndarray, " cuts"], Cuts, Cuts]:
    """Return of all cuts between two values of a class: the class, the cut, and what it gains."""
    upper = np.flatnonzero(order.last[:-1] & (order.groups[:-1] == order.groups[1:]))
    owner = order.groups[upper]
    members = np.maximum(order.total_members, 1)[owner]
    others = np.maximum(order.total_others, 1)[owner]
    gain = order.members[upper] / members - order.others[upper] / others
    return owner, between(order.values[upper], order.values[upper + 1]), gain


def _shares(each: Side, cut: float, order: Ranked) -> Float[np.ndarray, " classes"]:
    """Return the share of every class's samples that the cut calls members; inf calls nobody."""
    classes = len(order.total_members)
    called = (each.values >= cut) & (cut < np.inf)
    counts = np.bincount(_groups(each)[called], minlength=classes)
    return counts / np.maximum(np.bincount(_groups(each), minlength=classes), 1)


def _gain_of_all(
    cuts: Cuts, members: Float[np.ndarray, " members"], nonmembers: Float[np.ndarray, " nonmembers"]
) -> Cuts:
    below = [
        np.searchsorted(np.sort(values), cuts, side="left") / len(values)
        for values in (members, nonmembers)
    ]
    return np.where(cuts < np.inf, below[1] - below[0], 0.0)
