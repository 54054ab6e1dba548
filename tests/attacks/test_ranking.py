import numpy as np
import pytest

from pryproof.attacks.ranking import Side, ranked, ranked_twice
from reference.threshold import at_or_above_naive


def world(seed: int, size: int, *, levels: int = 0, groups: int = 3, heavy: bool = False):
    rng = np.random.default_rng(seed)
    sides = []
    for shift in (0.7, 0.0):
        values = rng.normal(size=size) + shift
        if heavy:
            values = -np.exp(20 * values)
        if levels:
            values = np.round(values * levels) / levels
        sides.append(Side(values=values, groups=rng.integers(groups, size=size)))
    return sides


def test_counts_are_those_at_or_above_every_value():
    members, others = world(0, 40, levels=2)
    for found in (ranked(members, others, count=4), ranked_twice(members, others, count=4)[0]):
        assert len(found.values) == 80
        assert found.total_members.tolist() == np.bincount(members.groups, minlength=4).tolist()
        for k in range(80):
            group = found.groups[k]
            expected = at_or_above_naive(
                members.values[members.groups == group],
                others.values[others.groups == group],
                found.values[k],
            )
            assert (found.members[k], found.others[k]) == expected


def test_samples_are_named_by_group_and_falling_value():
    members, others = world(1, 50, levels=3)
    found = ranked(members, others, count=3)
    values = np.concatenate([members.values, others.values])
    groups = np.concatenate([members.groups, others.groups])
    assert np.array_equal(values[found.samples], found.values)
    assert np.array_equal(groups[found.samples], found.groups)
    assert sorted(found.samples) == list(range(100))
    step = np.diff(found.values) <= 0
    assert np.all(step | (np.diff(found.groups) > 0))
    runs = set(zip(found.groups.tolist(), found.values.tolist(), strict=True))
    assert found.last.sum() == len(runs)


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("levels", [0, 1, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_left_out_holds_no_best_cut(heavy, levels, dtype):
    members, others = (
        Side(values=side.values.astype(dtype), groups=side.groups)
        for side in world(2, 3000, levels=levels, heavy=heavy)
    )
    every = ranked(members, others, count=3, all_of_them=True)
    some, together = ranked_twice(members, others, count=3)
    assert len(every.values) == 6000
    assert len(some.values) < 3000 or levels == 1
    for kept, whole in (
        (some, every),
        (together, ranked(Side(values=members.values), Side(values=others.values), count=1)),
    ):
        gain = kept.members / kept.total_members[kept.groups]
        gain -= kept.others / kept.total_others[kept.groups]
        expected = whole.members / whole.total_members[whole.groups]
        expected -= whole.others / whole.total_others[whole.groups]
        for group in range(len(kept.total_members)):
            best = expected[whole.groups == group].max()
            mine = gain[kept.groups == group].max()
            assert mine == best
            winners = whole.values[(whole.groups == group) & (expected == best)]
            assert set(winners) == set(kept.values[(kept.groups == group) & (gain == mine)])


def test_the_next_lower_value_of_a_winner_is_kept():
    members, others = world(3, 5000, groups=2)
    some, every = (ranked(members, others, count=2, all_of_them=each) for each in (False, True))
    assert len(some.values) < len(every.values) / 2
    for group in range(2):
        values = some.values[some.groups == group]
        gain = (some.members - some.others / some.total_others[group] * some.total_members[group])[
            some.groups == group
        ]
        winner = values[np.argmax(gain)]
        everywhere = every.values[every.groups == group]
        assert values[values < winner].max() == everywhere[everywhere < winner].max()


def test_infinite_values_and_no_values():
    inf = np.inf
    values = np.concatenate([np.full(300, inf), np.arange(700.0), np.full(200, -inf)])
    sides = Side(values=values), Side(values=np.arange(700.0))
    assert ranked(*sides, count=1).members[0] == 300
    none = Side(values=np.zeros(0), groups=np.zeros(0, np.int64))
    found = ranked(none, none, count=3)
    assert len(found.values) == 0
    assert found.total_others.tolist() == [0, 0, 0]
    assert len(ranked(Side(values=np.full(500, inf)), sides[1], count=1).values) > 0
