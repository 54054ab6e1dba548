import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.valuation.comparison import correlation_estimate, precision_at, rank_correlation


def precision_naive(cheap: np.ndarray, expensive: np.ndarray, size: int, draws: int) -> float:
    """Break ties at random, many times, and count."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(draws):
        tops = [
            set(np.lexsort((rng.random(len(values)), values))[-size:].tolist())
            for values in (cheap, expensive)
        ]
        hits += len(tops[0] & tops[1])
    return hits / size / draws


def mid_ranks_naive(values: np.ndarray) -> np.ndarray:
    return np.array([np.sum(values < each) + (np.sum(values == each) + 1) / 2 for each in values])


def pair(rng: np.random.Generator, samples: int, rho: float, coarse: float = 0.0):
    first = rng.normal(size=samples)
    second = rho * first + np.sqrt(1 - rho**2) * rng.normal(size=samples)
    return (np.floor(first * coarse), np.floor(second * coarse)) if coarse else (first, second)


def test_the_top_of_known_values():
    expensive = np.arange(100.0)
    assert precision_at(expensive, expensive, share=0.1).value == 1.0
    assert precision_at(-expensive, expensive, share=0.1).value == 0.0
    shifted = np.where(expensive >= 95, -1.0, expensive)  # the cheap one misses five of ten
    found = precision_at(shifted, expensive, share=0.1)
    assert (found.value, found.n) == (0.5, 10)
    assert 0 < found.low < 0.5 < found.high < 1


@pytest.mark.parametrize("levels", [2, 4, 12])
def test_ties_count_as_random_breaking_does_on_average(levels: int):
    rng = np.random.default_rng(levels)
    cheap, expensive = (rng.integers(0, levels, 40).astype(float) for _ in range(2))
    found = precision_at(cheap, expensive, share=0.2).value
    assert found == pytest.approx(precision_naive(cheap, expensive, 8, 4_000), abs=0.02)


def test_a_cheap_ranking_without_any_order_has_chance_precision():
    assert precision_at(np.zeros(200), np.arange(200.0), share=0.05).value == pytest.approx(0.05)


def test_infinite_scores_are_the_most_exposed():
    cheap = np.array([np.inf, 1.0, -np.inf, 0.0])
    assert precision_at(cheap, np.array([3.0, 2.0, 1.0, 0.0]), share=0.5).value == 1.0
    assert rank_correlation(cheap, np.array([3.0, 2.0, 0.0, 1.0])).value == 1.0


def test_null_precision_is_the_share():
    rng = np.random.default_rng(3)
    found = [precision_at(rng.random(500), rng.random(500), share=0.1) for _ in range(300)]
    assert np.mean([each.value for each in found]) == pytest.approx(0.1, abs=0.01)
    assert np.mean([each.contains(0.1) for each in found]) >= 0.93


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_the_interval_covers_the_precision_of_all_samples(rho: float):
    rng = np.random.default_rng(5)
    truth = precision_at(*pair(rng, 500_000, rho), share=0.05).value
    found = [precision_at(*pair(rng, 1_000, rho), share=0.05) for _ in range(400)]
    assert np.mean([each.contains(truth) for each in found]) >= 0.94


@pytest.mark.parametrize("coarse", [0.0, 0.7, 2.0])
def test_correlation_is_pearsons_of_mid_ranks(coarse: float):
    first, second = pair(np.random.default_rng(1), 60, 0.6, coarse)
    naive = np.corrcoef(mid_ranks_naive(first), mid_ranks_naive(second))[0, 1]
    assert rank_correlation(first, second).value == pytest.approx(naive, abs=1e-12)


@pytest.mark.parametrize("coarse", [0.0, 1.0])
def test_the_influence_agrees_with_leaving_samples_out(coarse: float):
    """The jackknife that recomputes all, against the one that does not."""
    samples = 400
    first, second = pair(np.random.default_rng(2), samples, 0.7, coarse)
    left = []
    for out in range(samples):
        keep = np.arange(samples) != out
        left.append(rank_correlation(first[keep], second[keep]).value)
    error = np.sqrt((samples - 1) * np.var(left))
    found = rank_correlation(first, second)
    half = (np.arctanh(found.high) - np.arctanh(found.low)) / 2
    assert half == pytest.approx(1.966 * error / (1 - found.value**2), rel=0.03)


@pytest.mark.parametrize("samples", [50, 500])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("coarse", [0.0, 1.0])
def test_the_interval_covers_the_correlation_of_all_samples(
    samples: int, rho: float, coarse: float
):
    rng = np.random.default_rng(11)
    truth = rank_correlation(*pair(rng, 300_000, rho, coarse)).value
    if not coarse:
        assert truth == pytest.approx(6 / np.pi * np.arcsin(rho / 2), abs=0.006)
    found = [rank_correlation(*pair(rng, samples, rho, coarse)) for _ in range(800)]
    assert 0.92 <= np.mean([each.contains(truth) for each in found]) <= 0.98


def test_the_order_of_samples_does_not_matter():
    rng = np.random.default_rng(6)
    cheap, expensive = pair(rng, 200, 0.5, 1.5)
    order = rng.permutation(200)
    for measure in (precision_at, rank_correlation):
        one, other = measure(cheap, expensive), measure(cheap[order], expensive[order])
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_only_the_order_of_values_matters():
    cheap, expensive = pair(np.random.default_rng(8), 100, 0.5)
    assert precision_at(np.exp(cheap), expensive**3, share=0.1) == precision_at(
        cheap, expensive, share=0.1
    )
    assert rank_correlation(np.exp(cheap), expensive**3) == rank_correlation(cheap, expensive)
    assert rank_correlation(-cheap, expensive).value == pytest.approx(
        -rank_correlation(cheap, expensive).value
    )


def test_perfect_agreement_still_has_an_interval():
    up = rank_correlation(np.arange(200.0), np.arange(200.0))
    down = rank_correlation(np.arange(200.0), -np.arange(200.0))
    assert (up.value, up.high) == (1.0, 1.0)
    assert (down.value, down.low, down.high) == (-1.0, -1.0, -up.low)
    assert 0.9 < up.low < 1
    assert correlation_estimate(1.0, np.zeros(4)).low == -1.0


def test_what_cannot_be_estimated_says_why():
    same, other = np.zeros(10), np.arange(10.0)
    assert str(rank_correlation(same, other)) == (
        "not estimable (all values of one side are equal)"
    )
    assert np.isnan(rank_correlation(other, same).value)
    assert str(precision_at(other, other, share=0.99)) == (
        "not estimable (the top holds every sample)"
    )


def test_refusals():
    values = np.arange(10.0)
    broken = np.where(values == 3, np.nan, values)
    for share in (0.0, 1.0, np.nan):
        with pytest.raises(ConfigurationError, match="between 0 and 1"):
            precision_at(values, values, share=share)
    with pytest.raises(DataError, match="none of 10"):
        precision_at(values, values, share=0.01)
    with pytest.raises(DataError, match="got 3"):
        rank_correlation(values[:3], values[:3])
    for measure in (precision_at, rank_correlation):
        with pytest.raises(DataError, match=r"1 of 10 are NaN - expensive, sample 3"):
            measure(values, broken)
