import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.valuation.breakdown import (
    breakdown,
    levels,
    rank_of_common,
    shares,
    wasserstein,
    wasserstein_null,
)
from pryproof.valuation.ranks import ranks


def test_levels_count_every_hit_number():
    runs = 40
    decisions = np.random.default_rng(0).random((runs, 500)) < 0.9
    found = levels(decisions.mean(axis=0), runs)
    expected = [sum(int(column.sum()) == k for column in decisions.T) for k in range(runs + 1)]
    assert found.tolist() == expected


def test_levels_refuse_other_rates():
    with pytest.raises(DataError, match=r"1 of 2 rates are no share of 4 runs"):
        levels(np.array([0.5, 0.3]), 4)
    with pytest.raises(DataError, match="E056"):
        levels(np.array([1.25]), 4)
    with pytest.raises(DataError, match="E056"):
        levels(np.array([np.nan]), 4)
    with pytest.raises(DataError, match="E045"):
        levels(np.array([0.5]), 0)


def test_shares_at_the_border_count():
    """Rates of exactly .9, .5 and .1 belong to their shares, whatever the rounding."""
    for runs in (10, 30, 40):
        decisions = np.zeros((runs, 3), dtype=bool)
        for sample, rate in enumerate((0.9, 0.5, 0.1)):
            decisions[: round(rate * runs), sample] = True
        found = shares(decisions)
        assert found.at_least_90.value == pytest.approx(1 / 3)
        assert found.at_least_50.value == pytest.approx(2 / 3)
        assert found.at_most_10.value == pytest.approx(1 / 3)
        assert found.mean.value == pytest.approx(0.5)
        assert found.mean.runs == runs


@pytest.mark.parametrize("shape", [(0.5, 0.5), (8.0, 1.0)])
def test_intervals_of_shares_cover(shape: tuple[float, float]):
    rng = np.random.default_rng(1)

    def draw(samples: int) -> np.ndarray:
        return rng.random((10, samples)) < rng.beta(*shape, size=samples)

    truth = shares(draw(100_000))
    found = [shares(draw(150)) for _ in range(250)]
    for name in ("mean", "at_least_90", "at_least_50", "at_most_10"):
        value = getattr(truth, name).value
        covered = np.mean([getattr(each, name).contains(value) for each in found])
        assert covered >= 0.925, name


def test_shares_of_certainty_keep_a_width():
    found = shares(np.ones((3, 20), dtype=bool))
    assert found.mean.value == 1.0
    assert found.mean.low < 0.95
    with pytest.raises(DataError, match="E045"):
        shares(np.ones((3, 1), dtype=bool))
    with pytest.raises(DataError, match="E045"):
        shares(np.ones((0, 5), dtype=bool))


def wasserstein_naive(first: np.ndarray, second: np.ndarray) -> float:
    """Repeat both samples to a common length, and pair them in order."""
    longer = len(first) * len(second)
    one = sorted(np.repeat(first, longer // len(first)))
    other = sorted(np.repeat(second, longer // len(second)))
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / longer


@pytest.mark.parametrize("sizes", [(7, 7), (5, 8), (12, 3)])
def test_wasserstein_agrees_with_pairing(sizes: tuple[int, int]):
    rng = np.random.default_rng(2)
    first, second = rng.exponential(size=sizes[0]), rng.integers(0, 3, sizes[1]).astype(float)
    found = wasserstein(first, second, seed=0, draws=3)
    assert found.value == pytest.approx(wasserstein_naive(first, second))
    assert found.value == pytest.approx(wasserstein(second, first, seed=0, draws=3).value)


def test_wasserstein_of_a_shift_is_the_shift():
    losses = np.random.default_rng(3).exponential(size=400)
    found = wasserstein(losses, losses + 0.7, seed=0)
    assert found.value == pytest.approx(0.7)
    assert found.contains(0.7)
    assert found == wasserstein(losses, losses + 0.7, seed=0)
    assert wasserstein(losses, losses, seed=0).value == 0


def test_order_of_losses_does_not_matter():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=90), rng.normal(size=60)
    one = wasserstein(first, second, seed=0)
    other = wasserstein(rng.permutation(first), rng.permutation(second), seed=0)
    assert one.value == pytest.approx(other.value)
    assert one.low == pytest.approx(other.low, abs=0.02)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.5, 1.0), (0.0, 2.0)])
def test_the_interval_of_wasserstein_covers(shift: float, scale: float):
    rng = np.random.default_rng(5)
    grid = rng.normal(size=400_000)
    truth = float(np.mean(np.abs(shift + (scale - 1) * np.sort(grid))))
    covered = [
        wasserstein(
            rng.normal(size=150), shift + scale * rng.normal(size=100), seed=k, draws=100
        ).contains(truth)
        for k in range(100)
    ]
    assert np.mean(covered) >= 0.91


