import numpy as np
import pytest

from laws.world import world
from pryproof.attacks import ATTACKS
from pryproof.attacks.decisions import BY_HALVES, BY_REFERENCE, BY_RUNS, classes_of, decisions
from pryproof.attacks.evidence import evidence
from pryproof.attacks.shrinkage import fit_shrunk
from pryproof.attacks.threshold import fit
from pryproof.records import Evidence

FIRST = np.array([0])


def decided(name: str, seen: Evidence, targets=FIRST, reference: Evidence | None = None):
    attack = ATTACKS[name]
    scores = attack.score(seen, targets, reference=reference, options=attack.options)
    found = decisions(attack, seen, targets, scores, reference=reference, options=attack.options)
    return found, scores


def test_a_reference_sets_one_cut_a_class_for_all_targets():
    seen, reference = world(0, runs=4), world(1, runs=2)
    found, scores = decided("modified_entropy", seen, np.arange(4), reference)
    assert found.fitted_on == BY_REFERENCE
    apart = -reference.signals["log_mentropy"][:, 0]
    labels = np.broadcast_to(reference.labels, apart.shape)
    member = reference.member
    cuts = fit(apart[member], labels[member], apart[~member], labels[~member], classes=3)
    assert np.array_equal(found.thresholds, np.tile(cuts.per_class, (4, 1)))
    assert np.array_equal(found.called, scores >= cuts.per_class[seen.labels])


def test_shadow_attacks_need_a_reference_of_the_same_runs():
    seen = world(0, runs=6)
    same, other = world(1, runs=6), world(1, runs=4)
    assert decided("lira", seen, reference=same)[0].fitted_on == BY_REFERENCE
    assert decided("lira", seen, reference=other)[0].fitted_on == BY_HALVES


def test_other_runs_set_the_cut_where_scores_do_not_rest_on_the_target():
    seen = world(0, runs=4)
    found, scores = decided("confidence", seen)
    assert found.fitted_on == BY_RUNS
    changed = evidence({"phi": seen.signals["phi"][:, 0], "member": ~seen.member})
    assert found.called.shape == scores.shape == changed.member[:1].shape


def test_no_half_is_judged_by_its_own_cut():
    draws = np.random.default_rng(0)
    member = np.arange(4000) < 2000
    # scores that mean nothing, and a class for every eight samples: own cuts would read well
    seen = evidence(
        {"phi": draws.normal(size=4000), "member": member, "labels": np.arange(4000) % 500}
    )
    found, _ = decided("confidence", seen)
    assert found.fitted_on == BY_HALVES
    right = np.mean(found.called[0] == member)
    assert right == pytest.approx(0.5, abs=0.03)


def test_an_infinite_cut_is_reached_by_nobody_not_even_an_infinite_score():
    # members all lie below: the best cut of the only class is "nobody"
    p = np.concatenate([np.full(50, 0.1), np.full(50, 1.0)])
    reference = evidence({"p": p, "member": np.arange(100) < 50})
    found, scores = decided(
        "confidence", evidence({"p": p, "member": np.arange(100) < 50}), reference=reference
    )
    assert np.isposinf(scores).any()
    assert not found.called.any()


def test_without_a_side_there_is_no_cut_and_it_says_why():
    seen = evidence({"phi": np.arange(6.0), "member": np.ones(6, bool)})
    found, _ = decided("confidence", seen)
    assert found.called is None
    assert "needs members and non-members" in found.fitted_on
    assert np.isnan(found.thresholds).all()


def test_an_attack_has_a_cut_for_every_class_of_outputs_and_labels():
    seen = world(0)
    assert classes_of(ATTACKS["modified_entropy"], seen, None) == 3
    assert classes_of(ATTACKS["lira"], seen) == 1
    some = evidence({"phi": [1.0, 2.0], "member": [True, False], "labels": [0, 6]})
    assert classes_of(ATTACKS["confidence"], seen, some) == 7


def test_global_and_shrunk_cuts_have_the_scores_of_the_plain_attack():
    seen, reference = world(0, samples=400), world(1, samples=60, runs=2)
    plain, scores = decided("modified_entropy", seen, reference=reference)
    one, same = decided("modified_entropy/global", seen, reference=reference)
    shrunk, again = decided("modified_entropy/shrunk", seen, reference=reference)
    assert np.array_equal(scores, same)
    assert np.array_equal(scores, again)
    assert one.thresholds.shape == (1, 1)
    assert shrunk.thresholds.shape == plain.thresholds.shape
    known = -reference.signals["log_mentropy"][:, 0]
    labels, member = np.broadcast_to(reference.labels, known.shape), reference.member
    cuts = fit_shrunk(known[member], labels[member], known[~member], labels[~member], classes=3)
    assert np.array_equal(shrunk.thresholds[0], cuts.per_class)
    assert not np.array_equal(shrunk.thresholds, plain.thresholds)


def test_a_reference_that_the_attack_cannot_score_leaves_the_halves():
    # its non-members are the population, so it has none of its own to score it by
    seen, reference = (
        evidence({"phi": world(seed).signals["phi"][0, 0], "member": world(seed).member[0]})
        for seed in (0, 1)
    )
    found, _ = decided("population", seen, reference=reference)
    assert found.fitted_on == BY_HALVES
    assert found.called.any()
