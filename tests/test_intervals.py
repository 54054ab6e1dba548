import itertools

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.intervals import (
    beta_cdf,
    beta_quantile,
    clopper_pearson,
    jeffreys,
    normal_quantile,
    two_sided,
    two_sided_each,
    wilson,
)
from reference.epsilon import clopper_pearson_naive, tail_naive


def test_known_wilson_interval():
    low, high = wilson(10, 100)
    assert (float(low), float(high)) == pytest.approx((0.0552, 0.1744), abs=5e-5)


def test_the_ends_are_exact_and_never_meet():
    low, high = wilson(np.array([0, 1, 7]), np.array([7, 1, 7]))
    assert low[0] == 0.0
    assert high[1] == high[2] == 1.0
    assert np.all(low < high)
    # at no hits the upper end is z**2 / (n + z**2)
    assert high[0] == pytest.approx(3.8414588 / (7 + 3.8414588))


def test_wilson_covers_a_proportion():
    rng = np.random.default_rng(0)
    for truth in (0.02, 0.3, 0.9):
        low, high = wilson(rng.binomial(200, truth, size=4000), 200)
        assert 0.92 <= np.mean((low <= truth) & (truth <= high)) <= 0.98


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.7062047), (2, 4.3026527), (5, 2.5705818), (30, 2.0422725), (np.inf, 1.9599640)],
)
def test_known_quantiles_of_student(freedom: float, expected: float):
    assert two_sided(0.95, freedom=freedom) == pytest.approx(expected, rel=1e-5)


def test_quantiles_of_student_join_the_normal():
    reach = [two_sided(0.99, freedom=freedom) for freedom in (2.5, 10, 900, 9999, 10001)]
    assert all(a > b for a, b in itertools.pairwise(reach))
    assert reach[3] == pytest.approx(reach[4], rel=1e-3)
    assert reach[4] == normal_quantile(0.995)


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (-1, 5), (6, 5), (np.nan, 5)])
def test_impossible_counts_are_refused(hits: float, n: int):
    with pytest.raises(DataError, match="0 <= hits <= n"):
        wilson(hits, n)


def test_many_quantiles_of_student_at_once():
    freedom = np.array([1.0, 1.3, 2.0, 7.5, 300.0, 20_000.0, np.inf])
    for confidence in (0.5, 0.95, 0.9999):
        each = [two_sided(confidence, freedom=value) for value in freedom.tolist()]
        assert two_sided_each(confidence, freedom) == pytest.approx(np.array(each), rel=2e-3)


@pytest.mark.parametrize("n", [1, 2, 9, 40])
def test_the_incomplete_beta_is_a_binomial_tail(n: int):
    for p in (1e-6, 0.01, 0.3, 0.5, 0.97):
        k = np.arange(1, n + 1)
        tails = [tail_naive(n, int(each), p) for each in k]
        assert beta_cdf(p, k, n - k + 1) == pytest.approx(np.array(tails), rel=1e-11)


def test_the_incomplete_beta_in_closed_form():
    x = np.array([1e-9, 0.2, 0.5, 0.999])
    assert beta_cdf(x, 1.0, 1.0) == pytest.approx(x)
    assert beta_cdf(x, 7.0, 1.0) == pytest.approx(x**7)
    assert beta_cdf(x, 1.0, 500.0) == pytest.approx(-np.expm1(500 * np.log1p(-x)))
    assert beta_cdf(x, 0.5, 0.5) == pytest.approx(2 / np.pi * np.arcsin(np.sqrt(x)))
    assert beta_cdf(np.array([-1.0, 0.0, 1.0, 2.0]), 3.0, 4.0).tolist() == [0.0, 0.0, 1.0, 1.0]
    assert beta_cdf(0.5, 1e6, 1e6) == pytest.approx(0.5)


def test_both_ways_to_the_incomplete_beta_agree():
    """A continued fraction for small parameters, an integral for large: they meet."""
    a, x = np.array([49.0, 50.0, 51.0, 52.0]), 0.45
    steps = np.diff(np.log(beta_cdf(x, a, a)), 2)
    assert abs(steps[0] - steps[1]) < 1e-5
    exact = tail_naive(120, 60, x)
    assert beta_cdf(x, 60, 61) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("size", [0.5, 3.0, 60.0, 4000.0, 1e7])
def test_quantiles_invert_the_distribution(size: float):
    a = size * np.array([1.0, 1.0, 0.1, 3.0])
    b = size * np.array([1.0, 40.0, 2.0, 0.2])
    for chance in (1e-9, 0.025, 0.5, 0.975, 1 - 1e-7):
        x = beta_quantile(chance, a, b)
        assert np.all((x >= 0) & (x <= 1))
        inner = (x > 0) & (x < 1)
        assert beta_cdf(x, a, b)[inner] == pytest.approx(chance, rel=1e-6)


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (1, 5), (5, 5), (3, 40), (20, 40), (39, 40)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_clopper_pearson_agrees_with_binomial_tails(hits: int, n: int, confidence: float):
    low, high = clopper_pearson(hits, n, confidence=confidence)
    expected = clopper_pearson_naive(hits, n, confidence)
    assert (float(low), float(high)) == pytest.approx(expected, rel=1e-9)


def test_known_exact_intervals():
    # methods section 1.3: 5 of 5,000 false positives, 10 of 10,000
    low, high = clopper_pearson(np.array([5, 10]), np.array([5_000, 10_000]))
    assert (100 * low).round(2).tolist() == [0.03, 0.05]
    assert (100 * high).round(2).tolist() == [0.23, 0.18]
    # nothing in n trials: 1 - (level / 2) ** (1 / n)
    assert float(clopper_pearson(0, 30)[1]) == pytest.approx(1 - 0.025 ** (1 / 30))


@pytest.mark.parametrize("interval", [clopper_pearson, jeffreys])
def test_exact_ends_mirror_each_other_and_never_meet(interval):
    hits = np.arange(0, 31)
    low, high = interval(hits, 30)
    assert low[0] == 0.0
    assert high[-1] == 1.0
    assert np.all(low < high)
    assert np.all((low <= hits / 30) & (hits / 30 <= high))
    assert high[::-1] == pytest.approx(1 - low)
    assert np.all(np.diff(low) > 0)


def test_what_intervals_cover_is_summed_exactly():
    """Clopper-Pearson at least its confidence everywhere; Jeffreys about it, on average right."""
    n, truths = 60, np.linspace(0.02, 0.98, 193)
    hits = np.arange(n + 1)
    chances = np.array([beta_cdf(truths, np.maximum(k, 1e-12), n - k + 1) for k in hits])
    chances = chances - np.vstack([chances[1:], np.zeros_like(truths)])
    covered = {}
    for interval in (clopper_pearson, jeffreys):
        low, high = (end[:, None] for end in interval(hits, n))
        covered[interval] = np.sum(chances * ((low <= truths) & (truths <= high)), axis=0)
    assert covered[clopper_pearson].min() >= 0.95
    assert np.mean(covered[jeffreys]) == pytest.approx(0.95, abs=0.01)
    assert covered[jeffreys].min() > 0.89


def test_an_effective_number_of_trials_need_not_be_whole():
    wide, narrow = (np.subtract(*jeffreys(0.3 * n, n)[::-1]) for n in (7.5, 75.0))
    assert wide > 2.5 * narrow


@pytest.mark.parametrize("interval", [clopper_pearson, jeffreys])
def test_impossible_counts_are_refused_by_all(interval):
    with pytest.raises(DataError, match="0 <= hits <= n"):
        interval(6, 5)
