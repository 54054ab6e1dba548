"""Differences between two arms of runs: by hand, and with intervals that hold."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.evaluation.arms import apart, contrast, difference, of_both


def test_a_difference_is_that_of_the_means():
    draws = seeds.generator(0, "arms")
    first, second = draws.normal(size=(3, 20)), draws.normal(size=(5, 20))
    found = difference(first, second)
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert (found.n, found.runs) == (20, 3)


def test_what_is_hard_in_both_arms_cancels():
    hard = 100.0 * seeds.generator(1, "hard").normal(size=500)
    first, second = (hard + seeds.generator(1, name).normal(size=(4, 500)) for name in "ab")
    found = difference(first, second + 0.5)
    assert 0.3 < found.low < 0.5 < found.high < 0.7


@pytest.mark.parametrize("runs", [2, 3, 5])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_interval_holds_what_it_says(runs: int, shift: float):
    """Runs differ as a whole by ``shift`` standard deviations of a sample's noise."""
    held = 0
    for study in range(300):
        draws = seeds.generator(study, "coverage", runs)
        arms = [
            draws.normal(size=(runs, 100)) + shift * draws.normal(size=(runs, 1)) for _ in range(2)
        ]
        held += difference(*arms).contains(0.0)
    assert held >= 273  # 91%: two standard errors below 95%


def test_one_run_in_an_arm_speaks_of_samples_alone():
    found = difference(np.zeros((1, 4)), np.array([[0.0, 1.0, 0.0, 1.0]]))
    assert found.method == "over samples"
    assert found.value == 0.5


def test_any_function_linear_in_either_mean_will_do():
    first, second = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    both = of_both((first, second), lambda one, two: one * two, 0.95)
    assert both.value == pytest.approx(0.25)


def test_a_contrast_of_three_arms_holds_zero_where_falls_are_equal():
    held = 0
    for study in range(200):
        draws = seeds.generator(study, "three")
        level = draws.normal(size=80)
        half, full, augmented = (level - step + draws.normal(size=(3, 80)) for step in range(3))
        held += contrast([(2.0, full), (-1.0, half), (-1.0, augmented)]).contains(0.0)
    assert held >= 182


def test_other_samples_are_compared_without_pairing():
    held = 0
    for study in range(200):
        draws = seeds.generator(study, "apart")
        held += apart(draws.normal(size=(3, 60)), draws.normal(size=(2, 90))).contains(0.0)
    assert held >= 182
    far = apart(np.zeros((2, 30)), np.ones((2, 40)))
    assert (far.value, far.n) == (1.0, 30)
