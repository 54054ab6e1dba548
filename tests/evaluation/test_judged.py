import dataclasses

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.evaluation.judged import judge
from pryproof.evaluation.roc import auc
from pryproof.records import Estimate
from reference.worlds import Targets, one_target, scores


def estimates(judged: object) -> list[Estimate]:
    """Return every estimate in a record of records."""
    if isinstance(judged, Estimate):
        return [judged]
    if isinstance(judged, dict):
        return [found for each in judged.values() for found in estimates(each)]
    if dataclasses.is_dataclass(judged):
        return [
            found
            for field in dataclasses.fields(judged)
            for found in estimates(getattr(judged, field.name))
        ]
    return []


def world(members: int = 1200, others: int = 1500):
    drawn = scores("normal", 1.0, members, others, np.random.default_rng(0))
    return one_target(*drawn)


def test_one_call_says_all():
    table, member = world()
    found = judge(table, member, decisions=table > 0.5, seed=0)
    assert (found.targets, found.samples, found.members, found.nonmembers) == (1, 2700, 1200, 1500)
    assert (found.left_out, found.one_sided) == (0, 0)
    assert found.auc.value == pytest.approx(auc(table[member], table[~member]))
    assert found.tpr.value == pytest.approx(np.mean(table[member] > 0.5))
    assert found.fpr.value == pytest.approx(np.mean(table[~member] > 0.5))
    balanced = (found.tpr.value + 1 - found.fpr.value) / 2
    assert found.balanced_accuracy.value == pytest.approx(balanced)
    assert found.advantage.value == pytest.approx(found.tpr.value - found.fpr.value)
    rates = 0.1 * found.tpr.value, 0.9 * found.fpr.value
    assert found.precision[0.1].value == pytest.approx(rates[0] / sum(rates))
    assert list(found.tpr_at_fpr) == [0.001, 0.0001, 0.01]
    assert found.tpr_at_fpr[0.01].warning == ""
    assert "fewer than 10" in found.tpr_at_fpr[0.001].warning
    assert np.isnan(found.tpr_at_fpr[0.0001].estimate.value)
    assert found.oracle.value > found.oracle_chance.high
    assert 0 < found.epsilon["clopper_pearson"].value < found.epsilon["gdp"].value
    assert np.isnan(found.epsilon["one_run"].value)  # 1,200 of 2,700: no fair coins
    assert "at least 4 targets" in found.per_sample_tpr[0.01]["max"].method


def test_several_targets_have_samples_to_look_at():
    table, member = Targets(12, 300).draw(np.random.default_rng(0), 1.5)
    found = judge(table, member, decisions=table > 1.0, fprs=(0.05,), seed=0)
    assert (found.targets, found.samples) == (12, 300)
    assert found.auc.runs == 12
    assert found.per_sample_tpr[0.05]["99"].value > found.per_sample_tpr[0.05]["50"].value
    assert found.exposure["50"].contains(0.75)
    assert found.epsilon["one_run"].value > 0


def test_pairs_without_a_score_are_counted_not_guessed():
    table, member = world()
    table[0, ::10] = np.nan
    found = judge(table, member, decisions=table > 0.5, seed=0)
    assert found.left_out == 270
    assert found.members + found.nonmembers == found.samples == 2430
    kept = ~np.isnan(table)
    table, member = table[kept][None], member[kept][None]
    alone = judge(table, member, decisions=table > 0.5, seed=0)
    assert repr(dataclasses.replace(found, left_out=0)) == repr(alone)


def test_without_decisions_only_the_cut_is_missing():
    table, member = world()
    found = judge(table, member, seed=0)
    assert found.auc.value > 0.7
    for each in (found.balanced_accuracy, found.advantage, found.tpr, found.precision[0.01]):
        assert str(each) == "not estimable (no decisions: no cut was fitted)"


TOO_LITTLE = {
    "no members": (np.arange(6.0)[None], np.zeros((1, 6), bool)),
    "no non-members": (np.arange(6.0)[None], np.ones((1, 6), bool)),
    "no scores": (np.full((1, 6), np.nan), np.arange(6)[None] < 3),
    "no targets": (np.zeros((0, 6)), np.zeros((0, 6), bool)),
    "no samples": (np.zeros((2, 0)), np.zeros((2, 0), bool)),
}


@pytest.mark.parametrize(("table", "member"), TOO_LITTLE.values(), ids=TOO_LITTLE)
def test_too_little_is_not_estimable(table: np.ndarray, member: np.ndarray):
    found = judge(table, member, decisions=table > 0.5, seed=0)
    assert found.targets == 0
    assert found.one_sided == len(table)
    for each in estimates(found):
        assert np.isnan(each.value)
        assert each.method


ODD = {
    "one of each": (np.array([[2.0, 1.0]]), np.array([[True, False]])),
    "all ties": (np.ones((1, 40)), np.arange(40)[None] < 20),
    "all ties, three targets": (np.ones((3, 40)), np.arange(40)[None].repeat(3, 0) < 20),
    "infinite": (np.array([[np.inf, np.inf, 0.0, -np.inf] * 9]), np.arange(36)[None] % 2 == 0),
    "separated": (np.arange(40.0)[None], np.arange(40)[None] >= 20),
    "the wrong way round": (np.arange(40.0)[None], np.arange(40)[None] < 20),
    "one sample each, many targets": (
        np.arange(24.0).reshape(12, 2),
        np.tile([[True, False], [False, True]], (6, 1)),
    ),
    "one side nearly empty": (np.arange(2001.0)[None], np.arange(2001)[None] == 7),
}


@pytest.mark.parametrize(("table", "member"), ODD.values(), ids=ODD)
def test_odd_data_give_numbers_with_intervals_or_say_why(table: np.ndarray, member: np.ndarray):
    found = judge(table, member, decisions=table > 0.5, fprs=(0.1, 0.01, 0.001), seed=0)
    assert not np.isnan(found.auc.value)
    for each in estimates(found):
        if np.isnan(each.value):
            assert each.method
        else:
            assert each.low <= each.value <= each.high
            assert each.low < each.high


def test_the_seed_fixes_everything():
    table, member = world()
    first, again = (judge(table, member, decisions=table > 0.5, seed=3) for _ in range(2))
    assert repr(first) == repr(again)


def test_arguments_stay_as_they_were():
    table, member = world()
    called = table > 0.5
    before = table.copy(), member.copy(), called.copy()
    judge(table, member, decisions=called, seed=0)
    after = table, member, called
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_refusals():
    table, member = world(20, 30)
    with pytest.raises(DataError, match=r"decisions must have the scores' shape \[1, 50\]"):
        judge(table, member, decisions=member[:, 1:], seed=0)
    with pytest.raises(DataError, match=r"one shape, got \[1, 50\] and \[1, 49\]"):
        judge(table, member[:, 1:], seed=0)
    with pytest.raises(DataError, match=r"labels must be \[50\]"):
        judge(table, member, labels=np.zeros(3, np.int64), seed=0)
