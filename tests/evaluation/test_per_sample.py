import numpy as np
import pytest

from pryproof.evaluation.per_sample import exposure, per_sample_tpr, quantiles
from pryproof.evaluation.roc import tpr_at_fpr
from pryproof.evaluation.scored import scored
from pryproof.intervals import jeffreys
from reference.roc import auc_naive, delong_naive
from reference.worlds import Targets


def world(seed: int = 0, targets: int = 20, samples: int = 60):
    return Targets(targets, samples).draw(np.random.default_rng(seed), 1.0)


@pytest.mark.parametrize("digits", [0, 9])
def test_tpr_agrees_with_counting_target_by_target(digits: int):
    table, member = world()
    table = np.round(table, digits)
    found = per_sample_tpr(scored(table, member), fpr=0.2, at_least=5)
    cuts = [tpr_at_fpr(r[m], r[~m], 0.2).threshold for r, m in zip(table, member, strict=True)]
    for i in range(60):
        mine = [t for t in range(20) if member[t, i]]
        hits = sum(table[t, i] >= cuts[t] for t in mine)
        assert found.inside[i] == len(mine)
        low, high = jeffreys(hits, len(mine))
        expected = (hits / len(mine), float(low), float(high))
        assert (found.value[i], found.low[i], found.high[i]) == pytest.approx(expected)


@pytest.mark.parametrize("digits", [0, 9])
def test_exposure_agrees_with_comparing_every_pair(digits: int):
    table, member = world(1)
    table = np.round(table, digits)
    table[3, :9] = np.nan
    found = exposure(scored(table, member), at_least=2)
    for i in range(60):
        measured = ~np.isnan(table[:, i])
        inside, outside = table[measured & member[:, i], i], table[measured & ~member[:, i], i]
        assert (found.inside[i], found.outside[i]) == (len(inside), len(outside))
        assert found.value[i] == pytest.approx(auc_naive(inside, outside))
        if 0.4 < found.value[i] < 0.6:
            spread = np.sqrt(delong_naive(inside, outside))
            assert found.high[i] - found.low[i] == pytest.approx(4 * spread, rel=0.25)


def test_samples_in_too_few_targets_have_no_number():
    table, member = world()
    member[:, 7] = False
    member[:3, 7] = True
    found = per_sample_tpr(scored(table, member), fpr=0.2)
    assert np.isnan([found.value[7], found.low[7], found.high[7]]).all()
    assert found.quantiles["max"].n == np.count_nonzero(~np.isnan(found.value))
    none = per_sample_tpr(scored(table[:2], member[:2]), fpr=0.2)
    assert str(none.quantiles["50"]) == "not estimable (no sample is in at least 4 targets)"
    assert np.isnan(none.value).all()


def test_targets_without_a_cut_say_nothing():
    table, member = world()
    member[0, 3:] = True  # three non-members: no cut at 20%
    found = per_sample_tpr(scored(table, member), fpr=0.2)
    assert found.inside.tolist() == member[1:].sum(axis=0).tolist()


def test_leaking_samples_are_told_from_others():
    rng = np.random.default_rng(0)
    member = rng.random((40, 200)) < 0.5
    leaks = np.arange(200) < 20
    table = rng.normal(size=member.shape) + 8.0 * (member & leaks)
    found = per_sample_tpr(scored(table, member), fpr=0.05)
    assert found.low[leaks].min() > 0.7
    assert np.mean(found.high[~leaks] < 0.5) > 0.9
    assert found.quantiles["99"].low > 0.4
    assert found.quantiles["50"].high < 0.25
    area = exposure(scored(table, member))
    assert area.low[leaks].min() > 0.7
    assert area.quantiles["50"].contains(0.5)


def test_chance_does_not_make_a_maximum():
    rng = np.random.default_rng(0)
    member = rng.random((16, 5000)) < 0.5
    found = per_sample_tpr(scored(rng.normal(size=member.shape), member), fpr=0.01)
    worst = found.quantiles["max"]
    assert worst.value > 0.25
    assert worst.low < 0.01
    assert exposure(scored(rng.normal(size=member.shape), member)).quantiles["max"].contains(0.5)


def test_quantiles_follow_their_limits():
    values = np.linspace(0.0, 1.0, 1001)
    found = quantiles(values, lambda _: (values, values), runs=9, confidence=0.95, at_least=4)
    assert [round(each.value, 3) for each in found.values()] == [0.5, 0.9, 0.99, 1.0]
    for each in found.values():
        assert each.low <= each.value <= each.high


def test_permuting_samples_permutes_all():
    table, member = world()
    order = np.random.default_rng(0).permutation(60)
    plain = per_sample_tpr(scored(table, member), fpr=0.2)
    mixed = per_sample_tpr(scored(table[:, order], member[:, order]), fpr=0.2)
    assert np.array_equal(mixed.value, plain.value[order], equal_nan=True)
    assert mixed.quantiles == plain.quantiles
