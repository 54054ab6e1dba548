"""Medians and moments of the runs with and of those without each sample, by compiled loops.

Thirty-two samples are worked on side by side: the runs of a side are moved together, and a network
of comparisons, the same for every sample, brings the middle ones to the middle. ``side_fits`` has
the same in NumPy: the medians are equal bit for bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.compiled import compiled

LANES = 32  # samples side by side
TILES = 8  # sets of them in a block: half a megabyte for 256 runs
GROUP = 16  # samples of two cache lines


@dataclass(frozen=True, kw_only=True)
class Middle:
    """Of one side's runs: their median, mean, and the sum of squared deviations from it."""

    median: Float[np.ndarray, "queries samples"]
    mean: Float[np.ndarray, "queries samples"]
    squares: Float[np.ndarray, "queries samples"]


def middles(
    values: Float[np.ndarray, "runs queries samples"],
    member: Bool[np.ndarray, "runs samples"],
    runs: Int64[np.ndarray, " some"],
    seen: Int64[np.ndarray, "2 samples"],
    used: Int64[np.ndarray, "2 samples"],
) -> list[Middle]:
    """Return what some runs without the samples (first), and those with them, have in the middle.

    ``seen`` says how many of the runs lie on each side, ``used`` how many of these to use, the
    first ones: fewer than one give numbers without a meaning. There must be 32 samples or more.
    """
    samples = values.shape[2]
    sums = np.empty((2, 3, *values.shape[1:]))
    # the middle two of an even number of places: an odd number of values leaves one at the end
    sizes = [max(2, int(each.max()) + int(each.max()) % 2) for each in used]
    starts = [0, max(sizes[0], int(seen[0].max()))]
    places = starts[1] + max(sizes[1], int(seen[1].max()))
    room = np.empty((TILES, places, LANES))
    networks = [start + _network(size) for start, size in zip(starts, sizes, strict=True)]
    for query, block in _blocks(values.shape[1], samples):
        tiles = room[: (block.stop - block.start) // LANES]
        compiled(_gather)(values[:, query, block], member[:, block], runs, starts[1], tiles)
        for side, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            into, count = sums[side, :, query, block], used[side, block]
            compiled(_add_up)(tiles, start, size, count, into[1:])
            compiled(_sort_eights)(tiles, start, start + size)
            compiled(_compare)(tiles, networks[side])
            low, high = tiles[:, start + size // 2 - 1], tiles[:, start + size // 2]
            with np.errstate(invalid="ignore"):  # infinities where no value is used
                middle = (low + high) / 2
            into[0] = np.where(count % 2 == 1, low.reshape(-1), middle.reshape(-1))
    return [Middle(median=each[0], mean=each[1], squares=each[2]) for each in sums]


def _blocks(queries: int, samples: int) -> Iterator[tuple[int, slice]]:
    """Yield every query with blocks of whole tiles; the last tile ends with the last sample."""
    whole = samples - samples % LANES
    for query in range(queries):
        for start in range(0, whole, TILES * LANES):
            yield query, slice(start, min(start + TILES * LANES, whole))
        if whole < samples:
            yield query, slice(samples - LANES, samples)


def _gather(
    values: Float[np.ndarray, "runs samples"],
    member: Bool[np.ndarray, "runs samples"],
    runs: Int64[np.ndarray, " some"],
    start: int,
    tiles: Float[np.ndarray, "tiles places lanes"],
) -> None:
    """Move the runs without a sample to the first places, those with it to ``start`` and on."""
    next_row = np.uint64(LANES)
    free = np.empty(2 * GROUP, dtype=np.uint64)
    for tile in range(len(tiles)):
        flat = tiles[tile].reshape(-1)
        for group in range(0, LANES, GROUP):
            first = tile * LANES + group
            for lane in range(GROUP):
                free[lane] = group + lane
                free[GROUP + lane] = start * LANES + group + lane
            for run in runs:
                row = values[run, first : first + GROUP]
                chosen = member[run, first : first + GROUP]
                for lane in range(GROUP):
                    side = np.uint64(chosen[lane]) * np.uint64(GROUP) + np.uint64(lane)
                    flat[free[side]] = row[lane]
                    free[side] += next_row


def _add_up(
    tiles: Float[np.ndarray, "tiles places lanes"],
    start: int,
    size: int,
    count: Int64[np.ndarray, " samples"],
    sums: Float[np.ndarray, "2 samples"],
) -> None:
    """Write mean and squared deviations; put as many infinities below the values as above them."""
    pivot, total, squares, used, below = np.empty((5, LANES))
    for tile in range(len(tiles)):
        base = tile * LANES
        for lane in range(LANES):
            pivot[lane] = tiles[tile, start, lane]
            total[lane] = squares[lane] = 0.0
            used[lane] = count[base + lane]
            below[lane] = count[base + lane] + (size - count[base + lane]) // 2
        least = count[base : base + LANES].min()
        for row in range(size):
            values = tiles[tile, start + row]
            for lane in range(LANES):
                away = values[lane] - pivot[lane] if row < used[lane] else 0.0
                total[lane] += away
                squares[lane] += away * away
            if row >= least:
                for lane in range(LANES):
                    infinity = -np.inf if row < below[lane] else np.inf
                    values[lane] = values[lane] if row < used[lane] else infinity
        for lane in range(LANES):
            mean = total[lane] / max(used[lane], 1.0)
            sums[0, base + lane] = pivot[lane] + mean
            sums[1, base + lane] = max(squares[lane] - total[lane] * mean, 0.0)


def _sort_eights(tiles: Float[np.ndarray, "tiles places lanes"], start: int, stop: int) -> None:
    """Sort every eight places, in registers: ``_compare`` would write each value six times."""
    # no def: what checks shapes in the tests would wrap it, and Numba not know the wrapping
    sorted_two = lambda a, b: ((a if a < b else b), (a if a > b else b))  # noqa: E731
    for tile in range(len(tiles)):
        for row in range(start, stop - 7, 8):
            eight = tiles[tile, row : row + 8]
            for lane in range(LANES):
                a, b = sorted_two(eight[0, lane], eight[1, lane])
                c, d = sorted_two(eight[2, lane], eight[3, lane])
                e, f = sorted_two(eight[4, lane], eight[5, lane])
                g, h = sorted_two(eight[6, lane], eight[7, lane])
                a, c = sorted_two(a, c)
                b, d = sorted_two(b, d)
                b, c = sorted_two(b, c)
                e, g = sorted_two(e, g)
                f, h = sorted_two(f, h)
                f, g = sorted_two(f, g)
                a, e = sorted_two(a, e)
                b, f = sorted_two(b, f)
                c, g = sorted_two(c, g)
                d, h = sorted_two(d, h)
                c, e = sorted_two(c, e)
                d, f = sorted_two(d, f)
                eight[0, lane], eight[7, lane] = a, h
                eight[1, lane], eight[2, lane] = sorted_two(b, c)
                eight[3, lane], eight[4, lane] = sorted_two(d, e)
                eight[5, lane], eight[6, lane] = sorted_two(f, g)


def _compare(
    tiles: Float[np.ndarray, "tiles places lanes"], network: Int64[np.ndarray, "comparisons 2"]
) -> None:
    """Write the smaller of each two values to the first place, the larger to the second."""
    for tile in range(len(tiles)):
        for step in range(len(network)):
            low, high = tiles[tile, network[step, 0]], tiles[tile, network[step, 1]]
            for lane in range(LANES):
                first, second = low[lane], high[lane]
                low[lane] = first if first < second else second
                high[lane] = first if first > second else second


@cache
def _network(size: int) -> Int64[np.ndarray, "comparisons 2"]:
    """Return the comparisons that bring the middle two of an even number to their places.

    Batcher's odd-even merge sort (1968), without those that the middle does not depend on, for
    places that are sorted in eights as far as they go.

    >>> _network(2).tolist(), len(_network(128))
    ([[0, 1]], 909)
    """
    needed, kept = {size // 2 - 1, size // 2}, []
    for width, low, high in reversed(list(_sorting(size))):
        if (low in needed or high in needed) and (width >= 8 or low >= size - size % 8):
            needed |= {low, high}
            kept.append((low, high))
    return np.array(kept[::-1], dtype=np.int64).reshape(-1, 2)


def _sorting(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield pairs to compare, with the width of the sorted stretches that they merge."""
    width = 1
    while width < size:
        step = width
        while step:
            for start in range(step % width, size - step, 2 * step):
                for low in range(start, min(start + step, size - step)):
                    if low // (2 * width) == (low + step) // (2 * width):
                        yield width, low, low + step
            step //= 2
        width *= 2
