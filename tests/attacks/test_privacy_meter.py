import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.privacy_meter import COLUMNS, TABLE, privacy_meter_rmia, tuned_offline_a
from pryproof.checks import ConfigurationError, DataError
from reference.privacy_meter import privacy_meter_naive, tuned_naive

ATTACK = TABLE["rmia@privacy_meter"]


def world(seed: int, kind=np.float64, *, runs: int = 8, samples: int = 25, strangers: int = 30):
    rng = np.random.default_rng(seed)
    member = np.zeros((runs, samples), bool)
    for run in range(0, runs, 2):
        member[run] = rng.random(samples) < 0.5
        member[run + 1] = ~member[run]
    p = (rng.random((runs, samples)) ** 2 * 0.7 + 0.3 * member).astype(kind)
    return p, member, rng.random((runs, strangers)).astype(kind)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("references", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_naive_form(seed, references, kind):
    p, member, population = world(seed, kind)
    for run in (0, 3, 6):
        given = {"population": population, "references": references}
        found = privacy_meter_rmia(p, member, run, offline_a=0.3, **given)
        assert found.tolist() == privacy_meter_naive(p, member, run, a=0.3, **given)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_offline_a_is_tuned_on_the_pair(kind):
    p, member, population = world(7, kind, samples=40)
    chosen = set()
    for run in range(len(p)):
        a = tuned_offline_a(p, member, run, population=population)
        assert a == tuned_naive(p, member, run, population=population)
        given = {"population": population, "references": 3}
        # the tuned number is of 64 bits and takes the ratios there
        assert privacy_meter_rmia(p, member, run, **given).tolist() == privacy_meter_naive(
            p, member, run, a=np.float64(a), **given
        )
        chosen.add(float(a))
    assert len(chosen) > 1


def test_the_largest_values_are_kept_whoever_they_belong_to():
    # no pair shares out the sample: one OUT value of two, and a 0 for the other
    p = np.array([[0.6], [0.9], [0.8], [0.4], [0.5], [0.7]])
    member = np.array([[True], [True], [True], [True], [True], [False]])
    population = np.array([[0.5, 0.9]] + [[0.5, 0.9]] * 5)
    found = privacy_meter_rmia(p, member, 0, population=population, references=2, offline_a=1.0)
    # p(x) = (0.7 + 0) / 2; the ratio 1.71 exceeds both strangers' 1
    assert found.tolist() == [1.0]


def test_zero_by_zero_is_not_reached_and_infinity_reaches_all_but_itself():
    p = np.array([[0.0, 0.5, 0.5], [0.1, 0.1, 0.1], [0.0, 0.0, 0.5], [0.0, 0.0, 0.5]])
    population = np.array([[0.5, 0.5], [0.1, 0.1], [0.0, 0.5], [0.0, 0.5]])
    member = np.zeros(p.shape, bool)
    found = privacy_meter_rmia(p, member, 0, population=population, references=1, offline_a=1.0)
    assert found.tolist() == [0.0, 0.5, 0.0]


def test_many_samples_are_the_few_one_by_one():
    p, member, population = world(1, np.float32, runs=22, samples=COLUMNS * 2 + 1)
    given = {"population": population, "references": 10, "offline_a": 0.3}
    whole = privacy_meter_rmia(p, member, 0, **given)
    few = privacy_meter_rmia(p[:, -300:], member[:, -300:], 0, **given)
    assert np.array_equal(whole[-300:], few)


def score(arrays: dict, target: int = 0, **options: float | None):
    chosen = {**ATTACK.options, **options}
    return ATTACK.score(evidence(arrays), np.array([target]), reference=None, options=chosen)


def test_the_targets_own_membership_never_enters():
    p, member, population = world(2)
    flipped = member.copy()
    flipped[0] = ~flipped[0]
    whole = score({"p": p, "member": member, "population_p": population})
    other = score({"p": p, "member": flipped, "population_p": population})
    assert np.array_equal(whole, other)


def test_all_pairs_but_the_targets_are_references_unless_told():
    p, member, population = world(3)
    given = {"p": p, "member": member, "population_p": population}
    three = privacy_meter_naive(p, member, 0, population=population, references=3, a=0.2)
    one = privacy_meter_naive(p, member, 0, population=population, references=1, a=0.2)
    assert score(given, offline_a=0.2)[0].tolist() == three
    assert score(given, offline_a=0.2, references=1)[0].tolist() == one


def test_the_float_type_given_is_kept():
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(4, 30, 3)).astype(np.float32)
    labels, member = rng.integers(3, size=30), rng.random((4, 30)) < 0.5
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = weights / weights.sum(axis=-1, keepdims=True)
    p = probabilities[:, np.arange(30), labels]
    common = {"member": member, "labels": labels, "population_labels": labels}
    found = [
        score({**common, name: array, f"population_{name}": array}, offline_a=0.3)
        for name, array in {"logits": logits, "probabilities": probabilities, "p": p}.items()
    ]
    expected = privacy_meter_naive(p, member, 0, population=p, references=1, a=0.3)
    assert [each[0].tolist() for each in found] == [expected] * 3


def test_refusals():
    p, member, population = world(4)
    given = {"p": p, "member": member, "population_p": population}
    with pytest.raises(DataError, match=r"two pairs or more, got 2 runs"):
        score({"p": p[:2], "member": member[:2], "population_p": population[:2]})
    with pytest.raises(DataError, match=r"got 7 runs.*even number"):
        score({"p": p[:7], "member": member[:7], "population_p": population[:7]})
    with pytest.raises(DataError, match=r"needs a population.*population_p"):
        score({"p": p, "member": member})
    with pytest.raises(ConfigurationError, match=r"references must be at least 1 and at most 3"):
        score(given, references=4)
    with pytest.raises(ConfigurationError, match=r"whole number, got 1.5"):
        score(given, references=1.5)
    one_kind = member.copy()
    one_kind[1] = True
    with pytest.raises(DataError, match=r"got 25 members of 25.*run 1"):
        score({**given, "member": one_kind})
