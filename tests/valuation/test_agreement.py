from itertools import combinations

import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.valuation.agreement import curve, jaccard, spearman
from pryproof.valuation.comparison import rank_correlation
from pryproof.valuation.overlap import overlap
from pryproof.valuation.ranks import ranks

BINS = [(0.0, 0.1), (0.0, 0.5), (0.25, 0.75), (0.9, 1.0), (0.0, 1.0)]


def draw(rng: np.random.Generator, runs: int, samples: int, noise: float) -> np.ndarray:
    """Rank samples of one difficulty each, seen with noise by every run."""
    values = rng.normal(size=samples) + noise * rng.normal(size=(runs, samples))
    return ranks(values, seed=int(rng.integers(1 << 30)))


def jaccard_naive(order: np.ndarray, first: int, size: int) -> float:
    bins = [
        {sample for sample, rank in enumerate(row) if first < rank <= first + size} for row in order
    ]
    return float(np.mean([len(a & b) / len(a | b) for a, b in combinations(bins, 2)]))


@pytest.mark.parametrize("runs", [2, 3, 6])
def test_spearman_is_the_mean_over_pairs(runs: int):
    order = draw(np.random.default_rng(runs), runs, 50, 1.0)
    pairs = [np.corrcoef(a, b)[0, 1] for a, b in combinations(order, 2)]
    found = spearman(order)
    assert found.value == pytest.approx(np.mean(pairs), abs=1e-12)
    assert (found.n, found.runs) == (50, runs)


def test_two_runs_are_a_rank_correlation():
    order = draw(np.random.default_rng(0), 2, 80, 1.0)
    one, other = spearman(order), rank_correlation(*order.astype(float))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_spearmans_interval_agrees_with_leaving_samples_out():
    samples = 300
    order = draw(np.random.default_rng(2), 4, samples, 1.0)
    left = []
    for out in range(samples):
        rest = np.delete(order, out, axis=1)
        left.append(spearman(rest.argsort(axis=1).argsort(axis=1) + 1).value)
    found = spearman(order)
    half = (np.arctanh(found.high) - np.arctanh(found.low)) / 2
    error = np.sqrt((samples - 1) * np.var(left))
    assert half == pytest.approx(1.968 * error / (1 - found.value**2), rel=0.03)


def test_full_agreement_and_full_reversal():
    order = np.arange(1, 101)
    same, reverse = spearman(np.tile(order, (4, 1))), spearman(np.stack([order, order[::-1]]))
    assert (same.value, same.high) == (1.0, 1.0)
    assert (reverse.value, reverse.low) == (-1.0, -1.0)
    assert same.low < 1
    assert reverse.high > -1
    assert jaccard(np.tile(order, (4, 1)), 0.0, 0.1).value == 1.0
    none = jaccard(np.stack([order, order[::-1]]), 0.0, 0.1)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high > 0


@pytest.mark.parametrize("runs", [2, 5])
@pytest.mark.parametrize("noise", [100.0, 1.0, 0.3])
def test_spearmans_interval_covers_the_value_of_all_samples(runs: int, noise: float):
    rng = np.random.default_rng(17)
    truth = spearman(draw(rng, runs, 200_000, noise)).value
    assert truth == pytest.approx(6 / np.pi * np.arcsin(1 / (1 + noise**2) / 2), abs=0.006)
    found = [spearman(draw(rng, runs, 100, noise)) for _ in range(500)]
    assert 0.92 <= np.mean([each.contains(truth) for each in found]) <= 0.98


@pytest.mark.parametrize(("start", "end"), BINS)
@pytest.mark.parametrize("runs", [2, 5])
def test_jaccard_agrees_with_sets(runs: int, start: float, end: float):
    order = draw(np.random.default_rng(4), runs, 41, 1.0)
    size = overlap(order, start, end).size
    first = min(int(np.floor(41 * start + 0.5)), 41 - size)
    found = jaccard(order, start, end)
    assert found.value == pytest.approx(jaccard_naive(order, first, size), abs=1e-12)
    assert (found.n, found.runs) == (size, runs)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


def test_jaccard_of_two_runs_follows_from_their_overlap():
    order = draw(np.random.default_rng(5), 2, 200, 1.0)
    common = overlap(order, 0.0, 0.3).common
    assert jaccard(order, 0.0, 0.3).value == common / (2 * 60 - common)


@pytest.mark.parametrize("runs", [2, 5])
@pytest.mark.parametrize("noise", [100.0, 1.0, 0.3])
def test_jaccards_interval_covers_the_value_of_all_samples(runs: int, noise: float):
    rng = np.random.default_rng(19)
    truth = jaccard(draw(rng, runs, 200_000, noise), 0.0, 0.25).value
    if noise == 100:
        assert truth == pytest.approx(0.25 / 1.75, abs=0.005)
    found = [jaccard(draw(rng, runs, 200, noise), 0.0, 0.25) for _ in range(300)]
    assert np.mean([each.contains(truth) for each in found]) >= 0.93


