import itertools

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.intervals import normal_quantile, two_sided, wilson


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
