import numpy as np
import pytest

from pryproof.evaluation.crossed import (
    advantage_of,
    area_interval,
    auc_from_steps,
    auc_of,
    balanced_accuracy_of,
    effective_size,
    rate_of,
    variance_of_mean,
)
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import auc, steps
from pryproof.intervals import jeffreys
from reference.crossed import auc_table_naive, variance_naive
from reference.roc import auc_naive, delong_naive
from reference.worlds import Targets, one_target, scores


def ragged(seed: int = 0, targets: int = 5, samples: int = 40) -> tuple[np.ndarray, np.ndarray]:
    return Targets(targets, samples).draw(np.random.default_rng(seed), 1.0)


def width(estimate) -> float:
    return estimate.high - estimate.low


@pytest.mark.parametrize("kind", ["normal", "ties"])
def test_one_target_has_delongs_variance(kind: str):
    inside, outside = scores(kind, 0.3, 400, 300, np.random.default_rng(0))
    table, member = one_target(inside, outside)
    found = auc_of(table, member, ~member)
    assert found.value == pytest.approx(auc_naive(inside, outside))
    spread = np.sqrt(delong_naive(inside, outside))
    assert width(found) == pytest.approx(2 * 1.96 * spread, rel=0.02)
    assert (found.n, found.runs) == (700, 1)


@pytest.mark.parametrize("seed", range(3))
def test_several_targets_agree_with_comparing_every_pair(seed: int):
    table, member = ragged(seed)
    if seed == 2:
        table = np.round(table)
    areas, influence = auc_table_naive(table, member)
    found = auc_of(table, member, ~member)
    assert found.value == pytest.approx(np.mean(areas))
    variance, freedom = variance_of_mean(np.array(areas), influence)
    assert variance == pytest.approx(variance_naive(areas, influence))
    sides = int(member.any(axis=0).sum()), int((~member).any(axis=0).sum())
    low, high = area_interval(np.mean(areas), variance, freedom, sides, 0.95)
    assert (found.low, found.high) == pytest.approx((float(low), float(high)))


def test_a_table_of_cells_alone_is_counted_once():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(50, 400)) / np.sqrt(400 * 399)
    variance, freedom = variance_of_mean(np.sqrt(400) * table.sum(axis=1) / 20, table)
    assert variance == pytest.approx(1 / (50 * 400), rel=0.4)
    assert freedom > 10


def test_decisions_are_scores_of_two_values():
    table, member = ragged(1)
    called = table > 0.5
    of_decisions = balanced_accuracy_of(called, member, ~member)
    of_scores = auc_of(called.astype(float), member, ~member)
    assert of_decisions.value == pytest.approx(of_scores.value)
    assert (of_decisions.low, of_decisions.high) == pytest.approx((of_scores.low, of_scores.high))


def test_known_balanced_accuracy_and_advantage():
    # correctness of methods section 14: members (1, 1, 1, 0), non-members (1, 0, 0, 0)
    called = np.array([[1, 1, 1, 0, 1, 0, 0, 0]], dtype=bool)
    member = np.arange(8)[None] < 4
    found = balanced_accuracy_of(called, member, ~member)
    assert found.value == 0.75
    (low, high), half = jeffreys(3, 4), 0.75
    assert found.low == pytest.approx(0.75 - np.sqrt(2) * (half - float(low)) / 2)
    assert found.high == pytest.approx(0.75 + np.sqrt(2) * (float(high) - half) / 2)
    advantage = advantage_of(found)
    assert (advantage.value, advantage.low) == pytest.approx((0.5, 2 * found.low - 1))
    assert str(advantage_of(not_estimable("no cut"))) == "not estimable (no cut)"


def test_a_rate_of_one_target_is_jeffreys_interval():
    among = np.arange(120)[None] < 100
    called = np.arange(120)[None] < 10
    low, high = jeffreys(10, 100)
    found = rate_of(called, among)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, float(low), float(high)))


def test_targets_that_say_the_same_are_no_more_samples():
    inside, outside = scores("normal", 1.0, 100, 100, np.random.default_rng(0))
    table, member = one_target(inside, outside)
    once = auc_of(table, member, ~member)
    thrice = auc_of(np.repeat(table, 3, 0), np.repeat(member, 3, 0), np.repeat(~member, 3, 0))
    assert width(thrice) == pytest.approx(width(once), rel=0.05)


def test_more_targets_narrow_and_moody_targets_widen():
    def interval(targets: int, mood: float) -> float:
        world = Targets(targets, 300, sample=0.2, leak=0.0, target=mood)
        table, member = world.draw(np.random.default_rng(0), 1.0)
        return width(auc_of(table, member, ~member))

    assert interval(20, 0.0) < 0.7 * interval(5, 0.0)
    assert interval(20, 1.0) > 2 * interval(20, 0.0)


def test_pairs_without_either_mark_are_not_looked_at():
    table, member = ragged(3)
    outside = ~member
    table[0, :5], member[0, :5], outside[0, :5] = np.nan, False, False
    found = auc_of(table, member, outside)
    expected = [auc(row[a], row[b]) for row, a, b in zip(table, member, outside, strict=True)]
    assert found.value == pytest.approx(np.mean(expected))


def test_order_does_not_matter():
    table, member = ragged(4)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(len(table)), rng.permutation(table.shape[1])
    plain = auc_of(table, member, ~member)
    table, member = table[rows][:, columns], member[rows][:, columns]
    mixed = auc_of(table, member, ~member)
    assert (mixed.value, mixed.low) == pytest.approx((plain.value, plain.low))


@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize(("inside", "outside"), [(1.0, 1.0), (2.0, 1.0), (1.0, 2.0)])
@pytest.mark.parametrize("targets", [1, 2])
def test_no_interval_has_zero_width(n: int, inside: float, outside: float, targets: int):
    table, member = one_target(np.full(n, inside), np.full(n, outside))
    table, member = np.repeat(table, targets, axis=0), np.repeat(member, targets, axis=0)
    called = table > 1.5
    for found in (
        auc_of(table, member, ~member),
        balanced_accuracy_of(called, member, ~member),
        rate_of(called, member),
    ):
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert width(found) > 0.5 / (n + 10)


def test_few_observations_give_wide_intervals_near_the_edge():
    certain = auc_from_steps(steps(np.ones(50), np.zeros(50)))
    assert certain.value == certain.high == 1.0
    assert 0.85 < certain.low < 0.95
    mirrored = auc_from_steps(steps(np.zeros(50), np.ones(50)))
    assert mirrored.high == pytest.approx(1 - certain.low)


def test_effective_size():
    assert effective_size(0.3, 0.3 * 0.7 / 50, np.inf, 9, 0.95) == pytest.approx(50)
    assert effective_size(0.0, 0.0, np.inf, 9, 0.95) == 9
    assert effective_size(0.3, 0.3 * 0.7 / 50, 3.0, 9, 0.95) < 25
