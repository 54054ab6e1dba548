import numpy as np
import pytest

from pryproof.checks import ConfigurationError
from pryproof.evaluation.low_fpr import _bootstrap, tpr_of
from pryproof.evaluation.roc import steps
from pryproof.evaluation.scored import scored
from pryproof.intervals import clopper_pearson
from reference.crossed import bootstrap_naive
from reference.roc import tpr_at_fpr_naive
from reference.worlds import Targets, one_target, scores


def world(kind: str = "normal", strength: float = 1.5, members: int = 300, others: int = 200):
    inside, outside = scores(kind, strength, members, others, np.random.default_rng(0))
    return scored(*one_target(inside, outside)), inside, outside


@pytest.mark.parametrize("kind", ["normal", "ties", "few"])
@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.3])
def test_value_and_counts_agree_with_trying_every_cut(kind: str, fpr: float):
    table, inside, outside = world(kind, 0.5)
    found = tpr_of(table, fpr=fpr, seed=0)
    true, false = tpr_at_fpr_naive(inside, outside, fpr)
    assert (found.estimate.value, found.realised_fpr) == pytest.approx((true, false))
    assert (found.hits, found.n, found.nonmembers) == (round(true * 300), 300, 200)
    assert np.sum(inside >= found.thresholds[0]) == found.hits
    low, high = clopper_pearson(found.hits, 300)
    exact = found.clopper_pearson
    assert (exact.low, exact.high) == pytest.approx((float(low), float(high)))
    for each in (found.estimate, found.bootstrap, exact):
        assert each.low <= each.value == found.estimate.value <= each.high


@pytest.mark.parametrize("kind", ["normal", "ties"])
def test_the_exact_law_is_that_of_drawing_arrays(kind: str):
    inside, outside = scores(kind, 1.0, 60, 50, np.random.default_rng(1))
    drawn = _bootstrap([steps(inside, outside)], 0.1, np.random.default_rng(2))
    naive = bootstrap_naive(inside, outside, 0.1, 4000, seed=3)
    assert np.mean(drawn) == pytest.approx(np.mean(naive), abs=0.01)
    for share in (0.025, 0.25, 0.75, 0.975):
        assert np.quantile(drawn, share) == pytest.approx(np.quantile(naive, share), abs=0.04)


def test_few_allowed_false_positives_are_warned_of_and_none_refused():
    enough, _, _ = world(others=1000)
    assert tpr_of(enough, fpr=0.01, seed=0).warning == ""
    few = tpr_of(enough, fpr=0.003, seed=0)
    assert few.warning == "the cut rests on 3 allowed false positives, fewer than 10"
    none = tpr_of(enough, fpr=0.0001, seed=0, priors=(0.1,))
    assert str(none.estimate) == (
        "not estimable (a TPR at 0.0001 FPR needs 10000 non-members, there are 1000)"
    )
    assert np.isnan(none.precision[0.1].value)
    assert np.isnan(none.realised_fpr)


def test_one_allowed_false_positive_says_little():
    table, _, _ = world(strength=2.0, others=100)
    found = tpr_of(table, fpr=0.01, seed=0)
    assert found.estimate.low < 0.05
    assert found.estimate.high - found.estimate.low > 0.3


def test_the_seed_fixes_what_is_drawn():
    table, _, _ = world()
    first, again, other = (tpr_of(table, fpr=0.05, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.estimate.low != other.estimate.low
    assert first.estimate.low == pytest.approx(other.estimate.low, abs=0.02)


def test_a_monotone_map_and_another_order_change_nothing():
    table, inside, outside = world()
    plain = tpr_of(table, fpr=0.05, seed=0).estimate
    mapped = scored(*one_target(np.exp(inside[::-1]), np.exp(outside[::-1])))
    assert tpr_of(mapped, fpr=0.05, seed=0).estimate == plain


@pytest.mark.parametrize("inside", [1.0, 2.0, np.inf])
@pytest.mark.parametrize("outside", [1.0, 2.0, np.inf])
@pytest.mark.parametrize("targets", [1, 3])
def test_ties_separation_and_infinities(inside: float, outside: float, targets: int):
    table, member = one_target(np.full(40, inside), np.full(50, outside))
    table, member = np.repeat(table, targets, axis=0), np.repeat(member, targets, axis=0)
    found = tpr_of(scored(table, member), fpr=0.1, seed=0)
    assert found.estimate.value == float(inside > outside)
    assert found.hits == 40 * targets * (inside > outside)
    for each in (found.estimate, found.bootstrap, found.clopper_pearson):
        assert 0 <= each.low <= each.value <= each.high <= 1
        assert each.low < each.high


def test_several_targets_have_cuts_of_their_own():
    table, member = Targets(6, 400).draw(np.random.default_rng(0), 1.5)
    found = tpr_of(scored(table, member), fpr=0.05, seed=0)
    naive = [
        tpr_at_fpr_naive(row[mine], row[~mine], 0.05)[0]
        for row, mine in zip(table, member, strict=True)
    ]
    assert found.estimate.value == pytest.approx(np.mean(naive))
    assert len(set(found.thresholds)) == 6
    shifted = table + 100.0 * np.arange(6)[:, None]
    assert tpr_of(scored(shifted, member), fpr=0.05, seed=0).estimate == found.estimate


def test_targets_with_too_few_nonmembers_are_left_out():
    table, member = Targets(3, 400).draw(np.random.default_rng(0), 1.5)
    member[1, 8:] = True
    found = tpr_of(scored(table, member), fpr=0.05, seed=0)
    assert found.estimate.runs == 2
    assert np.isnan(found.thresholds[1])
    assert "1 of 3 targets have too few non-members" in found.warning


def test_refusals():
    table, _, _ = world()
    for fpr in (0.0, 1.0):
        with pytest.raises(ConfigurationError, match="between 0 and 1"):
            tpr_of(table, fpr=fpr, seed=0)
