"""Rates over all pairs: values by counting, intervals by what samples and runs move together."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.evaluation.low_fpr import tpr_of
from pryproof.evaluation.pooled import pooled_auc, pooled_by_sample, pooled_cut, pooled_tpr
from pryproof.evaluation.scored import Scored, scored

RUNS, SAMPLES = 8, 30


def world(
    seed: int,
    *,
    runs: int = RUNS,
    samples: int = SAMPLES,
    leak: float = 0.0,
    by_sample: float = 0.0,
    by_run: float = 0.0,
) -> Scored:
    """Draw scores with effects of samples and runs on members, half of the runs with each."""
    draws = seeds.generator(seed, "pooled")
    inside = np.zeros((runs, samples), dtype=bool)
    inside[::2] = draws.random((runs // 2, samples)) < 0.5
    inside[1::2] = ~inside[::2]
    table = draws.normal(size=(runs, samples))
    gain = leak + by_sample * draws.normal(size=samples) + by_run * draws.normal(size=(runs, 1))
    return scored(table + gain * inside, inside)


def pairs(judged: Scored) -> tuple[list[float], list[float]]:
    inside, outside = [], []
    for t in range(len(judged)):
        for s in range(judged.scores.shape[1]):
            if judged.inside[t, s]:
                inside.append(float(judged.scores[t, s]))
            elif judged.outside[t, s]:
                outside.append(float(judged.scores[t, s]))
    return inside, outside


@pytest.mark.parametrize("leak", [0.0, 1.5])
def test_values_are_those_of_counting_every_pair(leak: float):
    judged = world(1, leak=leak)
    inside, outside = pairs(judged)
    wins = sum((a > b) + 0.5 * (a == b) for a in inside for b in outside)
    clusters = np.arange(RUNS)
    assert pooled_auc(judged, clusters).value == pytest.approx(wins / len(inside) / len(outside))
    for fpr in (0.01, 0.05, 0.3):
        allowed = int(fpr * len(outside) + 1e-6)
        best = max(
            sum(a >= cut for a in inside) / len(inside)
            for cut in [np.inf, *inside, *outside]
            if sum(b >= cut for b in outside) <= allowed
        )
        assert pooled_tpr(judged, clusters, fpr=fpr).value == pytest.approx(best)
        assert sum(b >= pooled_cut(judged, fpr) for b in outside) <= allowed


def test_too_few_pairs_are_not_estimable_and_one_cut_for_all_needs_fewer_samples():
    judged = world(2)
    clusters = np.arange(RUNS)
    found = pooled_tpr(judged, clusters, fpr=0.001)
    assert np.isnan(found.value)
    assert found.method == "a TPR at 0.001 FPR needs 1000 pairs without, there are 120"
    assert found.n == SAMPLES
    assert not np.isnan(pooled_tpr(judged, clusters, fpr=0.01).value)
    assert np.isnan(tpr_of(judged, fpr=0.01, seed=0).estimate.value)  # a cut for every run
    nothing = scored(np.full((2, 3), np.nan), np.ones((2, 3), dtype=bool))
    two = np.arange(2)
    for found in (
        pooled_auc(nothing, two),
        pooled_tpr(nothing, two, fpr=0.1),
        pooled_by_sample(nothing, two, fpr=0.1)["99"],
    ):
        assert np.isnan(found.value)
        assert "no run has a score" in found.method


def test_runs_of_one_cluster_do_not_count_as_several():
    judged = world(3, leak=1.0, by_run=1.0)
    twice = scored(np.repeat(judged.scores, 4, axis=0), np.repeat(judged.inside, 4, axis=0))
    clusters = np.arange(RUNS)
    for one, many, naive in (
        (
            pooled_auc(judged, clusters),
            pooled_auc(twice, np.repeat(clusters, 4)),
            pooled_auc(twice, np.arange(4 * RUNS)),
        ),
        (
            pooled_tpr(judged, clusters, fpr=0.1),
            pooled_tpr(twice, np.repeat(clusters, 4), fpr=0.1),
            pooled_tpr(twice, np.arange(4 * RUNS), fpr=0.1),
        ),
    ):
        assert many.value == pytest.approx(one.value)
        assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.15)
        assert naive.high - naive.low < 0.9 * (many.high - many.low)


WORLDS = {
    "nothing leaks": {},
    "all leak": {"leak": 1.0},
    "some leak": {"leak": 1.0, "by_sample": 1.5},
    "some runs leak": {"leak": 1.0, "by_run": 0.5},
}


@pytest.mark.parametrize("name", WORLDS)
def test_intervals_hold_the_mean_of_many_worlds(name: str):
    found = [world(seed, **WORLDS[name]) for seed in range(120)]
    clusters = np.arange(RUNS)
    for estimates in (
        [pooled_auc(each, clusters) for each in found],
        [pooled_tpr(each, clusters, fpr=0.1) for each in found],
    ):
        mean = float(np.mean([each.value for each in estimates]))
        held = np.mean([each.contains(mean) for each in estimates])
        assert held > 0.88  # of 95%, 120 worlds: 3.5 standard errors


def test_the_share_of_a_sample_is_over_the_clusters_that_trained_on_it():
    inside = np.tile([True, False], (8, 1))
    inside[4:] = ~inside[:4]
    inside = np.hstack([inside, inside[:, ::-1]])
    table = np.where(inside, 0.0, 1.0)
    table[0, 0] = table[1, 0] = 9.0  # sample 0 found in two of its four runs
    table[0, 3] = 9.0  # and sample 3 in one
    judged = scored(table, inside)
    found = pooled_by_sample(judged, np.arange(8), fpr=0.07, at_least=4)
    assert found["max"].value == 0.5
    assert found["50"].value == 0.125  # of 0.5, 0, 0 and 0.25
    assert found["max"].n == 4
    assert found["max"].low <= 0.5 <= found["max"].high
    in_pairs = pooled_by_sample(judged, np.arange(8) // 2, fpr=0.07, at_least=2)
    assert in_pairs["max"].value == 0.5  # both runs of one cluster of its two
    few = pooled_by_sample(judged, np.arange(8) // 2, fpr=0.07, at_least=3)["max"]
    assert np.isnan(few.value)
    assert "at least 3" in few.method


def test_what_has_no_variance_still_has_a_width():
    inside = world(5).inside
    judged = scored(np.where(inside, 5.0, 0.0), inside)
    clusters = np.arange(RUNS)
    area, rate = pooled_auc(judged, clusters), pooled_tpr(judged, clusters, fpr=0.05)
    assert (area.value, rate.value) == (1.0, 1.0)
    assert area.low < 0.99
    assert rate.low < 0.99
