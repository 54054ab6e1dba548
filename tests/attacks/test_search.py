import numpy as np
import pytest

from pryproof.attacks.search import NOT_MEASURED, count_below, count_reached
from reference.search import count_below_naive

DRAWS = {
    "continuous": lambda rng, size: rng.normal(size=size),
    "tied": lambda rng, size: rng.integers(-3, 4, size=size) / 2,
    "heavy tails": lambda rng, size: rng.standard_cauchy(size) ** 3,
    "all equal": lambda _, size: np.ones(size),
    "infinite": lambda rng, size: rng.choice([-np.inf, -1.0, 0.0, 2.0, np.inf], size=size),
    "huge": lambda rng, size: rng.choice([-1.7e308, 0.0, 1.7e308], size=size),
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_agrees_with_counting(draw, side, kind):
    rng = np.random.default_rng(0)
    with np.errstate(over="ignore"):  # the huge ones become infinite float32
        points, values = draw(rng, 40).astype(kind), draw(rng, 150).astype(kind)
    found = count_below(points, values, side=side)
    assert found.tolist() == count_below_naive(points, values, side=side)


def test_nothing_is_below_nan_and_nan_is_below_nothing():
    points = np.array([np.nan, 1.0, 2.0])
    values = np.array([np.nan, 1.5, np.inf])
    assert count_below(points, values, side="right").tolist() == [0, 1, 2]


def test_without_points_or_values():
    none = np.zeros(0)
    assert count_below(none, np.ones(2), side="left").tolist() == [0, 0]
    assert count_below(np.ones(2), none, side="left").tolist() == []


def test_a_sample_is_no_stranger_to_itself():
    ratios = np.array([0.0, 0.0, 1.0])
    assert count_reached(ratios, None, 0.0)[0].tolist() == [1, 1, 2]
    assert count_reached(ratios, None, 0.5)[0].tolist() == [0, 0, 2]
    assert count_reached(ratios, None, -2.0)[0].tolist() == [2, 2, 2]
    assert count_reached(ratios, None, 0.0)[1] == 2


def test_nothing_to_compare_with_is_not_measured():
    counts, among = count_reached(np.zeros(2), np.array([np.nan]), 0.0)
    assert counts.tolist() == [NOT_MEASURED] * 2
    assert among == 0
