"""What holds for every entry of ``ATTACKS``, whatever it computes."""

import numpy as np
import pytest

from laws.world import RUNS, flipped, picked, reordered, world
from pryproof.attacks import ATTACKS
from pryproof.evaluation.roc import auc, tpr_at_fpr
from pryproof.records import Evidence

EVERY = np.arange(RUNS)
# the peers whose scores depend on the order of the runs, as their entries say
BY_ORDER = ("carlini_2022", "amulet", "privacy_meter")
# attacks on several queries a sample; LeakPro's take one
MANY_QUERIES = ("label_only", "augmentation_aware")
# what tells members apart by nothing but the label's rank, the loss's course or the wrong side
WEAK = {
    "rmia@leakpro": 0.55,
    "entropy": 0.55,
    "label_only": 0.55,
    "correctness": 0.55,
    "in_": 0.0,
    "out_": 0.0,
}

every = pytest.mark.parametrize("name", sorted(ATTACKS))


def seen(name: str, seed: int = 0, **more) -> Evidence:
    return world(seed, queries=2 if name in MANY_QUERIES else 1, **more)


def scores(name: str, evidence: Evidence, targets: np.ndarray = EVERY) -> np.ndarray:
    attack = ATTACKS[name]
    return attack.score(evidence, targets, reference=None, options=attack.options)


@every
def test_scores_are_one_float64_a_target_and_sample_and_the_same_each_time(name):
    found = scores(name, seen(name))
    assert found.shape == (RUNS, 48)
    assert found.dtype == np.float64
    assert np.array_equal(found, scores(name, seen(name)), equal_nan=True)
    assert np.isfinite(found).mean() > 0.9


@every
def test_targets_are_answered_in_their_order(name):
    evidence = seen(name)
    some = scores(name, evidence, np.array([5, 2]))
    assert some == pytest.approx(scores(name, evidence)[[5, 2]], rel=1e-9, abs=1e-12, nan_ok=True)


@every
def test_permuting_samples_permutes_scores(name):
    evidence = seen(name)
    order = np.random.default_rng(1).permutation(48)
    mixed = scores(name, picked(evidence, order))
    assert mixed == pytest.approx(scores(name, evidence)[:, order], rel=1e-9, abs=1e-9, nan_ok=True)


@every
def test_permuting_runs_permutes_scores(name):
    if any(peer in name for peer in BY_ORDER):
        assert "order" in ATTACKS[name].differs or "pair" in ATTACKS[name].differs
        return
    evidence = seen(name)
    order = np.random.default_rng(1).permutation(RUNS)
    mixed = scores(name, reordered(evidence, order))
    assert mixed == pytest.approx(scores(name, evidence)[order], rel=1e-9, abs=1e-9, nan_ok=True)


@every
@pytest.mark.parametrize("run", [0, 5])
def test_a_runs_own_row_of_membership_never_enters_its_scores(name, run):
    evidence = seen(name)
    own = np.array([run])
    there, gone = scores(name, evidence, own), scores(name, flipped(evidence, run), own)
    assert np.array_equal(there, gone, equal_nan=True)


def mean_auc(name: str, evidence: Evidence) -> float:
    found = scores(name, evidence)
    aucs = []
    for row, member in zip(found, evidence.member, strict=True):
        measured = ~np.isnan(row)
        aucs.append(auc(row[measured & member], row[measured & ~member]))
    return float(np.mean(aucs))


@every
def test_a_planted_leak_is_found_and_a_planted_null_is_not(name):
    least = next((low for part, low in WEAK.items() if part in name), 0.65)
    assert mean_auc(name, seen(name, 1, samples=400, leak=3.0)) > least
    # a spread from three runs is worse than one from four, and a member has three beside its own:
    # spreads per sample read below chance
    assert 0.4 < mean_auc(name, seen(name, 2, samples=400, leak=0.0)) < 0.56


@every
def test_the_design_alone_gives_nothing_away_at_a_low_false_positive_rate(name):
    # each sample is in half of the runs, so the others of a target know its membership by counting
    evidence = seen(name, 3, samples=1000, leak=0.0)
    found = scores(name, evidence)
    rates = []
    for row, member in zip(found, evidence.member, strict=True):
        measured = ~np.isnan(row)
        rates.append(tpr_at_fpr(row[measured & member], row[measured & ~member], 0.05).tpr)
    assert np.mean(rates) < 0.09


@every
def test_every_attack_says_where_it_comes_from(name):
    attack = ATTACKS[name]
    assert attack.source
    assert attack.differs or "@" not in name
