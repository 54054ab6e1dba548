import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.nonmembers import Public
from pryproof.attacks.quantile import TABLE, quantile_attack
from pryproof.checks import DataError
from reference.quantile import quantile_attack_naive

ATTACK = TABLE["quantile"]


def public(phi, labels=None, features=None) -> Public:
    return Public(phi=np.asarray(phi), labels=labels, features=features)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_naive_form(seed: int):
    rng = np.random.default_rng(seed)
    # class 0 is common, 1 all alike, 2 rare, 3 never seen
    theirs = np.repeat([0, 1, 2], [70, 30, 5])
    strangers = np.where(theirs == 1, 2.0, rng.normal(size=105))
    labels, phi = rng.integers(4, size=40), rng.normal(size=40)
    found = quantile_attack(public(phi, labels), public(strangers, theirs))
    assert found == pytest.approx(quantile_attack_naive(phi, labels, strangers, theirs))
    none = np.zeros(105, int)
    found = quantile_attack(public(phi, labels), public(strangers))
    assert found == pytest.approx(quantile_attack_naive(phi, none[:40], strangers, none))


def test_where_there_is_no_spread_the_unit_is_nats():
    found = quantile_attack(public([5.0, 1.0]), public(np.full(20, 2.0)))
    assert found.tolist() == [3.0, -1.0]


def drawn(rng, size: int):
    """Return phi whose location and spread follow two features, and labels that shift it."""
    features, labels = rng.normal(size=(size, 2)), rng.integers(2, size=size)
    spread = np.exp(0.5 * features[:, 1])
    phi = 1 + 2 * features[:, 0] - features[:, 1] + 3 * labels + spread * rng.normal(size=size)
    return phi, labels, features


def test_features_tell_location_and_spread():
    rng = np.random.default_rng(5)
    fitted, (phi, labels, features) = public(*drawn(rng, 6000)), drawn(rng, 2000)
    found = quantile_attack(public(phi, labels, features), fitted)
    middle = 1 + 2 * features[:, 0] - features[:, 1] + 3 * labels
    truth = (phi - middle) / (1.2816 * np.exp(0.5 * features[:, 1]))
    assert np.median(np.abs(found - truth)) < 0.05
    # calibrated in every part of the feature space
    for part in (features[:, 1] < -0.5, features[:, 1] > 0.5, labels == 0, labels == 1):
        assert np.mean(found[part] > 1) == pytest.approx(0.1, abs=0.03)
        assert np.mean(found[part] > 0) == pytest.approx(0.5, abs=0.05)
    assert np.array_equal(found, quantile_attack(public(phi, labels, features), fitted))


def test_features_find_a_leak_that_phi_alone_hides():
    rng = np.random.default_rng(6)
    fitted, (phi, labels, features) = public(*drawn(rng, 2000)), drawn(rng, 2000)
    member = np.arange(2000) < 1000
    phi = phi + 2 * member
    scores = quantile_attack(public(phi, labels, features), fitted)
    plain = quantile_attack(public(phi, labels), public(fitted.phi, fitted.labels))
    wins = [np.mean(each[:1000, None] > each[None, 1000:]) for each in (scores, plain)]
    assert wins[0] > wins[1] + 0.05


def test_spreads_do_not_extrapolate():
    rng = np.random.default_rng(7)
    phi, labels, features = drawn(rng, 500)
    far = public(np.array([0.0]), np.array([0]), np.array([[0.0, -2000.0]]))
    assert np.isfinite(quantile_attack(far, public(phi, labels, features))).all()


def test_a_few_infinite_values_are_the_largest():
    strangers = np.arange(101.0)
    endless = strangers.copy()
    endless[[0, 100]] = [-np.inf, np.inf]
    judged = public([50.0, np.inf, -np.inf])
    found = quantile_attack(judged, public(endless))
    assert found.tolist() == [0.0, np.inf, -np.inf]


def score(arrays: dict, reference: dict | None = None):
    seen = evidence(arrays)
    apart = None if reference is None else evidence(reference)
    every = np.arange(len(seen.member))
    return ATTACK.score(seen, every, reference=apart, options={})


def world(seed: int, runs: int = 3, samples: int = 90):
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    return rng.normal(size=(runs, samples)) + 2.0 * member, member, rng.normal(size=(runs, 60))


def naive(phi, strangers):
    return quantile_attack_naive(phi, [0] * len(phi), strangers, [0] * len(strangers))


def test_the_population_comes_first_then_the_reference_then_other_runs():
    phi, member, population = world(0)
    own = [naive(phi[run], population[run]) for run in range(3)]
    assert score({"phi": phi, "member": member, "population_phi": population}) == pytest.approx(
        np.array(own)
    )
    # as many runs: row r is run r; samples that a row trained on are left out
    reference = {
        "phi": np.hstack([population, 9 + population]),
        "member": np.hstack([np.zeros((3, 60), bool), np.ones((3, 60), bool)]),
    }
    assert score({"phi": phi, "member": member}, reference) == pytest.approx(np.array(own))
    # another number of runs: all their non-members
    theirs = {"phi": phi[:2], "member": member[:2]}
    expected = [naive(row, phi[:2][~member[:2]]) for row in phi]
    assert score({"phi": phi, "member": member}, theirs) == pytest.approx(np.array(expected))
    others = [[s for s in range(3) if s != run] for run in range(3)]
    expected = [naive(phi[r], phi[s][~member[s]]) for r, s in enumerate(others)]
    assert score({"phi": phi, "member": member}) == pytest.approx(np.array(expected))


def test_features_are_never_left_out_for_a_population_without_them():
    rng = np.random.default_rng(1)
    phi, labels, features = drawn(rng, 200)
    member = rng.random((2, 200)) < 0.5
    given = {"phi": np.stack([phi, phi]), "labels": labels, "member": member}
    expected = [
        quantile_attack(
            public(phi, labels, features),
            public(phi[~row], labels[~row], features[~row]),
        )
        for row in member[::-1]
    ]
    found = score({**given, "features": features, "population_phi": np.zeros((2, 50))})
    assert found == pytest.approx(np.array(expected))


def test_queries_are_averaged_and_one_run_is_judged_by_its_other_half():
    phi, member, _ = world(2, runs=1, samples=200)
    queries = np.stack([phi - 1, phi + 1], axis=1)
    found = score({"phi": queries, "member": member})[0]
    assert np.mean(found[member[0], None] > found[None, ~member[0]]) > 0.85


def test_the_own_membership_never_enters():
    phi, member, _ = world(3)
    flipped = member.copy()
    flipped[1] = ~flipped[1]
    whole, other = (score({"phi": phi, "member": each})[1] for each in (member, flipped))
    assert np.array_equal(whole, other)


def test_refusals():
    phi, member, population = world(4)
    with pytest.raises(DataError, match=r"at least 20 known non-members.*got 19"):
        quantile_attack(public(phi[0]), public(phi[0, :19]))
    endless = population.copy()
    endless[:, :7] = np.inf
    with pytest.raises(DataError, match=r"got 60, and 7 without a finite one.*logits"):
        score({"phi": phi, "member": member, "population_phi": endless})
    features = np.ones((90, 2))
    features[3, 1] = np.nan
    with pytest.raises(DataError, match=r"features must be finite"):
        score({"phi": phi, "member": member, "features": features})
    with pytest.raises(DataError, match=r"got 1 and 2"):
        quantile_attack(
            public(phi[0], None, np.ones((90, 2))), public(phi[0], None, np.ones((90, 1)))
        )
