import numpy as np
import pytest

from pryproof.attacks.threshold import constant, decide, fit, fit_runs
from pryproof.checks import DataError
from reference.threshold import (
    balanced_accuracy_naive,
    best_balanced_accuracy_naive,
    best_cut_naive,
)


def zeros(values: np.ndarray):
    return np.zeros(len(values), np.int64)


def fit_one(members: list[float], nonmembers: list[float]):
    members, nonmembers = np.array(members, float), np.array(nonmembers, float)
    return fit(members, zeros(members), nonmembers, zeros(nonmembers), classes=1)


def test_known_cut():
    members, nonmembers = [0.9, 0.8, 0.8, 0.6, 0.4, 0.3], [0.8, 0.5, 0.4, 0.2]
    found = fit_one(members, nonmembers)
    assert found.overall == pytest.approx(0.55)
    assert found.per_class == pytest.approx([0.55])
    naive = balanced_accuracy_naive(np.array(members), np.array(nonmembers), found.overall)
    assert naive == pytest.approx(0.7083333333)


@pytest.mark.parametrize("levels", [0, 1, 30])
@pytest.mark.parametrize("shift", [0.0, 0.3, 3.0])
def test_many_samples_get_the_very_cut_of_the_naive_search(levels: int, shift: float):
    rng = np.random.default_rng(levels)
    members, nonmembers = rng.normal(size=700) + shift, rng.normal(size=500)
    if levels:
        members, nonmembers = np.round(members * levels), np.round(nonmembers * levels)
    of_members, of_nonmembers = rng.integers(3, size=700), rng.integers(3, size=500)
    found = fit(members, of_members, nonmembers, of_nonmembers, classes=3)
    assert found.overall == best_cut_naive(members, nonmembers)
    for c in range(3):
        naive = best_cut_naive(members[of_members == c], nonmembers[of_nonmembers == c])
        assert found.per_class[c] == naive
    order = rng.permutation(700)
    mixed = fit(members[order], of_members[order], nonmembers, of_nonmembers, classes=3)
    assert np.array_equal(mixed.per_class, found.per_class)


def test_all_runs_and_classes_in_one_pass_get_each_runs_own_cuts():
    rng = np.random.default_rng(4)
    member, labels = rng.random((5, 400)) < 0.4, rng.integers(6, size=400)
    scores = rng.normal(size=(5, 400)) + member
    member[2, labels == 3] = True  # a class without non-members
    for row, found in enumerate(fit_runs(scores, labels, member, classes=7)):
        inside = member[row]
        alone = fit(
            scores[row, inside], labels[inside], scores[row, ~inside], labels[~inside], classes=7
        )
        assert np.array_equal(found.per_class, alone.per_class)
        assert np.array_equal(found.fallback, alone.fallback)
        assert found.overall == alone.overall
    with pytest.raises(DataError, match="400 members and 0 non-members"):
        fit_runs(scores[:1], labels, np.ones((1, 400), bool), classes=7)


@pytest.mark.parametrize("levels", [3, 8, 1000])
def test_every_class_reaches_the_best_of_all_cuts(levels: int):
    rng = np.random.default_rng(levels)
    for _ in range(60):
        n, m, classes = rng.integers(4, 40), rng.integers(4, 40), 3
        members, nonmembers = rng.integers(levels, size=n) / 7, rng.integers(levels, size=m) / 7
        of_members, of_nonmembers = rng.integers(classes, size=n), rng.integers(classes, size=m)
        found = fit(members, of_members, nonmembers, of_nonmembers, classes=classes)
        best = best_balanced_accuracy_naive(members, nonmembers)
        reached = balanced_accuracy_naive(members, nonmembers, found.overall)
        assert reached == pytest.approx(best, abs=1e-12)
        for c in range(classes):
            inside, outside = members[of_members == c], nonmembers[of_nonmembers == c]
            assert found.fallback[c] == (len(inside) == 0 or len(outside) == 0)
            if found.fallback[c]:
                assert found.per_class[c] == found.overall
            else:
                reached = balanced_accuracy_naive(inside, outside, found.per_class[c])
                assert reached == pytest.approx(best_balanced_accuracy_naive(inside, outside))


