import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.valuation.overlap import overlap
from pryproof.valuation.ranks import ranks


def test_the_smallest_value_is_the_safest():
    assert ranks(np.array([[0.5, -2.0, 3.0]]), seed=0).tolist() == [[2, 1, 3]]


def test_infinite_values_have_the_ends():
    assert ranks(np.array([[0.5, -np.inf, np.inf]]), seed=0).tolist() == [[2, 1, 3]]


def test_each_run_is_a_permutation_and_the_seed_fixes_it():
    values = np.random.default_rng(0).integers(3, size=(4, 50)).astype(float)
    found = ranks(values, seed=1)
    assert np.array_equal(np.sort(found, axis=1), np.tile(np.arange(1, 51), (4, 1)))
    assert np.array_equal(found, ranks(values, seed=1))
    assert not np.array_equal(found, ranks(values, seed=2))
    for row, order in zip(values, found, strict=True):
        assert np.all(np.diff(row[np.argsort(order)]) >= 0)


def test_ties_make_no_agreement():
    found = overlap(ranks(np.zeros((4, 4000)), seed=0), 0.0, 0.5)
    assert found.ratio.value == pytest.approx(found.chance, abs=0.03)


def test_without_ties_permuting_samples_permutes_ranks():
    rng = np.random.default_rng(3)
    values, order = rng.normal(size=(3, 40)), rng.permutation(40)
    assert np.array_equal(ranks(values[:, order], seed=0), ranks(values, seed=0)[:, order])


def test_missing_values_are_refused():
    with pytest.raises(DataError, match=r"1 of run 1.s 2 are NaN.*run 1, sample 0"):
        ranks(np.array([[0.0, 1.0], [np.nan, 1.0]]), seed=0)


def test_ties_move_with_samples_and_runs():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (5, 60)).astype(float)
    samples, runs = rng.permutation(60), rng.permutation(5)
    whole = ranks(values, seed=3)
    # samples of which all runs say the same are told apart by nothing
    _, first, count = np.unique(values, axis=1, return_index=True, return_counts=True)
    alone = np.isin(np.arange(60), first[count == 1])
    moved = ranks(values[runs][:, samples], seed=3)
    assert (moved == whole[runs][:, samples])[:, alone[samples]].all()


def test_ties_are_broken_anew_in_every_run():
    order = ranks(np.zeros((2, 4000)), seed=0)
    assert abs(np.corrcoef(order)[0, 1]) < 0.06
    few = np.random.default_rng(0).integers(0, 2, (2, 4000)).astype(float)
    tied = ranks(few, seed=0)
    assert abs(np.corrcoef(tied[:, (few == 0).all(axis=0)])[0, 1]) < 0.12


def test_by_class_every_class_has_its_share():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    order = ranks(rng.normal(size=(2, 100)) + 50 * labels, seed=0, labels=labels)
    assert ((order <= 50) & (labels == 1)).sum(axis=1).tolist() == [25, 25]