def test_the_null_is_what_two_like_samples_give():
    rng = np.random.default_rng(6)
    found = [
        wasserstein(rng.normal(size=200), rng.normal(size=200), seed=0, draws=1).value
        for _ in range(200)
    ]
    null = wasserstein_null(rng.normal(size=200), rng.normal(size=200), seed=0)
    assert np.mean(found) == pytest.approx(null.value, rel=0.1)
    assert np.mean([null.contains(each) for each in found]) >= 0.9


def test_wasserstein_refuses():
    good = np.arange(3.0)
    with pytest.raises(DataError, match=r"E056.*1 of the second 2"):
        wasserstein(good, np.array([0.0, np.inf]), seed=0)
    with pytest.raises(DataError, match=r"E045.*got 3 and 1"):
        wasserstein(good, good[:1], seed=0)
    with pytest.raises(ConfigurationError, match="E044"):
        wasserstein_null(good, good, seed=0, draws=0)


def losses(seed: int, mean: float, samples: int = 600) -> np.ndarray:
    return np.random.default_rng(seed).exponential(mean, size=samples)


@pytest.mark.parametrize(
    ("train", "test", "verdict"),
    [
        ((0.1, 1.0), (3.0, 2.5), "data breakdown"),
        ((0.1, 0.11), (3.0, 2.0), "data outlier effect"),
        ((0.1, 0.1), (3.0, 3.0), "neither is shown"),
        ((1.0, 0.1), (3.0, 2.5), "neither is shown"),  # more is memorised, not less
        ((0.1, 0.11), (2.0, 3.0), "neither is shown"),  # the model generalises worse
        ((0.1, 0.4), (3.0, 2.4), "neither is shown"),  # about half of the test's move
    ],
)
def test_verdicts(train: tuple[float, float], test: tuple[float, float], verdict: str):
    found = breakdown(
        {100: losses(0, train[0]), 200: losses(9, 50.0), 400: losses(1, train[1], 500)},
        {400: losses(2, test[1]), 100: losses(3, test[0]), 200: losses(8, 50.0)},
        seed=0,
    )
    assert found.verdict == verdict
    assert found.sizes == (100, 400)
    assert found.train_shift.contains(train[1] - train[0])
    assert found.train.n == 1_100


def test_nothing_is_shown_where_nothing_is():
    rng = np.random.default_rng(7)
    found = [
        breakdown(
            {1: rng.exponential(size=80), 2: rng.exponential(size=80)},
            {1: rng.exponential(size=80), 2: rng.exponential(size=80)},
            seed=k,
        ).verdict
        for k in range(12)
    ]
    assert found == ["neither is shown"] * 12


def test_breakdown_refuses():
    one = {1: losses(0, 1.0)}
    with pytest.raises(ConfigurationError, match=r"got \[1\] and \[1\]"):
        breakdown(one, one, seed=0)
    with pytest.raises(ConfigurationError, match="E044"):
        breakdown(one | {2: losses(1, 1.0)}, one | {3: losses(1, 1.0)}, seed=0)


def test_rank_of_common_agrees_with_counting():
    rng = np.random.default_rng(8)
    shared = rng.normal(size=101)
    first = ranks(shared + 0.5 * rng.normal(size=(3, 101)), seed=0)
    other = ranks(shared + rng.normal(size=(4, 101)), seed=1)
    found = rank_of_common(first, other)
    common = [s for s in range(101) if all(first[run, s] <= 50 for run in range(3))]
    places = [np.mean([(other[run, s] - 0.5) / 101 for run in range(4)]) for s in common]
    assert np.flatnonzero(found.common).tolist() == common
    assert found.fraction == pytest.approx(places)
    assert found.below.n == len(common)
    assert found.below.low > found.chance


def test_rank_of_common_is_a_half_by_chance():
    rng = np.random.default_rng(9)
    found = [
        rank_of_common(ranks(rng.random((2, 201)), seed=k), ranks(rng.random((3, 201)), seed=k))
        for k in range(300)
    ]
    assert np.mean([each.below.value for each in found]) == pytest.approx(0.5, abs=0.01)
    assert np.mean([each.below.contains(0.5) for each in found]) >= 0.95


def test_rank_of_common_where_nothing_is_common():
    order = np.arange(1, 9)
    found = rank_of_common(np.stack([order, order[::-1]]), order[None])
    assert np.isnan(found.below.value)
    assert "no sample" in str(found.below)
    assert found.fraction.shape == (0,)


def test_a_place_right_at_the_middle_counts_half():
    middle = np.array([[3, 1, 2, 4, 5]])
    found = rank_of_common(np.array([[1, 2, 3, 4, 5]]), middle, share=0.2)
    assert (found.fraction.tolist(), found.below.value) == ([0.5], 0.5)


def test_rank_of_common_refuses():
    order = np.arange(1, 9)[None]
    with pytest.raises(ConfigurationError, match="E044"):
        rank_of_common(order, order, share=0.0)
    with pytest.raises(DataError, match="E045"):
        rank_of_common(order[:0], order)
