"""LiRA on canaries: the formula pair by pair, a null that finds nothing, a leak that is found."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.data.canaries import halves as drawn
from pryproof.evaluation.pooled import pooled_auc
from pryproof.evaluation.scored import scored
from pryproof.pipeline.canary_lira import (
    ALL,
    dealt_anew,
    judge_row,
    lira_on_canaries,
    null_auc,
)
from pryproof.records import Estimate

KINDS = {"clean": slice(0, 12), "mislabelled": slice(12, 20)}
CANARIES, COUNT, RUNS = 20, 8, 2
HALF = np.repeat(np.arange(COUNT), RUNS)
INSIDE = drawn(np.repeat([0, 1], [12, 8]), COUNT, seed=0)


def said(seed: int, *, leak: float = 0.0, road: float = 0.0) -> np.ndarray:
    """Return phi: how hard a canary is, what a half's road adds, noise, and what members gain."""
    draws = seeds.generator(seed, "said")
    hard = 2 * draws.normal(size=CANARIES)
    of_half = road * draws.normal(size=(COUNT, CANARIES))[HALF]
    gain = np.zeros(CANARIES)
    gain[KINDS["mislabelled"]] = leak
    return hard + of_half + draws.normal(size=(len(HALF), CANARIES)) + gain * INSIDE[HALF]


