"""How many members and non-members lie at or above a value: of every group at once, by sorting.

A group is a class, or a class of a run: any whole number from 0. Before sorting, buckets of
values are counted, and those that cannot hold the best cut are left out: at a bucket's edges the
counts are exact, and inside it a cut gains no more than all its non-members are worth. What is left
out never changes an answer.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

Values = Float[np.ndarray, " samples"]
Groups = Int64[np.ndarray, " samples"]
Cells = Int64[np.ndarray, "groups buckets"]

A_FEW = 6  # samples a bucket, on average
MOST_BUCKETS = 4096
FINE = 1024  # buckets a group from which on they are fine enough for all groups together
WORTH_IT = 64  # samples a group from which on buckets pay
SAMPLED = 1024  # values of a side that are looked at to place the buckets
EVEN = 8  # times its share that the fullest bucket may hold before bits are tried
AT_ONCE = 8192  # samples worked on at a time: their numbers stay near the processor


@dataclass(frozen=True, kw_only=True)
class Side:
    """Members or non-members: a score and a group of each; no groups = all are of group 0."""

    values: Values
    groups: Groups | None = None


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Samples by group, then from the highest value to the lowest; the first six arrays alike.

    ``members`` and ``others`` count those of the group at or above the sample's value; ``last``
    marks the last of the samples with one value; ``samples`` are their numbers, non-members after
    all members. The totals are those of every group.
    """

    values: Float[np.ndarray, " kept"]
    groups: Int64[np.ndarray, " kept"]
    samples: Int64[np.ndarray, " kept"]
    last: Bool[np.ndarray, " kept"]
    members: Int64[np.ndarray, " kept"]
    others: Int64[np.ndarray, " kept"]
    total_members: Int64[np.ndarray, " groups"]
    total_others: Int64[np.ndarray, " groups"]


def ranked(members: Side, others: Side, *, count: int, all_of_them: bool = False) -> Ranked:
    """Rank the samples of ``count`` groups: all, or those among which the best cut must be.

    The best cut calls the members of a group by value >= v, and maximises (share of members at or
    above v) - (share of non-members). The next lower value of the group is kept as well.

    >>> found = ranked(Side(values=np.array([3.0, 2.0])), Side(values=np.array([1.0])), count=1)
    >>> found.values, found.members, found.others
    (array([3., 2., 1.]), array([1, 2, 2]), array([0, 0, 1]))
    """
    table = _tabled((members, others), count, all_of_them=all_of_them)
    return _ranked((members, others), table)


def ranked_twice(members: Side, others: Side, *, count: int) -> tuple[Ranked, Ranked]:
    """Rank by group, and all groups as one, filling buckets once where they are fine enough.

    >>> members = Side(values=np.array([3.0]), groups=np.array([1]))
    >>> others = Side(values=np.array([1.0]), groups=np.array([0]))
    >>> [found.groups.tolist() for found in ranked_twice(members, others, count=2)]
    [[0, 1], [0, 0]]
    """
    table = _tabled((members, others), count)
    inside, outside = table.counts
    if inside.shape[1] < FINE:
        together = ranked(Side(values=members.values), Side(values=others.values), count=1)
        return _ranked((members, others), table), together
    sums = (inside.sum(axis=0, keepdims=True), outside.sum(axis=0, keepdims=True))
    together = _ranked((members, others), _Table(cells=table.cells, counts=sums))
    return _ranked((members, others), table), together


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Every sample's cell = group * buckets + bucket, and the counts of members and others.

    With the counts of one group only, cells of all groups are taken for that one's.
    """

    cells: tuple[Int64[np.ndarray, " members"], Int64[np.ndarray, " others"]]
    counts: tuple[Cells, Cells]


def _tabled(sides: tuple[Side, Side], count: int, *, all_of_them: bool = False) -> _Table:
    size = len(sides[0].values) + len(sides[1].values)
    buckets = 0 if all_of_them else min(size // (A_FEW * max(count, 1)), MOST_BUCKETS)
    scale = _scale(sides, buckets) if buckets * A_FEW >= WORTH_IT else None
    if scale is None:
        buckets = 1
    cells = (_cells(sides[0], scale, buckets), _cells(sides[1], scale, buckets))
    members, others = (
        np.bincount(each, minlength=count * buckets).reshape(count, buckets) for each in cells
    )
    return _Table(cells=cells, counts=(members, others))


def _ranked(sides: tuple[Side, Side], table: _Table) -> Ranked:
    counts = table.counts
    count, buckets = counts[0].shape
    needed = _needed(*counts) if buckets > 1 else np.ones_like(counts[0], dtype=np.bool_)
    kept = [_kept(each, needed) for each in table.cells]
    values = np.concatenate([side.values[each] for side, each in zip(sides, kept, strict=True)])
    cells = np.concatenate([each[some] for each, some in zip(table.cells, kept, strict=True)])
    groups = cells // buckets if count > 1 else np.zeros_like(cells)
    order = _descending(values, groups, count)
    values, groups = values[order], groups[order]
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (values[1:] != values[:-1]) | (groups[1:] != groups[:-1])
    ends = np.flatnonzero(last)[np.cumsum(last) - last]  # of every sample's run of equal values
    downwards = needed[:, ::-1]
    sizes = (counts[0] + counts[1])[:, ::-1][downwards]
    at_or_above = [
        _at_or_above(side, sizes, (_upwards(counted) - counted)[:, ::-1][downwards])[ends]
        for side, counted in zip((order < len(kept[0]), order >= len(kept[0])), counts, strict=True)
    ]
    return Ranked(
        values=values,
        groups=groups,
        samples=np.concatenate([kept[0], kept[1] + len(sides[0].values)])[order],
        last=last,
        members=at_or_above[0],
        others=at_or_above[1],
        total_members=counts[0].sum(axis=1),
        total_others=counts[1].sum(axis=1),
    )


def _kept(cells: Groups, needed: Bool[np.ndarray, "groups buckets"]) -> Int64[np.ndarray, " kept"]:
    """Return the samples in needed cells."""
    if needed.all():
        return np.arange(len(cells))
    marks = needed.reshape(-1)
    if len(needed) == 1:  # cells of all groups are taken for that one's
        marks = np.tile(marks, -(-(int(cells.max(initial=0)) + 1) // len(marks)))
    return np.flatnonzero(marks.take(cells))


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Where the buckets begin, and how many there are a unit; ``by_bits``: of the float's bits."""

    low: float
    per_unit: float
    by_bits: bool


