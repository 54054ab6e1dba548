from collections.abc import Callable

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.evaluation.estimates import (
    auc_estimate,
    balanced_accuracy,
    mean_accuracy,
    tpr_by_group,
    tpr_estimate,
)
from pryproof.evaluation.roc import auc
from pryproof.intervals import two_sided, wilson
from pryproof.records import Estimate
from reference.roc import delong_naive, tpr_at_fpr_naive


def normal(seed: int, runs: int, samples: int, *, shift: float = 0.0) -> np.ndarray:
    """Draw scores of samples that differ, seen with noise by runs that differ a little."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(runs, samples)) + 0.1 * rng.normal(size=(runs, 1))
    return (rng.normal(size=samples) + noise + shift) / np.sqrt(2.01)


def half_width(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2


def test_one_run_of_right_and_wrong_is_nearly_plain_wilson():
    correct = np.arange(100)[None] < 10
    found = mean_accuracy(correct)
    low, high = wilson(10, 100)
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((float(low), float(high)), abs=2e-3)
    assert (found.n, found.runs, found.confidence) == (100, 1, 0.95)


def test_runs_that_say_the_same_are_no_more_samples():
    correct = np.arange(100)[None] < 30
    once, thrice = mean_accuracy(correct), mean_accuracy(np.repeat(correct, 3, axis=0))
    assert half_width(thrice) == pytest.approx(half_width(once), rel=0.02)


def test_runs_that_differ_as_a_whole_widen_the_interval():
    rng = np.random.default_rng(0)
    calm, moody = rng.random((3, 400)) < 0.5, rng.random((3, 400)) < [[0.3], [0.5], [0.7]]
    assert half_width(mean_accuracy(moody)) > 3 * half_width(mean_accuracy(calm))


def test_known_balanced_accuracy():
    # correctness of methods section 14: members (1, 1, 1, 0), non-members (1, 0, 0, 0)
    members, others = np.array([[1, 1, 1, 0]], bool), np.array([[1, 0, 0, 0]], bool)
    found = balanced_accuracy(members, others)
    assert found.value == 0.75
    # each side's variance is .25 / 4; the freedom of both together is 6
    variance, reach = (0.25 / 4 + 0.25 / 4) / 4, two_sided(0.95, freedom=6)
    effective = 0.75 * 0.25 / variance
    centre = (0.75 * effective + reach**2 / 2) / (effective + reach**2)
    assert (found.low + found.high) / 2 == pytest.approx(centre)


@pytest.mark.parametrize("levels", [3, 1000])
def test_auc_variance_is_delongs(levels: int):
    rng = np.random.default_rng(levels)
    members = (rng.integers(levels, size=(1, 80)) + levels // 6).astype(float)
    others = rng.integers(levels, size=(1, 60)).astype(float)
    found = auc_estimate(members, others)
    assert found.value == pytest.approx(auc(members[0], others[0]))
    effective = found.value * (1 - found.value) / delong_naive(members[0], others[0])
    low, high = wilson(found.value * effective, effective)
    assert (found.low, found.high) == pytest.approx((float(low), float(high)), abs=5e-3)


def test_tpr_is_the_mean_over_runs_with_their_own_cuts():
    members, others = normal(1, 3, 200, shift=1.0), normal(2, 3, 150)
    members[1] += 50  # another scale of scores: its cut follows
    others[1] += 50
    found = tpr_estimate(members, others, fpr=0.1, seed=0)
    naive = [tpr_at_fpr_naive(a, b, 0.1)[0] for a, b in zip(members, others, strict=True)]
    assert found.value == pytest.approx(np.mean(naive))
    assert "realised FPR 0.1000, 200 members, 150 non-members" in found.method


def test_the_seed_fixes_the_bootstrap():
    members, others = normal(1, 2, 100, shift=1.0), normal(2, 2, 100)
    first, again, other = (tpr_estimate(members, others, fpr=0.05, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert half_width(first) == pytest.approx(half_width(other), rel=0.1)


def test_groups_are_judged_at_the_threshold_of_the_whole():
    members, others = normal(1, 3, 400, shift=1.0), normal(2, 3, 300)
    members[:, :200] += 2.0
    groups = np.repeat([7, 2], 200)
    found = tpr_by_group(members, others, groups, fpr=0.1)
    whole = tpr_estimate(members, others, fpr=0.1, seed=0)
    assert set(found) == {2, 7}
    assert found[7].low > found[2].high
    assert (found[2].value + found[7].value) / 2 == pytest.approx(whole.value)


def test_a_monotone_map_of_the_scores_changes_nothing():
    members, others = normal(1, 2, 90, shift=1.0), normal(2, 2, 80)
    assert auc_estimate(np.exp(members), np.exp(others)) == auc_estimate(members, others)
    assert tpr_estimate(np.exp(members), np.exp(others), fpr=0.1, seed=3) == tpr_estimate(
        members, others, fpr=0.1, seed=3
    )


def test_permuting_samples_changes_nothing_that_is_not_drawn():
    members, others = normal(1, 2, 90, shift=1.0), normal(2, 2, 80)
    order = np.random.default_rng(0).permutation(90)
    plain, mixed = auc_estimate(members, others), auc_estimate(members[:, order], others)
    assert (mixed.low, mixed.high) == pytest.approx((plain.low, plain.high))


CONSTANT = {
    "accuracy, all right": lambda n: mean_accuracy(np.ones((2, n))),
    "accuracy, all wrong": lambda n: mean_accuracy(np.zeros((2, n))),
    "accuracy, all half": lambda n: mean_accuracy(np.full((2, n), 0.5)),
    "balanced, all right": lambda n: balanced_accuracy(
        np.ones((2, n), bool), np.zeros((2, n), bool)
    ),
    "balanced, all called": lambda n: balanced_accuracy(
        np.ones((2, n), bool), np.ones((2, n), bool)
    ),
    "AUC, all ties": lambda n: auc_estimate(np.ones((2, n)), np.ones((2, n))),
    "AUC, separated": lambda n: auc_estimate(np.ones((2, n)), np.zeros((2, n))),
    "TPR, all ties": lambda n: tpr_estimate(np.ones((2, n)), np.ones((2, 20)), fpr=0.1, seed=0),
    "TPR, separated": lambda n: tpr_estimate(np.ones((2, n)), np.zeros((2, 20)), fpr=0.1, seed=0),
}


@pytest.mark.parametrize("n", [1, 2, 50])
@pytest.mark.parametrize("make", CONSTANT.values(), ids=CONSTANT)
def test_no_interval_has_zero_width(make: Callable[[int], Estimate], n: int):
    found = make(n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 1 / (n + 20)


def coverage(make: Callable[[int], Estimate], truth: float, trials: int) -> float:
    return float(np.mean([make(trial).contains(truth) for trial in range(trials)]))


@pytest.mark.parametrize(("runs", "truth"), [(1, 0.5), (1, 0.95), (3, 0.5), (5, 0.9)])
def test_accuracy_intervals_cover(runs: int, truth: float):
    """Hard and easy samples (Beta), good and bad runs, and chance within each pair."""

    def make(trial: int) -> Estimate:
        rng = np.random.default_rng([runs, trial])
        rate = rng.beta(4 * truth, 4 * (1 - truth), size=200)
        of_run = 0.02 * rng.normal(size=(runs, 1)) if runs > 1 else 0.0
        return mean_accuracy(rng.random((runs, 200)) < rate + of_run)

    assert 0.92 <= coverage(make, truth, 500) <= 0.99


@pytest.mark.parametrize("runs", [1, 3])
def test_balanced_accuracy_intervals_cover(runs: int):
    def make(trial: int) -> Estimate:
        rng = np.random.default_rng([runs, trial])
        members = rng.random((runs, 150)) < rng.beta(3, 1, size=150)
        return balanced_accuracy(members, rng.random((runs, 80)) < rng.beta(1, 3, size=80))

    assert 0.92 <= coverage(make, 0.75, 500) <= 0.99


@pytest.mark.parametrize(("runs", "shift"), [(1, 0.0), (1, 2.0), (3, 1.0)])
def test_auc_intervals_cover(runs: int, shift: float):
    many = normal(0, 1, 400_000)[0]
    truth = auc(many[:200_000] + shift / np.sqrt(2.01), many[200_000:])

    def make(trial: int) -> Estimate:
        both = normal(100 + trial, runs, 200)
        return auc_estimate(both[:, :120] + shift / np.sqrt(2.01), both[:, 120:])

    assert 0.92 <= coverage(make, truth, 500) <= 0.99


@pytest.mark.parametrize(("runs", "shift"), [(1, 0.0), (1, 1.5), (3, 1.5)])
def test_tpr_intervals_cover(runs: int, shift: float):
    rng = np.random.default_rng(0)
    truth = np.mean(rng.normal(size=400_000) + shift > 1.2815516)  # the normal's upper tenth

    def make(trial: int) -> Estimate:
        rng = np.random.default_rng([runs, trial])
        alike = rng.normal(size=250)
        scores = (alike + rng.normal(size=(runs, 250))) / np.sqrt(2)
        return tpr_estimate(scores[:, :120] + shift, scores[:, 120:], fpr=0.1, seed=trial)

    assert 0.92 <= coverage(make, float(truth), 200) <= 0.99


def test_a_planted_leak_is_found_and_a_null_is_not():
    leak = auc_estimate(normal(1, 3, 500, shift=2.0), normal(2, 3, 500))
    null = auc_estimate(normal(3, 3, 500), normal(4, 3, 500))
    assert leak.low > 0.7
    assert null.contains(0.5)


def test_refusals():
    good, bad = np.ones((2, 5)), np.full((2, 5), np.nan)
    with pytest.raises(DataError, match=r"correct must have a value each.*got none"):
        mean_accuracy(np.ones((2, 0)))
    with pytest.raises(DataError, match=r"nonmembers.*10 of 10 are NaN.*\(0, 0\)"):
        auc_estimate(good, bad)
    with pytest.raises(DataError, match=r"members.*got none"):
        balanced_accuracy(np.ones((2, 0), bool), np.ones((2, 5), bool))
    with pytest.raises(DataError, match="NaN"):
        tpr_estimate(bad, good, fpr=0.5, seed=0)
    with pytest.raises(DataError, match="got none"):
        tpr_by_group(np.ones((0, 5)), np.ones((0, 5)), np.zeros(5, np.int64), fpr=0.5)
    with pytest.raises(DataError, match="needs 100 non-members, got 5"):
        tpr_estimate(good, good, fpr=0.01, seed=0)
