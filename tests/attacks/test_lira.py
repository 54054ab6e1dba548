import numpy as np
import pytest

from pryproof.attacks.lira import lira, lira_offline
from pryproof.checks import DataError
from reference.lira import lira_naive, lira_offline_naive

# methods section 14: IN (3, 4, 5), OUT (1, 3, -1), target 3.5
PHI = np.array([[3.5], [3.0], [4.0], [5.0], [1.0], [3.0], [-1.0]])
MEMBER = np.array([[True], [True], [True], [True], [False], [False], [False]])


def test_known_online_score():
    # means 4 and 1, spreads 1 and 2 (freedom corrected): log 2 + 2.5**2 / 8 - 0.5**2 / 2
    expected = np.log(2) + 0.78125 - 0.125
    assert lira(PHI, MEMBER, np.arange(7))[0, 0] == pytest.approx(expected)


def test_known_offline_score():
    # (3.5 - 1) / 2; with the population's spread this is the golden 2.5 / 1.63299 = 1.53093
    score = lira_offline(PHI, MEMBER, np.arange(7))[0, 0]
    assert score == pytest.approx(1.25)
    assert score * np.sqrt(3 / 2) == pytest.approx(1.5309310892)


def world(seed: int, runs: int = 9, samples: int = 12):
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    group = rng.integers(5, size=runs)
    return rng.integers(-4, 5, size=(runs, samples)) / 2 + 2.0 * member, member, group


@pytest.mark.parametrize("seed", range(8))
def test_agree_with_the_naive_forms(seed: int):
    phi, member, group = world(seed)
    assert lira_offline(phi, member, group) == pytest.approx(
        np.array(lira_offline_naive(phi, member, group)), nan_ok=True
    )
    assert lira(phi, member, group) == pytest.approx(
        np.array(lira_naive(phi, member, group)), nan_ok=True
    )


def test_planted_leak_is_found_and_planted_null_is_not():
    rng = np.random.default_rng(5)
    runs, samples = 16, 400
    member = rng.random((runs, samples)) < 0.5
    difficulty = rng.normal(scale=5, size=samples)
    leaks = np.arange(samples) < samples // 2
    phi = difficulty + rng.normal(size=(runs, samples)) + 3.0 * (member & leaks)
    for attack in (lira, lira_offline):
        scores = attack(phi, member, np.arange(runs))
        for part, low, high in ((leaks, 0.93, 1.0), (~leaks, 0.46, 0.54)):
            inside = scores[:, part][member[:, part]]
            outside = scores[:, part][~member[:, part]]
            assert low < np.mean(inside[:, None] > outside[None]) < high


def test_twins_of_a_training_set_are_no_shadows():
    phi = np.array([[5.0], [4.9], [1.0], [2.0]])
    member = np.zeros((4, 1), bool)
    scores = lira_offline(phi, member, np.array([0, 0, 1, 1]))
    assert scores[0, 0] == pytest.approx((5.0 - 1.5) / np.sqrt(0.5))


def test_a_single_shadow_gives_differences_in_nats():
    phi = np.array([[5.0, 3.0], [1.0, 2.0]])
    scores = lira_offline(phi, np.zeros((2, 2), bool), np.arange(2))
    assert scores.tolist() == [[4.0, 1.0], [-4.0, -1.0]]


def test_shadows_that_all_agree_give_differences_in_nats():
    phi = np.array([[5.0], [1.0], [1.0]])
    assert lira_offline(phi, np.zeros((3, 1), bool), np.array([0, 1, 1]))[0, 0] == 4.0


def test_a_side_without_a_spread_borrows_the_other():
    phi = np.array([[3.0], [4.0], [1.0], [3.0]])
    member = np.array([[True], [True], [False], [False]])
    scores = lira(phi, member, np.arange(4))
    # IN: one run at 4; OUT: mean 2, variance 2 for both sides
    assert scores[0, 0] == pytest.approx(((3 - 2) ** 2 - (3 - 4) ** 2) / 4)


def test_a_sample_all_others_trained_on_is_not_measured():
    phi = np.arange(6.0).reshape(3, 2)
    member = np.array([[False, False], [True, False], [True, False]])
    scores = lira_offline(phi, member, np.arange(3))
    assert np.isnan(scores[0, 0])
    assert np.isfinite(scores[:, 1]).all()


def test_refusals():
    phi, member = np.zeros((2, 3)), np.zeros((2, 3), bool)
    with pytest.raises(DataError, match=r"run 0.*different groups"):
        lira_offline(phi, member, np.zeros(2, np.int64))
    with pytest.raises(DataError, match=r"both with and without"):
        lira(phi, member, np.arange(2))
    phi[1, 2] = np.nan
    with pytest.raises(DataError, match=r"run 1, sample 2"):
        lira_offline(phi, member, np.arange(2))
