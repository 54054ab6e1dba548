"""Say how alike independent runs order the samples: the overlap's companions (methods 2.4)."""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof import seeds
from pryproof.checks import ConfigurationError, DataError
from pryproof.intervals import wilson
from pryproof.records import Estimate
from pryproof.valuation.comparison import correlation_estimate
from pryproof.valuation.overlap import overlap

FEWEST = 4  # samples of a correlation: Fisher's z has n - 3 degrees of freedom
CHOICES = 10  # of runs per point of a curve


@dataclass(frozen=True, kw_only=True)
class Point:
    """Overlap of ``runs`` runs in one bin of the rank order, over several choices of the runs.

    ``ratio`` is the mean over ``choices``; ``lowest`` and ``highest`` are the extreme ratios among
    them, ``chance`` what that many independent orders would share on average.
    """

    start: float
    end: float
    runs: int
    ratio: Estimate
    lowest: float
    highest: float
    chance: float
    choices: int


def spearman(ranks: Int64[np.ndarray, "runs samples"], *, confidence: float = 0.95) -> Estimate:
    """Return Spearman's correlation of two runs' ranks, averaged over all pairs of runs.

    Higher = better agreement: 1 = one order, 0 = unrelated, at least -1 / (runs - 1). Ranks are
    those of ``ranks.ranks``: ties broken at random count as disagreement. The interval is about
    which samples were drawn, for these runs; it comes from every sample's influence on the mean,
    in which the pairs need not be told apart, so the cost grows with runs times samples.

    >>> str(spearman(np.array([[1, 2, 3, 4, 5, 6], [1, 3, 2, 4, 6, 5]])))
    '0.886 [-0.582, 0.998]'
    """
    runs, samples = ranks.shape
    if runs < 2 or samples < FEWEST:
        raise DataError(
            "E045",
            f"an agreement needs 2 runs and {FEWEST} samples, got {runs} runs, {samples} samples",
            fix="Train more runs, or give more samples.",
        )
    _refuse_gaps(ranks)
    total, squares = np.zeros(samples), np.zeros(samples)
    for row in ranks:
        place = _place(row)
        total += place
        squares += place**2
    products = (total**2 - squares) / 2  # summed over pairs of runs
    moved = np.zeros(samples)  # a sample also moves the ranks of all that lie above it
    for row in ranks:
        moved += _mean_above(row, total - _place(row))
    scale = math.comb(runs, 2) * (1 - 1 / samples**2) / 12
    return correlation_estimate(
        float(products.mean() / scale),
        (products + moved) / scale,
        runs=runs,
        confidence=confidence,
    )


