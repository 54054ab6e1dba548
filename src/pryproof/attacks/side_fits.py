"""What peers fit to the runs with, and to those without a sample: a centre and a spread.

The peers' own operations in their own order, so that even the rounding is theirs; on many float64
numbers compiled loops, with the same medians, and means and spreads equal to 1e-12.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.median import LANES, Middle, middles
from pryproof.attacks.moments import WORTH_COMPILING, Sides, slices
from pryproof.compiled import available

Centre = Literal["median", "mean"]
Pooled = Literal["no", "values", "residuals"]

SAMPLES = 2048  # worked on at a time
# a spread as small beside the mean is mostly the rounding of how it was computed
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Of each sample's runs on one side: how many, their centre, and their spread about the mean.

    All spreads are standard deviations in their population form. ``pooled`` is one spread for all:
    that of all values about their one mean, or of all residuals about the centres; NaN if nobody
    asked for it. NaN where a sample has no run.
    """

    count: Int64[np.ndarray, " samples"]
    centre: Float[np.ndarray, "queries samples"]
    spread: Float[np.ndarray, "queries samples"]
    pooled: Float[np.ndarray, "1 1"]


@dataclass(frozen=True, kw_only=True)
class Shadows:
    """The runs that tell of a target, in their order, and how a peer looks at them.

    ``truncate``: of every sample use as many runs as the sample with the fewest has, the first.
    """

    values: Float[np.ndarray, "runs queries samples"]
    member: Bool[np.ndarray, "runs samples"]
    runs: Int64[np.ndarray, " some"]
    centre: Centre
    pooled: Pooled = "no"
    truncate: bool = False


def fits(shadows: Shadows, sides: Sides) -> dict[bool, Fit]:
    """Fit the sides asked for (False: the runs without a sample).

    >>> values = np.array([[[3.0]], [[5.0]], [[1.0]]])
    >>> three = np.arange(3)
    >>> inside = Shadows(values=values, member=values[:, 0] > 0, runs=three, centre="mean")
    >>> fits(inside, (True,))[True].spread.round(3)
    array([[1.633]])
    """
    values, member = shadows.values, shadows.member.view(np.uint8)
    inside = np.zeros(member.shape[1], dtype=np.int64)
    for part in slices(shadows.runs):
        inside += np.add.reduce(member[part], axis=0, dtype=np.uint16)  # four times as fast
    seen = np.stack([len(shadows.runs) - inside, inside])
    used = seen
    if shadows.truncate and seen.size:
        used = np.repeat(seen.min(axis=1, keepdims=True), seen.shape[1], axis=1)
    large = values.size >= WORTH_COMPILING and values.shape[2] >= LANES
    if not (large and values.dtype == np.float64 and available()):
        return _literal(shadows, used, sides)
    found = middles(values, shadows.member, shadows.runs, seen, used)
    return {side: _from_middle(shadows, used, found[int(side)], side=side) for side in sides}


def _from_middle(
    shadows: Shadows, used: Int64[np.ndarray, "2 samples"], found: Middle, *, side: bool
) -> Fit:
    count = used[int(side)]
    unseen = count == 0
    centre = np.where(unseen, np.nan, found.median if shadows.centre == "median" else found.mean)
    spread = np.where(unseen, np.nan, np.sqrt(found.squares / np.maximum(count, 1)))
    doubtful = np.flatnonzero((spread <= ROUNDING * np.abs(found.mean)).any(axis=0))
    if doubtful.size:
        some = replace(
            shadows,
            values=shadows.values[:, :, doubtful],
            member=shadows.member[:, doubtful],
            pooled="no",
        )
        exact = _literal(some, used[:, doubtful], (side,))[side]
        centre[:, doubtful], spread[:, doubtful] = exact.centre, exact.spread
    pooled = np.full((1, 1), np.nan)
    if shadows.pooled != "no":
        away = found.mean - (centre if shadows.pooled == "residuals" else 0.0)
        pooled = _of_all(count, away, found.squares)
        if not pooled > ROUNDING * np.abs(found.mean).max(where=~unseen, initial=0.0):
            pooled = _literal(shadows, used, (side,))[side].pooled
    return Fit(count=count, centre=centre, spread=spread, pooled=pooled)


