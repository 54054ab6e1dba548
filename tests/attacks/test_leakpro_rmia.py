import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.leakpro_rmia import COLUMNS, TABLE, leakpro_rmia
from pryproof.checks import DataError
from reference.leakpro_rmia import leakpro_naive

ONLINE, OFFLINE = TABLE["rmia@leakpro/online"], TABLE["rmia@leakpro/offline"]


def world(seed: int, kind=np.float64, *, runs: int = 7, samples: int = 25, strangers: int = 30):
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    p = (rng.random((runs, samples)) ** 2 * 0.7 + 0.3 * member).astype(kind)
    return p, member, rng.random((runs, strangers)).astype(kind)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("gamma", [1.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_agree_with_the_naive_forms(seed, gamma, kind):
    p, member, strangers = world(seed, kind)
    shadows = np.array([0, 1, 3, 4, 6])
    found = leakpro_rmia(p, strangers, 2, shadows, gamma=gamma)
    assert found.tolist() == leakpro_naive(p, strangers, 2, shadows, gamma=gamma)
    found = leakpro_rmia(p, strangers, 2, shadows, outside=~member, gamma=gamma, offline_a=0.5)
    assert found.tolist() == leakpro_naive(
        p, strangers, 2, shadows, outside=~member, gamma=gamma, a=0.5
    )


def test_ties_are_not_exceeded_and_zeros_fall_below_all():
    p = np.array([[0.5, 0.0, 1.0], [0.5, 0.5, 0.0]])
    strangers = np.array([[0.5, 0.0, 0.25, 0.25], [0.5, 0.5, 0.5, 0.5]])
    found = leakpro_rmia(p, strangers, 0, np.array([1]), gamma=1.0)
    assert found.tolist() == [0.75, 0.0, 1.0]
    assert found.tolist() == leakpro_naive(p, strangers, 0, np.array([1]), gamma=1.0)


def test_many_samples_are_the_few_one_by_one():
    p, member, strangers = world(1, np.float32, runs=20, samples=COLUMNS * 2 + 1)
    shadows = np.arange(1, 20)
    for outside in (None, ~member):
        whole = leakpro_rmia(p, strangers, 0, shadows, outside=outside)
        few = None if outside is None else outside[:, -300:]
        assert np.array_equal(
            whole[-300:], leakpro_rmia(p[:, -300:], strangers, 0, shadows, outside=few)
        )


def score(attack, arrays: dict, **options: float | None):
    chosen = {**attack.options, **options}
    return attack.score(evidence(arrays), np.array([0]), reference=None, options=chosen)


def test_the_judged_samples_are_the_strangers_where_there_is_no_population():
    p, member, _ = world(2)
    shadows = np.arange(1, 7)
    found = score(ONLINE, {"p": p, "member": member})
    assert found[0].tolist() == leakpro_naive(p, p, 0, shadows)
    found = score(OFFLINE, {"p": p, "member": member})
    assert found[0].tolist() == leakpro_naive(p, p, 0, shadows, outside=~member)


def test_the_temperature_is_for_logits_and_strangers_are_in_float64():
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(4, 30, 3)).astype(np.float32)
    labels, member = rng.integers(3, size=30), rng.random((4, 30)) < 0.5

    def p_of(logits):
        weights = np.exp(logits / 2 - (logits / 2).max(axis=-1, keepdims=True))
        return weights[:, np.arange(30), labels] / weights.sum(axis=-1)

    given = {"logits": logits, "labels": labels, "member": member}
    found = score(OFFLINE, {**given, "population_logits": logits, "population_labels": labels})
    expected = leakpro_naive(
        p_of(logits), p_of(logits.astype(np.float64)), 0, np.arange(1, 4), outside=~member
    )
    assert found[0].tolist() == expected
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    found = score(ONLINE, {"probabilities": probabilities, "labels": labels, "member": member})
    p = probabilities[:, np.arange(30), labels]
    assert found[0].tolist() == leakpro_naive(p, p, 0, np.arange(1, 4))


def test_a_sample_that_all_shadows_trained_on_scores_zero_as_there():
    p, member, population = world(3)
    member[1:, 4] = True
    found = score(OFFLINE, {"p": p, "member": member, "population_p": population})
    assert found[0, 4] == 0


def test_twins_of_a_training_set_are_no_shadows():
    p, member, population = world(4)
    group = np.array([0, 0, 1, 1, 2, 2, 2])
    found = score(ONLINE, {"p": p, "member": member, "population_p": population, "group": group})
    assert found[0].tolist() == leakpro_naive(p, population, 0, np.arange(2, 7))


def test_refusals():
    p, member, _ = world(6)
    with pytest.raises(DataError, match=r"rmia@leakpro/online needs reference runs.*run 0"):
        score(ONLINE, {"p": p[:1], "member": member[:1]})
