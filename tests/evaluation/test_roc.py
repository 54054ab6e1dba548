import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.evaluation.roc import (
    area,
    auc,
    curve,
    placements,
    point,
    roc,
    steps,
    threshold,
    tpr_at_fpr,
)
from reference.roc import auc_naive, tpr_at_fpr_naive


def scores(seed: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 60, size=2)
    return (rng.integers(levels, size=n) + levels // 9) / 4, rng.integers(levels, size=m) / 4


@pytest.mark.parametrize("levels", [1, 4, 1000])
@pytest.mark.parametrize("seed", range(10))
def test_auc_agrees_with_comparing_every_pair(seed: int, levels: int):
    members, others = scores(seed, levels)
    expected = auc_naive(members, others)
    curve = roc(members, others)
    assert auc(members, others) == pytest.approx(expected)
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(expected)
    assert auc(others, members) == pytest.approx(1 - expected)


@pytest.mark.parametrize("levels", [3, 12, 1000])
@pytest.mark.parametrize("seed", range(10))
def test_tpr_agrees_with_trying_every_cut(seed: int, levels: int):
    rng = np.random.default_rng(seed)
    members, others = rng.integers(levels, size=40) + levels // 5, rng.integers(levels, size=30)
    members, others = members.astype(float), others.astype(float)
    for fpr in (0.034, 0.1, 0.5, 0.99):
        point = tpr_at_fpr(members, others, fpr)
        true, false = tpr_at_fpr_naive(members, others, fpr)
        assert (point.tpr, point.realised_fpr) == pytest.approx((true, false))
        assert np.mean(members >= point.threshold) == point.tpr
        assert np.mean(others >= point.threshold) == point.realised_fpr


def test_known_curve():
    curve = roc(np.array([0.9, 0.8, 0.8, 0.6, 0.4, 0.3]), np.array([0.8, 0.5, 0.4, 0.2]))
    # gains of methods section 14: none, .9, .8, .6, .5, .4, .3, .2
    gains = [0.5, 0.58333, 0.625, 0.70833, 0.58333, 0.54167, 0.625, 0.5]
    assert (curve.tpr + 1 - curve.fpr) / 2 == pytest.approx(gains, abs=1e-5)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2]


def test_all_ties_are_one_step():
    curve = roc(np.ones(3), np.ones(5))
    assert (curve.fpr.tolist(), curve.tpr.tolist()) == ([0.0, 1.0], [0.0, 1.0])
    assert auc(np.ones(3), np.ones(5)) == 0.5
    assert tpr_at_fpr(np.ones(3), np.ones(5), 0.5) == (0.0, 0.0, np.inf)


def test_infinite_scores_keep_their_place():
    assert auc(np.array([np.inf]), np.array([0.0, -np.inf])) == 1.0
    assert placements(np.array([np.inf]), np.array([np.inf, 0.0])).tolist() == [0.75]


def test_a_bound_that_is_whole_but_for_rounding_is_whole():
    others = np.arange(100.0)
    assert tpr_at_fpr(others, others, 0.29).realised_fpr == 0.29  # 0.29 * 100 = 28.999999999999996


def test_refusals():
    one = np.ones(1)
    with pytest.raises(DataError, match=r"at 0\.100% false .* needs 1000 non-members, got 9"):
        tpr_at_fpr(one, np.ones(9), 0.001)
    with pytest.raises(ConfigurationError, match=r"between 0 and 1, got 1\.0"):
        tpr_at_fpr(one, one, 1.0)
    with pytest.raises(DataError, match=r"members must have a value each.*got none"):
        auc(np.ones(0), one)
    with pytest.raises(DataError, match=r"nonmembers.*1 of 2 are NaN.*\(1,\)"):
        roc(one, np.array([0.0, np.nan]))


def test_one_sort_says_all():
    members, others = scores(3, 40)
    counts = steps(members, others)
    assert (counts.members, counts.nonmembers) == (len(members), len(others))
    assert area(counts) == auc(members, others)
    whole = roc(members, others)
    assert np.array_equal(curve(counts).tpr, whole.tpr)
    assert np.array_equal(curve(counts).fpr, whole.fpr)
    assert whole.thresholds[0] == np.inf
    for fpr in (0.2, 0.5):
        assert point(counts, fpr) == tpr_at_fpr(members, others, fpr)


def test_the_area_is_exact():
    members, others = np.arange(30_000.0), np.arange(30_000.0) - 0.5
    assert auc(members, others) == (30_000 * 30_001 // 2) / 30_000**2


def test_nobody_is_told_from_those_at_infinity():
    members, others = np.array([np.inf, 1.0]), np.array([np.inf, 0.0])
    found = tpr_at_fpr(members, others, 0.5)
    assert found == (1.0, 0.5, 1.0)
    nobody = tpr_at_fpr(members, np.full(2, np.inf), 0.5)
    assert nobody[:2] == (0.0, 0.0)
    assert not np.any(members >= nobody.threshold)
    assert threshold(steps(members, others), 1) == np.inf