def naive(phi: np.ndarray, halves: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return log densities within less without, by loops; one spread a side for each judged run."""
    scores = np.full(phi.shape, np.nan)
    for t in range(len(phi)):
        sides: dict[bool, list[list[float]]] = {True: [], False: []}
        for c in range(phi.shape[1]):
            for within in (True, False):
                sides[within].append(
                    [
                        float(phi[r, c])
                        for r in range(len(phi))
                        if half[r] // 2 != half[t] // 2 and halves[half[r], c] == within
                    ]
                )
        spreads = {}
        for within, values in sides.items():
            squares = sum(sum((x - np.mean(own)) ** 2 for x in own) for own in values)
            spreads[within] = np.sqrt(squares / sum(len(own) - 1 for own in values))
        for c in range(phi.shape[1]):
            logs = {
                within: -(((phi[t, c] - np.mean(sides[within][c])) / spreads[within]) ** 2) / 2
                - np.log(spreads[within])
                for within in (True, False)
            }
            scores[t, c] = logs[True] - logs[False]
    return scores


def test_scores_are_the_ratios_of_both_sides_of_other_pairs():
    phi = said(1, leak=2.0)
    np.testing.assert_allclose(lira_on_canaries(phi, INSIDE, HALF), naive(phi, INSIDE, HALF))


def test_no_run_of_the_judged_half_or_of_its_pair_is_used():
    phi = said(2, leak=1.0)
    before = lira_on_canaries(phi, INSIDE, HALF)
    for judged in (0, 5, 14):
        changed = phi.copy()
        others = (HALF[judged] // 2 == HALF // 2) & (np.arange(len(HALF)) != judged)
        changed[others] += 50 * seeds.generator(0, "other").normal(size=(others.sum(), CANARIES))
        after = lira_on_canaries(changed, INSIDE, HALF)
        np.testing.assert_allclose(after[judged], before[judged])
        rest = HALF[judged] // 2 != HALF // 2
        assert not np.allclose(after[rest], before[rest])


def test_a_run_does_not_know_its_own_membership():
    phi = said(3, leak=1.0)
    before = lira_on_canaries(phi, INSIDE, HALF)
    flipped = INSIDE.copy()
    flipped[4:6] = ~flipped[4:6]
    after = lira_on_canaries(phi, flipped, HALF)
    own = HALF // 2 == 2
    np.testing.assert_allclose(after[own], before[own])
    assert not np.allclose(after[~own], before[~own])


def area(phi: np.ndarray) -> Estimate:
    judged = scored(lira_on_canaries(phi, INSIDE, HALF), INSIDE[HALF])
    return pooled_auc(judged, HALF)


def test_where_roads_differ_and_nothing_leaks_the_attack_finds_nothing():
    # a half's road moves all its runs alike: with the half's other run among the shadows this
    # would look like a leak; and without its counterpart left out too, like the reverse of one
    areas = [area(said(seed, road=3.0)).value for seed in range(60)]
    assert np.mean(areas) == pytest.approx(0.5, abs=4 * np.std(areas) / np.sqrt(60))
    assert np.std(areas) < 0.1


def test_a_null_interval_holds_chance_about_as_often_as_it_says():
    held = [area(said(seed, road=1.0)).contains(0.5) for seed in range(80)]
    assert np.mean(held) >= 0.88


def test_a_planted_leak_is_found_in_its_kind_and_in_no_other():
    found, scores = judge_row(said(4, leak=6.0), INSIDE, HALF, KINDS)
    assert scores.shape == (COUNT * RUNS, CANARIES)
    kinds = found["kinds"]
    assert set(kinds) == {"clean", "mislabelled", ALL}
    assert kinds["mislabelled"]["auc"]["low"] > 0.6
    assert kinds["clean"]["auc"]["low"] < 0.5 < kinds["clean"]["auc"]["high"]
    assert (kinds["clean"]["canaries"], kinds[ALL]["canaries"]) == (12, 20)
    assert kinds["mislabelled"]["tpr"]["0.05"]["value"] > 0.9
    assert np.isnan(kinds["clean"]["tpr"]["0.01"]["value"])  # 96 pairs without
    assert kinds[ALL]["tpr"]["0.01"]["value"] > 0.2
    assert kinds[ALL]["by_canary"]["max"]["value"] == 1.0
    assert kinds[ALL]["by_canary"]["50"]["value"] < 0.2


def test_the_strongest_kind_pays_for_having_been_chosen():
    larger = {name: slice(at, at + 50) for name, at in (("clean", 0), ("mislabelled", 50))}
    inside = drawn(np.repeat([0, 1], 50), COUNT, seed=1)
    draws = seeds.generator(9, "strongest")
    gain = np.where(np.arange(100) < 50, 0.0, 3.0)
    phi = draws.normal(size=(COUNT, 100)) + gain * inside
    found, _ = judge_row(phi, inside, np.arange(COUNT), larger)
    own = found["kinds"]["mislabelled"]["tpr"]["0.01"]
    worst = found["strongest"]["tpr"]
    assert found["strongest"]["kind"] == "mislabelled"
    assert worst["value"] == own["value"]
    assert worst["low"] < own["low"]
    assert worst["high"] > own["high"]
    assert worst["method"] == "largest of 2 kinds, each at 97.50%"


def test_dealt_anew_the_same_runs_give_nothing_away():
    dealt = dealt_anew(INSIDE, seed=3)
    assert (dealt.sum(axis=0) == COUNT // 2).all()
    assert (dealt[::2] ^ dealt[1::2]).all()
    assert 0.2 < (dealt != INSIDE).mean() < 0.8
    held = [
        null_auc(said(5, leak=6.0), INSIDE, HALF, seed=seed, confidence=0.95).contains(0.5)
        for seed in range(40)
    ]
    assert np.mean(held) >= 0.85


def test_a_lost_half_leaves_the_rest_to_judge():
    left = HALF != 3
    phi, half = said(6, leak=6.0)[left], HALF[left]
    found, scores = judge_row(phi, INSIDE, half, KINDS)
    assert np.isfinite(scores).all()  # its pair can still be judged by the others
    assert found["kinds"]["mislabelled"]["auc"]["low"] > 0.6


def test_of_two_pairs_without_one_half_only_its_other_half_can_be_judged():
    half = np.array([0, 1, 2])
    phi, inside = said(7)[:3], INSIDE[:4]
    scores = lira_on_canaries(phi, inside, half)
    assert np.isfinite(scores[2]).all()
    assert np.isnan(scores[:2]).all()
    nothing = lira_on_canaries(phi[:2], inside, half[:2])
    assert np.isnan(nothing).all()
    null = null_auc(phi[:2], inside, half[:2], seed=0, confidence=0.95)
    assert np.isnan(null.value)
    found, _ = judge_row(phi[:2], inside, half[:2], KINDS)
    assert found["strongest"]["kind"] is None
