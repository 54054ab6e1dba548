import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.valuation.overlap import chance_corrected, overlap
from pryproof.valuation.ranks import ranks
from reference.valuation import common_naive


def test_identical_orders_agree_fully():
    found = overlap(np.tile(np.arange(1, 41), (5, 1)), 0.25, 0.5)
    assert (found.common, found.size, found.ratio.value) == (10, 10, 1.0)
    assert chance_corrected(found).value == 1.0


def test_reversed_orders_share_nothing():
    order = np.arange(1, 41)
    found = overlap(np.stack([order, order[::-1]]), 0.0, 0.5)
    assert (found.common, found.ratio.value, found.ratio.low) == (0, 0.0, 0.0)
    assert found.ratio.high > 0
    assert chance_corrected(found).value == -1.0


def test_a_bin_of_one():
    found = overlap(np.tile(np.arange(1, 11), (2, 1)), 0.5, 0.6)
    assert (found.size, found.common) == (1, 1)


def test_independent_orders_share_what_chance_says():
    rng = np.random.default_rng(0)
    found = [overlap(ranks(rng.random((3, 400)), seed=k), 0.0, 0.5) for k in range(100)]
    assert np.mean([each.ratio.value for each in found]) == pytest.approx(0.25, abs=0.01)
    assert {each.chance for each in found} == {0.25}
    assert np.mean([chance_corrected(each).value for each in found]) == pytest.approx(0, abs=0.015)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.25), (0.1, 0.7), (0.5, 1.0), (0.0, 1.0)])
def test_agrees_with_counting(start: float, end: float):
    order = ranks(np.random.default_rng(4).random((3, 40)), seed=0)
    found = overlap(order, start, end)
    first = round(40 * start)
    assert found.common == common_naive(order, first + 1, first + found.size)
    assert found.size == round(40 * (end - start))


@pytest.mark.parametrize(("runs", "width"), [(2, 0.25), (4, 0.5)])
def test_the_interval_covers_the_ratio_of_all_samples(runs: int, width: float):
    """Samples of one difficulty each, seen with noise by every run; truth from a large draw."""
    rng = np.random.default_rng(7)

    def draw(samples: int) -> np.ndarray:
        return rng.normal(size=samples) + rng.normal(size=(runs, samples))

    truth = overlap(ranks(draw(200_000), seed=0), 0.0, width).ratio.value
    found = [overlap(ranks(draw(300), seed=k), 0.0, width).ratio for k in range(400)]
    assert np.mean([each.contains(truth) for each in found]) >= 0.95


def test_no_correction_where_agreement_is_certain():
    found = chance_corrected(overlap(np.tile(np.arange(1, 5), (2, 1)), 0.0, 1.0))
    assert np.isnan(found.value)
    assert str(found) == "not estimable (the bin holds every sample)"


def test_refusals():
    order = np.tile(np.arange(1, 5), (2, 1))
    with pytest.raises(ConfigurationError, match=r"got 0\.5 to 0\.5"):
        overlap(order, 0.5, 0.5)
    with pytest.raises(DataError, match="2 runs and 0 samples"):
        overlap(order, 0.0, 0.1)
    with pytest.raises(DataError, match="1 runs and 2 samples"):
        overlap(order[:1], 0.0, 0.5)
