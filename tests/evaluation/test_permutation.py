from functools import partial

import numpy as np
import pytest

from pryproof.attacks.threshold import decide, fit
from pryproof.evaluation.permutation import best_cut, oracle
from pryproof.evaluation.scored import scored
from reference.threshold import best_balanced_accuracy_naive

CLASSES = 100


def per_class(scores: np.ndarray, labels: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Fit each class's own cut on the samples it then judges."""
    cuts = fit(
        scores[member],
        labels[member],
        scores[~member],
        labels[~member],
        classes=int(labels.max()) + 1,
    )
    return decide(scores, labels, cuts)


def separate(scores: np.ndarray, labels: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Fit on one half, judge the other."""
    half = np.arange(len(scores)) % 2 == 0
    called = np.zeros(len(scores), dtype=bool)
    for known, judged in ((half, ~half), (~half, half)):
        inside, outside = known & member, known & ~member
        cuts = fit(
            scores[inside], labels[inside], scores[outside], labels[outside], classes=CLASSES
        )
        called[judged] = decide(scores[judged], labels[judged], cuts)
    return called


def null_world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """500 members and 50 non-members in each of 100 classes, and nothing to find."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(CLASSES), 550)
    table = rng.normal(size=(1, len(labels))) + 0.1 * labels
    return table, np.arange(len(labels))[None] < 500 * CLASSES, labels


def test_no_leak_reads_543_with_cuts_of_their_own():
    table, member, labels = null_world()
    found, chance = oracle(scored(table, member), labels, refit=per_class, shuffles=5, seed=0)
    assert chance.value == pytest.approx(0.543, abs=0.01)
    assert found.value == pytest.approx(chance.value, abs=0.01)
    assert chance.low <= found.value <= chance.high
    assert "upper bound" in found.method


def test_no_leak_reads_half_with_a_separate_fit():
    table, member, labels = null_world()
    found, chance = oracle(scored(table, member), labels, refit=separate, shuffles=3, seed=0)
    assert found.contains(0.5)
    assert chance.value == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("levels", [3, 1000])
def test_the_one_cut_is_the_best_of_all(levels: int):
    rng = np.random.default_rng(levels)
    table, member = rng.integers(levels, size=(1, 80)) * 1.0, rng.random((1, 80)) < 0.4
    found, _ = oracle(scored(table, member), seed=0)
    inside, outside = table[member], table[~member]
    assert found.value == pytest.approx(best_balanced_accuracy_naive(inside, outside))
    called = best_cut(table[0], np.zeros(80, dtype=np.int64), member[0])
    assert (called[member[0]].mean() + 1 - called[~member[0]].mean()) / 2 == pytest.approx(
        found.value
    )


def test_the_short_way_to_shuffle_one_cut_is_the_long_one():
    rng = np.random.default_rng(0)
    table, member = np.round(rng.normal(size=(1, 200)), 1), np.arange(200)[None] < 80
    _, short = oracle(scored(table, member), shuffles=200, seed=0)
    _, long = oracle(scored(table, member), shuffles=200, seed=0, refit=partial(best_cut))
    assert short.value == pytest.approx(long.value, abs=0.005)
    assert short.high == pytest.approx(long.high, abs=0.01)


def test_membership_is_shuffled_within_classes():
    labels = np.repeat([0, 1], 50)
    member = np.repeat([True, False], 50)[None]  # the class says it all, and a shuffle keeps it
    seen = []

    def spy(scores: np.ndarray, labels: np.ndarray, member: np.ndarray) -> np.ndarray:
        seen.append(member.copy())
        return member

    table = np.random.default_rng(0).normal(size=(1, 100))
    oracle(scored(table, member), labels, refit=spy, shuffles=3, seed=0)
    assert all(np.array_equal(each, member[0]) for each in seen)
    member = np.tile([True, False], 50)[None]
    oracle(scored(table, member), labels, refit=spy, shuffles=3, seed=0)
    assert not np.array_equal(seen[-1], member[0])
    assert seen[-1][:50].sum() == seen[-1][50:].sum() == 25


def test_a_leak_stands_above_its_chance():
    rng = np.random.default_rng(0)
    member = rng.random((3, 400)) < 0.5
    found, chance = oracle(scored(rng.normal(size=(3, 400)) + member, member), seed=0)
    assert found.low > chance.high


@pytest.mark.parametrize("inside", [1.0, np.inf, 0.0])
def test_ties_and_infinities(inside: float):
    table = np.concatenate([np.full(20, inside), np.ones(20)])[None]
    found, chance = oracle(scored(table, np.arange(40)[None] < 20), seed=0)
    assert found.value == (1.0 if inside > 1 else 0.5)
    assert chance.low < chance.value < chance.high


def test_one_sided_data_are_not_estimable():
    found, chance = oracle(scored(np.zeros((1, 3)), np.ones((1, 3), dtype=bool)), seed=0)
    assert str(found) == str(chance) == "not estimable (no members or no non-members)"
