"""Compare a cheap ranking with the expensive one it stands in for (methods sections 2.2, 2.4)."""

import numpy as np
from jaxtyping import Bool, Float

from pryproof.checks import ConfigurationError, DataError
from pryproof.intervals import two_sided, wilson
from pryproof.records import Estimate

Values = Float[np.ndarray, " samples"]

FEWEST = 4  # samples of a correlation: Fisher's z has n - 3 degrees of freedom
FARTHEST = 6.0  # a share q of samples out of order lowers Spearman's 1 by at most about 6 q
EXACT = 1e-12  # correlations nearer than this to 1 are 1, but for rounding


def precision_at(
    cheap: Float[np.ndarray, " samples"],
    expensive: Float[np.ndarray, " samples"],
    *,
    share: float = 0.01,
    confidence: float = 0.95,
) -> Estimate:
    """Return which part of the cheap ranking's top lies in the expensive one's top.

    Both hold one value per sample, in any unit, higher = more exposed; a top is the nearest whole
    number of samples to ``share`` of them. Values tied across a top's border share its last places
    in equal parts (what breaking ties at random gives on average), so the order of the samples
    never matters. The result is a share of samples, higher = better agreement; unrelated rankings
    reach ``share`` on average. The interval is Wilson's on the size of the top, both rankings as
    given; as tops have a fixed size, it errs on the wide side.

    >>> cheap, expensive = np.array([0.1, 0.9, 0.8, 0.2]), np.array([1.0, 9.0, 2.0, 3.0])
    >>> str(precision_at(cheap, expensive, share=0.5))
    '0.500 [0.095, 0.905]'
    """
    if not 0 < share < 1:
        raise ConfigurationError(
            "E044",
            f"the share of a top must lie between 0 and 1, got {share}",
            fix="Give a share such as 0.01.",
        )
    _refuse_unusable(cheap, expensive)
    samples = len(cheap)
    size = int(np.floor(samples * share + 0.5))
    if size < 1:
        raise DataError(
            "E045",
            f"a top of {share} needs at least one sample, got none of {samples}",
            fix="Give more samples, or a larger share.",
        )
    if size == samples:
        return _not_estimable(samples, confidence, "the top holds every sample")
    value = float(min(_top(cheap, size) @ _top(expensive, size) / size, 1.0))
    low, high = wilson(value * size, size, confidence=confidence)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=size,
        confidence=confidence,
        method="Wilson over the cheap top, rankings as given",
    )


def rank_correlation(
    cheap: Float[np.ndarray, " samples"],
    expensive: Float[np.ndarray, " samples"],
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Return Spearman's correlation of two rankings, tied values at their mean rank.

    Both hold one value per sample, in any unit. The result lies in [-1, 1]: 1 = one order,
    0 = unrelated. The interval is about which samples were drawn, both rankings as given; see
    ``correlation_estimate``. NaN where one side cannot tell any samples apart.

    >>> cheap = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    >>> str(rank_correlation(cheap, np.array([1.0, 3.0, 2.0, 4.0, 6.0, 5.0])))
    '0.886 [-0.582, 0.998]'
    """
    _refuse_unusable(cheap, expensive)
    if len(cheap) < FEWEST:
        raise DataError(
            "E045",
            f"a correlation needs {FEWEST} samples, got {len(cheap)}",
            fix="Give more samples.",
        )
    first, second = _levels(cheap), _levels(expensive)
    if min(first.max(), second.max()) == 0:
        return _not_estimable(len(cheap), confidence, "all values of one side are equal")
    place, other = _middle(first), _middle(second)
    both, spread, other_spread = (
        float(np.mean(a * b)) for a, b in ((place, other), (place, place), (other, other))
    )
    value = both / np.sqrt(spread * other_spread)
    # a sample counts by its own product, and by moving the ranks of all that lie above it
    influence = place * other + _mean_above(first, other) + _mean_above(second, place)
    influence /= np.sqrt(spread * other_spread)
    for level, at, size in ((first, place, spread), (second, other, other_spread)):
        influence -= value / 2 * (at**2 + 2 * _mean_above(level, at)) / size
    return correlation_estimate(value, influence, confidence=confidence)


def correlation_estimate(
    value: float,
    influence: Float[np.ndarray, " samples"],
    *,
    runs: int = 1,
    confidence: float = 0.95,
) -> Estimate:
    """Give a rank correlation its interval, from every sample's influence on it.

    ``influence`` is the infinitesimal jackknife's, up to a constant: the variance of the value is
    theirs divided by their number, ties or not. The interval is symmetric on Fisher's scale, with
    Student's t. At exactly 1 (or -1) no sample deviates and the variance says nothing; the interval
    then reaches as far as the largest share of deviating samples that could have gone unseen.

    >>> str(correlation_estimate(0.5, np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0])))
    '0.500 [-0.755, 0.969]'
    >>> str(correlation_estimate(1.0, np.zeros(1_000)))
    '1.000 [0.982, 1.000]'
    """
    samples = len(influence)
    value = float(np.clip(value, -1, 1))
    if 1 - abs(value) < EXACT:
        unseen = -np.expm1(np.log1p(-confidence) / samples)
        inner = max(1 - FARTHEST * unseen, -1.0)
        low, high = (inner, 1.0) if value > 0 else (-1.0, -inner)
        value, method = round(value), "no deviating sample among those seen"
    else:
        freedom = samples - 3
        error = np.sqrt(np.var(influence) / freedom) / (1 - value**2)
        half = two_sided(confidence, freedom=freedom) * error
        low, high = np.tanh(np.arctanh(value) - half), np.tanh(np.arctanh(value) + half)
        method = "Fisher's z with influences of samples, rankings as given"
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        n=samples,
        runs=runs,
        confidence=confidence,
        method=method,
    )


def _refuse_unusable(cheap: Values, expensive: Values) -> None:
    if len(cheap) != len(expensive):
        raise DataError(
            "E056",
            f"both rankings must be of the same samples, got {len(cheap)} and {len(expensive)}",
            fix="Give one value per sample on both sides.",
        )
    for name, values in (("cheap", cheap), ("expensive", expensive)):
        missing = np.flatnonzero(np.isnan(values))
        if missing.size:
            raise DataError(
                "E056",
                f"values to compare must be numbers, {missing.size} of {len(values)} are NaN",
                where=f"{name}, sample {missing[0]}",
                fix="Leave out samples that were not measured.",
            )


def _not_estimable(samples: int, confidence: float, why: str) -> Estimate:
    return Estimate(
        value=np.nan, low=np.nan, high=np.nan, n=samples, confidence=confidence, method=why
    )


def _top(values: Values, size: int) -> Values:
    """Return how much of every sample belongs to the top: 1, 0, or a part where ties straddle."""
    border = np.partition(values, len(values) - size)[len(values) - size]
    above: Bool[np.ndarray, " samples"] = values > border
    tied = values == border
    return above + tied * ((size - above.sum()) / tied.sum())


def _levels(values: Values) -> np.ndarray:
    """Replace values by whole numbers of the same order, from 0 on without gaps."""
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def _middle(level: np.ndarray) -> Values:
    """Return every sample's mean rank, as a share of all samples, about their mean."""
    counts = np.bincount(level)
    return ((np.cumsum(counts) - counts / 2) / len(level) - 0.5)[level]


def _mean_above(level: np.ndarray, weights: Values) -> Values:
    """Return, per sample, the sum of weights at higher levels and half of its own, over samples."""
    sums = np.bincount(level, weights=weights)
    return ((np.cumsum(sums[::-1])[::-1] - sums / 2) / len(level))[level]