def test_jaccard_where_the_deviations_of_all_pairs_cancel():
    """Three bins of two that share one sample each: every sample lies in exactly two."""
    order = np.array([[1, 2, 3, 4, 5, 6], [3, 1, 2, 4, 5, 6], [1, 3, 2, 4, 5, 6]])
    found = jaccard(order, 0.0, 1 / 3)
    assert found.value == pytest.approx(1 / 3)
    assert 0 < found.low < 1 / 3 < found.high < 1


def test_neither_order_of_samples_nor_of_runs_matters():
    rng = np.random.default_rng(6)
    order = draw(rng, 4, 100, 1.0)
    mixed = order[rng.permutation(4)][:, rng.permutation(100)]
    for one, other in (
        (spearman(order), spearman(mixed)),
        (jaccard(order, 0.2, 0.6), jaccard(mixed, 0.2, 0.6)),
    ):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_a_curve_over_all_choices_is_their_mean():
    order = draw(np.random.default_rng(7), 5, 100, 1.0)
    (point,) = curve(order, ((0.0, 0.3),), (3,))
    found = [overlap(order[list(each)], 0.0, 0.3) for each in combinations(range(5), 3)]
    values = [each.ratio.value for each in found]
    assert (point.choices, point.runs, point.ratio.runs, point.ratio.n) == (10, 3, 3, 30)
    assert point.ratio.value == pytest.approx(np.mean(values))
    assert (point.lowest, point.highest) == (min(values), max(values))
    assert point.chance == pytest.approx(0.09)
    assert point.ratio.low == min(each.ratio.low for each in found)
    assert point.ratio.high == max(each.ratio.high for each in found)


def test_the_last_point_is_the_overlap_of_all_runs():
    order = draw(np.random.default_rng(8), 5, 100, 1.0)
    (point,) = curve(order, ((0.0, 0.5),), (5,))
    whole = overlap(order, 0.0, 0.5)
    assert (point.ratio, point.chance, point.choices) == (whole.ratio, whole.chance, 1)


def test_a_curve_falls_and_stays_above_chance_where_runs_agree():
    order = draw(np.random.default_rng(9), 12, 500, 0.5)
    points = curve(order, ((0.0, 0.25), (0.5, 1.0)), (2, 4, 8, 12))
    assert [(each.start, each.runs) for each in points] == [
        (start, runs) for start in (0.0, 0.5) for runs in (2, 4, 8, 12)
    ]
    assert [each.choices for each in points[:4]] == [10, 10, 10, 1]
    for half in (points[:4], points[4:]):
        assert np.all(np.diff([each.ratio.value for each in half]) < 0)
        assert all(each.ratio.low > each.chance for each in half)
        assert all(each.ratio.contains(each.ratio.value) for each in half)


def test_independent_runs_follow_chance():
    order = ranks(np.random.default_rng(10).random((8, 20_000)), seed=0)
    for point in curve(order, ((0.0, 0.5), (0.25, 0.5)), (2, 3, 5)):
        assert point.ratio.value == pytest.approx(point.chance, abs=0.01)


def test_choices_follow_the_seed():
    order = draw(np.random.default_rng(11), 12, 200, 1.0)
    asked = (((0.0, 0.25),), (4,))
    assert curve(order, *asked, seed=1) == curve(order, *asked, seed=1)
    assert curve(order, *asked, seed=1) != curve(order, *asked, seed=2)
    assert curve(order, (), (4,)) == ()


def test_refusals():
    order = np.tile(np.arange(1, 9), (2, 1))
    with pytest.raises(DataError, match="1 runs, 8 samples"):
        spearman(order[:1])
    with pytest.raises(DataError, match="2 runs, 3 samples"):
        spearman(order[:, :3])
    for broken in (order - 1, order + 1, np.where(order == 2, 3, order)):
        with pytest.raises(DataError, match="each once - run 0"):
            spearman(broken)
        with pytest.raises(DataError, match="each once - run 0"):
            jaccard(broken, 0.0, 0.5)
    with pytest.raises(ConfigurationError, match=r"got 0\.5 to 0\.5"):
        jaccard(order, 0.5, 0.5)
    with pytest.raises(DataError, match="1 runs and 4 samples"):
        jaccard(order[:1], 0.0, 0.5)
    for count in (1, 3):
        with pytest.raises(ConfigurationError, match=f"of 2 given, got {count}"):
            curve(order, ((0.0, 0.5),), (count,))