def test_equal_gains_take_the_largest_cut_and_order_does_not_matter():
    # "both members" and "the first member" gain the same
    members, nonmembers = np.array([4.0, 2.0]), np.array([3.0, 1.0])
    assert fit_one(members, nonmembers).overall == 3.5
    assert fit_one(members[::-1], nonmembers[::-1]).overall == 3.5


def test_nobody_is_called_a_member_where_nothing_separates():
    assert fit_one([1.0, 1.0], [1.0, 1.0, 1.0]).overall == np.inf
    assert fit_one([1.0], [2.0]).overall == np.inf
    assert not decide(np.array([9.9]), np.array([0]), fit_one([1.0], [2.0])).any()


def test_nobody_means_not_even_an_infinite_score():
    found = fit_one([1.0, 2.0], [np.inf, 3.0])
    assert found.overall == np.inf
    assert not decide(np.array([np.inf, 3.0]), np.zeros(2, np.int64), found).any()


@pytest.mark.parametrize(
    ("members", "nonmembers"),
    [
        ([np.inf, 1.0], [0.0, -np.inf]),
        ([np.inf], [-np.inf]),
        ([0.0], [-np.inf]),
        ([np.inf], [3.0]),
        ([np.nextafter(1.0, 2.0)], [1.0]),
        ([5e-324], [0.0]),
        ([1.7e308], [-1.7e308]),
    ],
)
def test_extreme_values_are_separated_without_nan(members: list[float], nonmembers: list[float]):
    found = fit_one(members, nonmembers)
    assert decide(np.array(members), zeros(members), found).all()
    assert not decide(np.array(nonmembers), zeros(nonmembers), found).any()


def test_each_sample_is_judged_by_its_class():
    cuts = fit(
        np.array([1.0, 11.0]), np.array([0, 1]), np.array([0.0, 10.0]), np.array([0, 1]), classes=3
    )
    assert cuts.per_class[:2].tolist() == [0.5, 10.5]
    assert cuts.fallback.tolist() == [False, False, True]
    assert decide(np.array([1.0, 1.0]), np.array([0, 1]), cuts).tolist() == [True, False]


def test_correctness_needs_no_fit():
    called = decide(np.array([1.0, 1.0, 1.0, 0.0]), np.zeros(4, np.int64), constant(0.5, classes=1))
    assert called.tolist() == [True, True, True, False]


def test_a_cut_fitted_on_what_it_judges_finds_leaks_where_there_are_none():
    """Methods section 14: 500 against 50 a class read 54.3 % when nothing leaks."""
    rng = np.random.default_rng(0)
    classes, inside, outside = 100, 500, 50
    of_members, of_others = np.arange(classes).repeat(inside), np.arange(classes).repeat(outside)
    members, others = rng.normal(size=len(of_members)), rng.normal(size=len(of_others))
    cuts = fit(members, of_members, others, of_others, classes=classes)
    spared = ~decide(others, of_others, cuts)
    reading = (decide(members, of_members, cuts).mean() + spared.mean()) / 2
    assert reading == pytest.approx(0.543, abs=0.01)


def test_refusals():
    one, label = np.ones(1), np.zeros(1, np.int64)
    with pytest.raises(DataError, match="1 members and 0 non-members"):
        fit(one, label, np.ones(0), np.zeros(0, np.int64), classes=1)
    with pytest.raises(DataError, match=r"NaN.*score 1"):
        fit(one, label, np.array([np.nan]), label, classes=1)
    with pytest.raises(DataError, match="got 4"):
        fit(one, label + 4, one, label, classes=2)
    with pytest.raises(DataError, match="NaN"):
        decide(np.array([np.nan]), label, constant(0.5, classes=1))
    with pytest.raises(DataError, match="got -1"):
        decide(one, label - 1, constant(0.5, classes=1))