def jaccard(
    ranks: Int64[np.ndarray, "runs samples"],
    start: float,
    end: float,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Return how alike two runs fill the bin from ``start`` to ``end``, averaged over all pairs.

    The likeness (Jaccard) is the number of samples in both runs' bins over that in either; the bin
    is that of ``overlap.overlap``. Higher = better agreement: 1 = the same samples, 0 = none in
    common; unrelated orders reach about width / (2 - width), for any number of runs. The interval
    is about which samples were drawn, for these runs: Wilson's, on as many samples as would give a
    share this variance. A bin's size is fixed, which it does not use: it errs on the wide side.

    >>> str(jaccard(np.array([[1, 2, 3, 4, 5, 6], [1, 3, 2, 4, 6, 5]]), 0.0, 0.5))
    '1.000 [0.439, 1.000]'
    >>> str(jaccard(np.array([[1, 2, 3, 4, 5, 6], [1, 2, 4, 3, 6, 5]]), 0.0, 0.5))
    '0.500 [0.077, 0.923]'
    """
    size = overlap(ranks, start, end).size  # refuses what is no bin
    _refuse_gaps(ranks)
    runs, samples = ranks.shape
    first = min(int(np.floor(samples * start + 0.5)), samples - size)
    inside = (ranks > first) & (ranks <= first + size)
    both = np.array([np.count_nonzero(inside[:, row], axis=1) for row in inside])
    either = 2 * size - both
    pairs = ~np.eye(runs, dtype=bool)
    likeness = both / either
    value = float(likeness[pairs].mean())
    variance = float(np.sum(_deviations(inside, likeness, either) ** 2))
    # at 0 and at 1 no sample deviates: one bin is then what was seen
    n, freedom = float(size), np.inf
    if 0 < value < 1:
        freedom = float(np.count_nonzero(inside.any(axis=0)) - 1)
        most = float(either[pairs].sum()) / 2  # should the deviations of all pairs cancel
        n = min(value * (1 - value) / variance, most) if variance > 0 else most
    low, high = wilson(value * n, n, confidence=confidence, freedom=freedom)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=size,
        runs=runs,
        confidence=confidence,
        method="Wilson over effective samples, runs as given",
    )


def curve(
    ranks: Int64[np.ndarray, "runs samples"],
    bins: tuple[tuple[float, float], ...],
    runs: tuple[int, ...],
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[Point, ...]:
    """Follow the overlap ratio of every bin (start, end) as it falls with the number of runs.

    For each number of runs, all choices of so many among the runs given if there are at most ten,
    else ten different ones drawn by ``seed``, the same for all bins. Points come bin by bin. The
    value is the mean over choices; the interval, for one choice that of ``overlap``, reaches from
    the lowest to the highest end of the choices' intervals. So it holds both the draw of samples
    and that of runs among those given, and errs on the wide side. Choices share runs: their spread
    understates that of newly trained runs, most so near all runs.

    >>> same = np.tile(np.arange(1, 9), (3, 1))
    >>> [(point.runs, point.choices, point.chance, str(point.ratio))
    ...  for point in curve(same, ((0.0, 0.25),), (2, 3))]
    [(2, 3, 0.25, '1.000 [0.342, 1.000]'), (3, 1, 0.0625, '1.000 [0.342, 1.000]')]
    """
    given = len(ranks)
    wrong = [count for count in runs if not 2 <= count <= given]
    if wrong:
        raise ConfigurationError(
            "E044",
            f"a point needs 2 runs or more, of {given} given, got {wrong[0]}",
            fix="Ask for fewer runs, or train more.",
        )
    choices = {count: _choices(given, count, seed) for count in runs}
    return tuple(
        _point(ranks, choices[count], span, confidence=confidence)
        for span in bins
        for count in runs
    )


def _refuse_gaps(ranks: Int64[np.ndarray, "runs samples"]) -> None:
    samples = ranks.shape[1]
    for run, row in enumerate(ranks):
        whole = row.min() == 1 and row.max() == samples and np.bincount(row)[1:].max() == 1
        if not whole:
            raise DataError(
                "E056",
                f"the ranks of a run must be 1 to {samples}, each once",
                where=f"run {run}",
                fix="Compute them with pryproof.valuation.ranks.",
            )


def _place(row: Int64[np.ndarray, " samples"]) -> Float[np.ndarray, " samples"]:
    """Return ranks as shares of all samples, about their mean."""
    return (row - 0.5) / len(row) - 0.5


def _mean_above(
    row: Int64[np.ndarray, " samples"], weights: Float[np.ndarray, " samples"]
) -> Float[np.ndarray, " samples"]:
    """Return, per sample, the weights at higher ranks and half of its own, over samples."""
    ordered = np.empty(len(row))
    ordered[row - 1] = weights
    return ((np.cumsum(ordered[::-1])[::-1] - ordered / 2) / len(row))[row - 1]


def _deviations(
    inside: Bool[np.ndarray, "runs samples"],
    likeness: Float[np.ndarray, "runs runs"],
    either: Int64[np.ndarray, "runs runs"],
) -> Float[np.ndarray, " samples"]:
    """Return every sample's part in the error of the mean likeness, a ratio of two counts.

    A sample in both bins of a pair adds 1 - likeness over the size of the union, one in a single
    bin takes likeness over it.
    """
    runs, samples = inside.shape
    weight = 1 / (either * math.comb(runs, 2))
    np.fill_diagonal(weight, 0)
    single = np.sum(weight * likeness, axis=1)
    result = np.zeros(samples)
    for run in range(runs):
        here = np.flatnonzero(inside[run])
        joint = weight[run] * (1 + likeness[run])  # 1 - likeness, and the singles taken twice
        result[here] += joint @ inside[:, here] / 2 - single[run]
    return result


def _choices(given: int, count: int, seed: int) -> list[tuple[int, ...]]:
    """Return different choices of ``count`` runs, sorted: all of them, or ``CHOICES`` drawn."""
    if math.comb(given, count) <= CHOICES:
        return list(combinations(range(given), count))
    rng = seeds.generator(seed, "curve", given, count)
    drawn: set[tuple[int, ...]] = set()
    while len(drawn) < CHOICES:
        drawn.add(tuple(sorted(rng.permutation(given)[:count].tolist())))
    return sorted(drawn)


def _point(
    ranks: Int64[np.ndarray, "runs samples"],
    choices: list[tuple[int, ...]],
    span: tuple[float, float],
    *,
    confidence: float,
) -> Point:
    found = [overlap(ranks[list(each)], *span, confidence=confidence) for each in choices]
    ratios = [each.ratio.value for each in found]
    one, method = found[0], found[0].ratio.method
    if len(found) > 1:
        method = f"from lowest to highest interval of {len(found)} choices of runs"
    ratio = Estimate(
        value=float(np.mean(ratios)),
        low=min(each.ratio.low for each in found),
        high=max(each.ratio.high for each in found),
        n=one.size,
        runs=one.ratio.runs,
        confidence=confidence,
        method=method,
    )
    return Point(
        start=span[0],
        end=span[1],
        runs=one.ratio.runs,
        ratio=ratio,
        lowest=min(ratios),
        highest=max(ratios),
        chance=one.chance,
        choices=len(found),
    )