def _scale(sides: tuple[Side, Side], buckets: int) -> _Scale | None:
    """Place the buckets by the values or by their bits, which are nearly logarithmic.

    None = the values do not spread. Where buckets lie changes what is left out, never an answer.
    """
    some = np.concatenate([side.values[:: max(1, len(side.values) // SAMPLED)] for side in sides])
    some = some[np.isfinite(some)].astype(np.float64)
    best, fullest = None, len(some)
    for by_bits in (False, True):
        places = np.sort(_in_order(some) if by_bits else some)
        if not len(places):
            return None
        low, high = float(places[len(places) // 100]), float(places[-1 - len(places) // 100])
        step = high / buckets - low / buckets
        if step > 0 and 1.0 / step < np.inf:
            filled = np.bincount(np.clip((places - low) / step, 0, buckets - 1).astype(np.int64))
            if filled.max() < fullest:
                best = _Scale(low=low, per_unit=1.0 / step, by_bits=by_bits)
                fullest = int(filled.max())
        if fullest <= EVEN * (len(places) // buckets + 1):
            break
    return best


def _in_order(values: Float[np.ndarray, " some"]) -> Float[np.ndarray, " some"]:
    """Return a number that rises with the value, by equal steps from each float to the next."""
    bits = values.view(np.int64)
    return (bits ^ ((bits >> 63) & np.iinfo(np.int64).max)).astype(np.float64)


def _cells(side: Side, scale: _Scale | None, buckets: int) -> Groups:
    """Give each sample its cell: its group and, within it, a bucket, monotone in the value."""
    cells = np.empty(len(side.values), dtype=np.int64)
    place, whole = np.empty(AT_ONCE), np.zeros(AT_ONCE, dtype=np.int64)
    lowest, highest = np.zeros(AT_ONCE), np.full(AT_ONCE, buckets - 1.0)  # faster than one number
    for at in range(0, len(cells), AT_ONCE):
        part = slice(at, at + AT_ONCE)
        cell = cells[part]
        t, k = place[: len(cell)], whole[: len(cell)]
        if scale is not None:
            np.copyto(t, side.values[part])
            with np.errstate(over="ignore"):
                np.subtract(_in_order(t) if scale.by_bits else t, scale.low, out=t)
                np.multiply(t, scale.per_unit, out=t)
            np.maximum(t, lowest[: len(t)], out=t)
            np.minimum(t, highest[: len(t)], out=t)
            np.copyto(k, t, casting="unsafe")
        if side.groups is None:
            np.copyto(cell, k)
        else:
            np.multiply(side.groups[part], buckets, out=cell)
            np.add(cell, k, out=cell)
    return cells


def _needed(members: Cells, others: Cells) -> Bool[np.ndarray, "groups buckets"]:
    """Mark the buckets that may hold the best cut, and the next one with a sample below each."""
    step = max(1, AT_ONCE // members.shape[1])
    parts = [slice(at, at + step) for at in range(0, len(members), step)]
    return np.concatenate([_needed_of_some(members[part], others[part]) for part in parts])


def _needed_of_some(members: Cells, others: Cells) -> Bool[np.ndarray, "groups buckets"]:
    worth = members * others.sum(axis=1, keepdims=True)
    cost = others * members.sum(axis=1, keepdims=True)
    gain = _upwards(worth - cost)  # of a cut at the lower edge
    # inside a bucket, at most its non-members are spared on top of that. A value that no member
    # has never makes the best cut: the next higher one spares more
    needed = (gain + cost >= gain.max(axis=1, keepdims=True)) & (members > 0)
    filled = np.where(members + others > 0, np.arange(members.shape[1]), -1)
    below = np.maximum.accumulate(filled, axis=1)[:, :-1]
    rows, places = np.nonzero(needed[:, 1:] & (below >= 0))
    needed[rows, below[rows, places]] = True
    return needed


def _upwards(counts: Cells) -> Cells:
    """Return the counts of every bucket and all above it."""
    return np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]


def _descending(values: Values, groups: Groups, count: int) -> Int64[np.ndarray, " samples"]:
    order = np.argsort(-values)
    if count == 1:
        return order
    # a stable sort of 16-bit numbers is one by counting
    kind = np.uint16 if count <= 1 << 16 else np.int64
    return order[np.argsort(groups[order].astype(kind), kind="stable")]


def _at_or_above(
    side: Bool[np.ndarray, " kept"],
    sizes: Int64[np.ndarray, " cells"],
    above: Int64[np.ndarray, " cells"],
) -> Int64[np.ndarray, " kept"]:
    """Count one side along kept samples, in buckets of these sizes with so many above each."""
    running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(side)])
    starts = np.cumsum(sizes) - sizes
    return running[1:] + np.repeat(above - running[starts], sizes)
