import math

import numpy as np
import pytest

from pryproof.checks import ConfigurationError
from pryproof.evaluation.epsilon import (
    _guesses,
    _largest_refuted,
    bounds,
    clopper_pearson_bound,
    epsilon_of_mu,
    gdp_bound,
    one_run_bound,
    one_run_p_value,
)
from pryproof.evaluation.roc import steps
from reference.epsilon import clopper_pearson_naive, one_run_naive


def coins(seed: int, samples: int, strength: float):
    rng = np.random.default_rng(seed)
    member = rng.random(samples) < 0.5
    table = rng.normal(size=samples) + strength * member
    return table[member], table[~member]


@pytest.mark.parametrize(
    ("guesses", "right", "samples", "epsilon", "delta"),
    [
        (10, 9, 10, 0.0, 0.0),
        (10, 9, 10, 1.0, 1e-3),
        (60, 55, 400, 1.0, 1e-4),
        (60, 20, 400, 1.0, 1e-4),
        (100, 100, 100, 4.0, 1e-5),
        (40, 1, 40, 0.5, 1e-3),
        (40, 0, 40, 0.5, 1e-3),
        (400, 320, 900, 1.2, 1e-5),
    ],
)
def test_the_p_value_agrees_with_summing(
    guesses: int, right: int, samples: int, epsilon: float, delta: float
):
    found = one_run_p_value(guesses, right, samples, epsilon, delta)
    naive = one_run_naive(guesses, right, samples, epsilon, delta)
    assert found == pytest.approx(naive, rel=1e-9)


@pytest.mark.parametrize(
    ("samples", "guesses", "right", "delta", "expected"),
    [(1000, 100, 75, 1e-4, 0.673), (100_000, 1510, 1439, 1e-5, 2.6758)],
)
def test_published_bounds(samples: int, guesses: int, right: int, delta: float, expected: float):
    # Steinke, Nasr and Jagielski 2023, appendix D and figure 11
    found = _largest_refuted(guesses, right, samples, delta=delta, level=0.05, between=(0.0, 50.0))
    assert found == pytest.approx(expected, abs=1e-4)


def test_epsilon_of_mu():
    def normal(v: float) -> float:
        return math.erfc(-v / math.sqrt(2)) / 2

    for mu in (0.3, 1.0, 4.0, 12.0, 25.0):
        found = epsilon_of_mu(mu, 1e-5)
        delta = normal(-found / mu + mu / 2) - math.exp(found) * normal(-found / mu - mu / 2)
        assert delta == pytest.approx(1e-5, rel=1e-3)
    assert epsilon_of_mu(1e-6, 0.1) == 0.0
    values = [epsilon_of_mu(mu, 1e-5) for mu in (29.0, 31.0, 33.0, 60.0)]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(60**2 / 2 + 4.265 * 60, rel=1e-3)


def test_one_cut_is_two_exact_limits():
    # two values, so one cut from the top and one from the bottom: four one-sided limits
    members, others = np.repeat([1.0, 0.0], [90, 10]), np.repeat([1.0, 0.0], [20, 80])
    found = clopper_pearson_bound(steps(members, others))
    limit = 1 - 0.05 / 2
    hits, false = (clopper_pearson_naive(k, 100, limit) for k in (90, 20))
    spared, missed = (clopper_pearson_naive(k, 100, limit) for k in (80, 10))
    expected = max(math.log(hits[0] / false[1]), math.log(spared[0] / missed[1]))
    assert found.value == pytest.approx(expected)
    assert found.low == found.value
    assert found.high == math.inf


def test_guesses_are_made_once_and_rightly_counted():
    members, others = coins(0, 200, 1.0)
    counts = steps(members, others)
    guesses, right = _guesses(counts)
    values = np.sort(np.concatenate([members, others]))
    assert np.all(right <= guesses)
    assert guesses.max() <= 200
    top = counts.hits[9], 9 - counts.false[9]
    assert top[0] == np.sum(members >= values[-9])
    whole = guesses == guesses.max()
    assert right[whole].max() >= 0.5 * guesses.max()


@pytest.mark.parametrize("bound", [clopper_pearson_bound, one_run_bound, gdp_bound])
def test_bounds_rise_with_the_leak_and_fall_with_confidence(bound):
    values = [bound(steps(*coins(1, 2000, strength)), delta=1e-5).value for strength in (0, 1, 3)]
    assert values[0] < values[1] < values[2]
    counts = steps(*coins(1, 2000, 1.0))
    sure, unsure = (bound(counts, delta=1e-5, confidence=c).value for c in (0.999, 0.8))
    assert sure < unsure


@pytest.mark.parametrize("bound", [clopper_pearson_bound, one_run_bound])
def test_delta_only_lowers_a_bound(bound):
    counts = steps(*coins(2, 1000, 2.0))
    values = [bound(counts, delta=delta).value for delta in (0.0, 1e-5, 1e-3, 0.1)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[2]


def test_a_leak_at_the_low_end_is_found_too():
    members, others = coins(3, 2000, 0.0)
    others = np.where(np.arange(len(others)) < 200, -9.0, others)
    for found in bounds(steps(members, others)).values():
        assert found.value > 0.5


def test_an_attack_the_wrong_way_round_shows_nothing():
    members, others = coins(4, 1000, 2.0)
    assert all(each.value == 0.0 for each in bounds(steps(-members, -others)).values())


def test_unfair_coins_are_seen():
    members, others = coins(5, 1000, 1.0)
    found = one_run_bound(steps(members, others[:200]))
    assert np.isnan(found.value)
    assert "not drawn by independent fair coins" in found.method


def test_few_samples_show_nothing():
    for n in (1, 3, 8):
        found = bounds(steps(np.ones(n), np.zeros(n)))
        assert all(np.isnan(each.value) or 0 <= each.value < 5 for each in found.values())


def test_gaussian_needs_a_delta():
    found = gdp_bound(steps(*coins(0, 100, 1.0)), delta=0.0)
    assert str(found) == "not estimable (a Gaussian mechanism has no finite epsilon at delta 0)"


def test_refusals():
    with pytest.raises(ConfigurationError, match="delta lies between 0 and 1, got 1"):
        bounds(steps(np.ones(9), np.zeros(9)), delta=1.0)