def _of_all(
    count: Int64[np.ndarray, " samples"],
    mean: Float[np.ndarray, "queries samples"],
    squares: Float[np.ndarray, "queries samples"],
) -> Float[np.ndarray, "1 1"]:
    """Return the spread of all samples' values about their one mean."""
    seen = count > 0
    number = len(mean) * count.sum()
    if not number:
        return np.full((1, 1), np.nan)
    weight, mean, squares = count[seen], mean[:, seen], squares[:, seen]
    between = mean - np.sum(weight * mean) / number
    return np.full((1, 1), np.sqrt((squares.sum() + np.sum(weight * between**2)) / number))


def _literal(
    shadows: Shadows, used: Int64[np.ndarray, "2 samples"], sides: Sides
) -> dict[bool, Fit]:
    shape, dtype = shadows.values.shape[1:], shadows.values.dtype
    found = {side: np.full((2, *shape), np.nan, dtype=dtype) for side in sides}
    pieces: dict[bool, list[Float[np.ndarray, "_ queries"]]] = {side: [] for side in sides}
    for at in range(0, shape[1], SAMPLES):
        block = slice(at, at + SAMPLES)
        values, member = _sample_by_sample(shadows, block)
        for side in sides:
            centre, spread = found[side][:, :, block]
            count = used[int(side), block]
            seen = _first_of_each(values, member == side, count)
            for rows, data in _of_equal_counts(seen, count):
                centre[:, rows] = _median(data).T if shadows.centre == "median" else data.mean(1).T
                spread[:, rows] = data.std(axis=1).T
            if shadows.pooled == "residuals":
                seen = seen - np.repeat(centre.T, count, axis=0)
            pieces[side].append(seen if shadows.pooled != "no" else seen[:0])
    fitted = {}
    for side, (centre, spread) in found.items():
        pooled = np.full((1, 1), np.nan, dtype=dtype)
        together = np.concatenate(pieces[side]) if pieces[side] else np.empty(0)
        if together.size:
            pooled[:] = np.std(together)
        fitted[side] = Fit(count=used[int(side)], centre=centre, spread=spread, pooled=pooled)
    return fitted


def _sample_by_sample(
    shadows: Shadows, block: slice
) -> tuple[Float[np.ndarray, "samples some queries"], Bool[np.ndarray, "samples some"]]:
    """Return what the shadows say of each sample side by side, in the order of the runs."""
    parts = slices(shadows.runs)
    runs = parts[0] if len(parts) == 1 else shadows.runs  # a view, if it can be
    values = shadows.values[runs, :, block].transpose(2, 0, 1)
    return np.ascontiguousarray(values), np.ascontiguousarray(shadows.member[runs, block].T)


def _first_of_each(
    values: Float[np.ndarray, "samples some queries"],
    chosen: Bool[np.ndarray, "samples some"],
    count: Int64[np.ndarray, " samples"],
) -> Float[np.ndarray, "_ queries"]:
    """Return the first chosen values of sample after sample."""
    # query by query: an index of all axes is four times as fast as one of two
    seen = np.stack([query[chosen] for query in np.moveaxis(values, 2, 0)], axis=1)
    number = chosen.sum(axis=1)
    if np.array_equal(number, count):
        return seen
    skipped = np.cumsum(number) - number - (np.cumsum(count) - count)
    return seen[np.repeat(skipped, count) + np.arange(count.sum())]


def _of_equal_counts(
    values: Float[np.ndarray, "values queries"], count: Int64[np.ndarray, " samples"]
) -> Iterator[tuple[Int64[np.ndarray, " rows"], Float[np.ndarray, "rows runs queries"]]]:
    starts = np.cumsum(count) - count
    for number in np.unique(count[count > 0]):
        rows = np.flatnonzero(count == number)
        if len(rows) == len(count):
            yield rows, values.reshape(len(rows), number, -1)
        else:
            yield rows, values[starts[rows][:, None] + np.arange(number)]


def _median(data: Float[np.ndarray, "rows runs queries"]) -> Float[np.ndarray, "rows queries"]:
    ordered = np.sort(data, axis=1)  # many short rows: faster than a partition
    half = data.shape[1] // 2
    if data.shape[1] % 2:
        return ordered[:, half]
    return (ordered[:, half - 1] + ordered[:, half]) / 2
