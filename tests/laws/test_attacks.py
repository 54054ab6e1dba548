"""What holds for every attack, whatever it computes."""

from collections.abc import Callable

import numpy as np
import pytest

from pryproof.attacks import THRESHOLD_ATTACKS
from pryproof.attacks.lira import lira, lira_offline
from pryproof.attacks.signals import signals
from pryproof.attacks.threshold import fit
from pryproof.evaluation.roc import auc
from reference.roc import auc_naive

Attack = Callable[..., np.ndarray]

one_run = pytest.mark.parametrize("attack", THRESHOLD_ATTACKS.values(), ids=THRESHOLD_ATTACKS)
# what the pipeline calls on plain arrays; the entries of ATTACKS are in test_every_attack
many_runs = pytest.mark.parametrize("attack", [lira, lira_offline])


def predictions(seed: int = 0, samples: int = 60, margin: float = 2.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=samples)
    logits = rng.normal(size=(samples, 4))
    logits[np.arange(samples), labels] += margin
    return logits, labels


def world(seed: int = 0, runs: int = 8, samples: int = 20):
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    return rng.normal(size=(runs, samples)) + member, member, np.arange(runs) // 2


@one_run
def test_permuting_samples_permutes_scores(attack: Attack):
    logits, labels = predictions()
    order = np.random.default_rng(1).permutation(len(labels))
    whole = attack(signals(logits, labels))
    assert np.array_equal(attack(signals(logits[order], labels[order])), whole[order])


@one_run
def test_signals_stay_as_they_were(attack: Attack):
    said = signals(*predictions())
    before = {name: values.copy() for name, values in said.items()}
    attack(said)[:] = -99.0  # nor may the answer be a view of them
    assert all(np.array_equal(said[name], values) for name, values in before.items())


@one_run
def test_a_planted_leak_is_found_and_a_null_is_not(attack: Attack):
    inside = attack(signals(*predictions(1, 3000, margin=4.0)))
    outside, stranger = (attack(signals(*predictions(seed, 3000, margin=1.0))) for seed in (2, 3))
    assert auc(inside, outside) > 0.6
    assert auc(stranger, outside) == pytest.approx(0.5, abs=0.03)


@one_run
def test_a_monotone_map_leaves_the_auc(attack: Attack):
    inside, outside = attack(signals(*predictions(1))), attack(signals(*predictions(2)))
    expected = auc_naive(inside, outside)
    assert auc(inside, outside) == pytest.approx(expected)
    assert auc(np.arctan(inside / 9), np.arctan(outside / 9)) == pytest.approx(expected)


@one_run
def test_thresholds_do_not_depend_on_the_order_of_samples(attack: Attack):
    (logits, labels), (others, their_labels) = predictions(1), predictions(2)
    inside, outside = attack(signals(logits, labels)), attack(signals(others, their_labels))
    order = np.random.default_rng(3).permutation(len(labels))
    plain = fit(inside, labels, outside, their_labels, classes=4)
    mixed = fit(inside[order], labels[order], outside[order], their_labels[order], classes=4)
    assert np.array_equal(plain.per_class, mixed.per_class)


@many_runs
def test_permuting_samples_or_runs_permutes_scores(attack: Attack):
    phi, member, group = world()
    rng = np.random.default_rng(1)
    runs, samples = rng.permutation(len(phi)), rng.permutation(phi.shape[1])
    whole = attack(phi, member, group)
    mixed = attack(phi[runs][:, samples], member[runs][:, samples], group[runs])
    assert mixed == pytest.approx(whole[runs][:, samples], nan_ok=True)


@many_runs
def test_a_runs_own_row_of_membership_never_enters_its_scores(attack: Attack):
    phi, member, group = world()
    whole = attack(phi, member, group)
    for run in range(len(phi)):
        flipped = member.copy()
        flipped[run] = ~flipped[run]
        assert np.array_equal(attack(phi, flipped, group)[run], whole[run], equal_nan=True)


@many_runs
def test_groups_are_names_not_numbers(attack: Attack):
    phi, member, group = world()
    renamed = attack(phi, member, 7 - 3 * group)
    assert np.array_equal(renamed, attack(phi, member, group), equal_nan=True)


@many_runs
def test_arguments_stay_as_they_were(attack: Attack):
    arguments = world()
    before = [each.copy() for each in arguments]
    attack(*arguments)
    assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))


@many_runs
def test_the_unit_and_the_zero_of_phi_do_not_matter(attack: Attack):
    phi, member, group = world()
    plain, mapped = attack(phi, member, group), attack(3.0 * phi + 7.0, member, group)
    assert mapped == pytest.approx(plain, nan_ok=True)
