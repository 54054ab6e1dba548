import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.evaluation.scored import scored


def test_pairs_without_a_score_are_left_out_and_counted():
    table = np.array([[3.0, np.nan, 1.0, 2.0], [0.0, 1.0, np.nan, np.nan]])
    member = np.array([[True, True, False, False], [True, False, True, False]])
    found = scored(table, member)
    assert found.left_out == 3
    assert [each.members for each in found.counts] == [1, 1]
    assert [each.nonmembers for each in found.counts] == [2, 1]
    assert found.inside.tolist() == [[True, False, False, False], [True, False, False, False]]


def test_one_sided_targets_are_left_out():
    member = np.array([[True, True], [True, False], [False, False]])
    found = scored(np.zeros((3, 2)), member)
    assert found.targets.tolist() == [1]
    assert len(found) == len(found.scores) == 1


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (1, 1)])
def test_too_little_is_nothing(shape: tuple[int, int]):
    found = scored(np.zeros(shape), np.zeros(shape, dtype=bool))
    assert len(found) == 0


def test_float32_scores_keep_their_order():
    table = np.array([[0.1, 0.2, 0.3]], dtype=np.float32)
    found = scored(table, np.array([[False, True, True]]))
    assert found.counts[0].hits.tolist() == [0, 1, 2, 2]


def test_arguments_stay_as_they_were():
    table, member = np.array([[3.0, np.nan, 1.0]]), np.array([[True, True, False]])
    before = table.copy(), member.copy()
    found = scored(table, member)
    assert np.array_equal(table, before[0], equal_nan=True)
    assert np.array_equal(member, before[1])
    assert not found.scores.flags.writeable or found.scores is not table


def test_refusals():
    with pytest.raises(DataError, match=r"one shape, got \[1, 3\] and \[1, 4\]"):
        scored(np.zeros((1, 3)), np.zeros((1, 4), dtype=bool))
