import numpy as np
import pytest

from pryproof.attacks.leave_out import COLUMNS, log_mean_of_others, means_of_others


def world(samples: int = 9):
    rng = np.random.default_rng(0)
    group = np.array([4, 0, 4, 7, 0, 2])
    return rng.normal(size=(6, samples)), rng.random((6, samples)) < 0.5, group


def mean_naive(logp, chosen, group, target, x):
    seen = [
        np.exp(logp[run][x])
        for run in range(len(group))
        if group[run] != group[target] and chosen[run][x]
    ]
    return sum(seen) / len(seen) if seen else np.nan


@pytest.mark.parametrize("samples", [1, 9, COLUMNS + 3])
def test_agrees_with_the_loops(samples):
    logp, chosen, group = world(samples)
    targets = np.array([5, 0, 2])
    found = means_of_others(logp, chosen, group, targets)
    for x in [*range(min(samples, 9)), samples - 1]:
        expected = [mean_naive(logp, chosen, group, target, x) for target in targets]
        assert found[:, x] == pytest.approx(expected, nan_ok=True)


def test_one_column_stands_for_all_samples():
    logp, _, group = world()
    every = np.arange(6)
    chosen = np.array([[True], [False], [True], [True], [True], [False]])
    whole = means_of_others(logp, np.repeat(chosen, 9, axis=1), group, every)
    assert np.array_equal(means_of_others(logp, chosen, group, every), whole, equal_nan=True)


def test_neither_the_own_choice_nor_the_other_targets_nor_the_groups_names_matter():
    logp, chosen, group = world()
    whole = means_of_others(logp, chosen, group, np.arange(6))
    flipped = chosen.copy()
    flipped[3] = ~flipped[3]
    assert np.array_equal(
        means_of_others(logp, flipped, group, np.array([3]))[0], whole[3], equal_nan=True
    )
    assert np.array_equal(
        means_of_others(logp, chosen, 9 - 2 * group, np.arange(6)), whole, equal_nan=True
    )


def test_the_logarithm_is_that_of_the_mean():
    logp, chosen, group = world()
    others = group != group[0]
    expected = np.log(means_of_others(logp, chosen, group, np.array([0]))[0])
    assert log_mean_of_others(logp, chosen, others) == pytest.approx(expected, nan_ok=True)
    assert log_mean_of_others(
        np.full((2, 1), -np.inf), np.ones((2, 1), bool), np.ones(2, bool)
    ) == [-np.inf]
