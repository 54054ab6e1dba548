import numpy as np
import pytest

from pryproof.attacks.pinball import pinball_regression
from reference.pinball import least_loss, pinball_loss


@pytest.mark.parametrize("probability", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_reaches_the_least_loss(columns: int, probability: float):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        design = np.column_stack([np.ones(25), rng.normal(size=(25, columns - 1))])
        outcome = design.sum(axis=1) + rng.standard_t(3, size=25) * (1 + design[:, -1] ** 2)
        found = pinball_regression(design, outcome, probability)
        reached = pinball_loss(outcome - design @ found, probability)
        assert reached <= least_loss(design, outcome, probability) * 1.01


def test_is_the_quantile_where_samples_are_many():
    rng = np.random.default_rng(1)
    x = rng.random(4000)
    outcome = 2 * x + (1 + x) * rng.normal(size=4000)
    found = pinball_regression(np.column_stack([np.ones(4000), x]), outcome, 0.9)
    assert found == pytest.approx([1.2816, 2 + 1.2816], abs=0.15)
    assert np.mean(outcome <= found[0] + found[1] * x) == pytest.approx(0.9, abs=0.005)


def test_the_unit_of_the_outcome_does_not_matter():
    rng = np.random.default_rng(2)
    design, outcome = np.column_stack([np.ones(50), rng.normal(size=50)]), rng.normal(size=50)
    plain = pinball_regression(design, outcome, 0.8)
    assert pinball_regression(design, 1e6 * outcome, 0.8) == pytest.approx(1e6 * plain)


def test_columns_that_say_the_same_or_nothing_are_no_obstacle():
    rng = np.random.default_rng(3)
    x, outcome = rng.normal(size=60), rng.normal(size=60)
    ones = np.ones(60)
    plain = np.column_stack([ones, x])
    twice = np.column_stack([ones, x, x, np.zeros(60)])
    assert twice @ pinball_regression(twice, outcome, 0.5) == pytest.approx(
        plain @ pinball_regression(plain, outcome, 0.5), abs=1e-3
    )
    assert pinball_regression(plain, np.full(60, 3.0), 0.5) == pytest.approx([3.0, 0.0], abs=1e-6)
