import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.rmia import TABLE, rmia, rmia_offline, tuned_offline_a
from pryproof.checks import ConfigurationError, DataError
from reference.rmia import rmia_naive, rmia_offline_naive, tuned_naive

# methods section 14: run 0 is the target, 1-3 are OUT of the sample, 4-6 IN
P = np.array([[0.8], [0.2], [0.3], [0.1], [0.9], [0.7], [0.8]])
Z = np.array([[0.5, 0.1, 0.6, 0.2]] + [[0.5, 0.3, 0.2, 0.2]] * 6)
MEMBER = np.array([[True]] + [[False]] * 3 + [[True]] * 3)
FIRST = np.array([0])


@pytest.mark.parametrize(("gamma", "expected"), [(1.0, 0.75), (2.0, 0.25)])
def test_known_online_scores(gamma: float, expected: float):
    # ratios 1.6 against 1, 1/3, 3, 1
    found = rmia(np.log(P), MEMBER, np.arange(7), FIRST, population=np.log(Z), gamma=gamma)
    assert found.tolist() == [[expected]]


@pytest.mark.parametrize(("gamma", "expected"), [(1.0, 1.0), (2.0, 0.75)])
def test_known_offline_scores(gamma: float, expected: float):
    # ratios 1.66667 against .74074, .18349, 1.25, .41667
    found = rmia_offline(
        np.log(P), MEMBER, np.arange(7), FIRST, population=np.log(Z), gamma=gamma, offline_a=0.3
    )
    assert found.tolist() == [[expected]]


def world(seed: int, runs: int = 7, samples: int = 14, strangers: int = 9):
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    p = rng.random((runs, samples)) ** 2 * 0.7 + 0.3 * member
    return p, member, rng.integers(5, size=runs), rng.random((runs, strangers))


@pytest.mark.parametrize("strangers", ["population", "each other"])
@pytest.mark.parametrize("gamma", [1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_agree_with_the_naive_forms(seed: int, gamma: float, strangers: str):
    p, member, group, population = world(seed)
    every = np.arange(len(p))
    z, log_z = (population, np.log(population)) if strangers == "population" else (None, None)
    online = rmia(np.log(p), member, group, every, population=log_z, gamma=gamma)
    assert online == pytest.approx(
        np.array(rmia_naive(p, member, group, population=z, gamma=gamma))
    )
    a = np.full(len(p), 0.4)
    offline = rmia_offline(
        np.log(p), member, group, every, population=log_z, gamma=gamma, offline_a=0.4
    )
    expected = rmia_offline_naive(p, member, group, population=z, gamma=gamma, a=a)
    assert offline == pytest.approx(np.array(expected), nan_ok=True)


@pytest.mark.parametrize("strangers", ["population", "each other"])
@pytest.mark.parametrize("seed", [0, 2])
def test_offline_a_is_tuned_on_the_median_reference_run(seed: int, strangers: str):
    p, member, group, population = world(seed, samples=20)
    z, log_z = (population, np.log(population)) if strangers == "population" else (None, None)
    every = np.arange(len(p))
    a = tuned_offline_a(np.log(p), member, group, every, population=log_z)
    expected = [tuned_naive(p, member, group, run, population=z) for run in every]
    assert a == pytest.approx(np.array(expected))
    assert len(set(expected)) > 1
    scores = rmia_offline(np.log(p), member, group, every, population=log_z)
    assert scores == pytest.approx(
        np.array(rmia_offline_naive(p, member, group, population=z, a=a)), nan_ok=True
    )


def test_the_targets_membership_never_enters_not_even_the_tuning():
    p, member, group, population = world(3)
    logp, log_z = np.log(p), np.log(population)
    for run in range(len(p)):
        flipped = member.copy()
        flipped[run] = ~flipped[run]
        one = np.array([run])
        for strangers in (log_z, None):
            whole = rmia_offline(logp, member, group, one, population=strangers)
            other = rmia_offline(logp, flipped, group, one, population=strangers)
            assert np.array_equal(whole, other, equal_nan=True)


def test_zeros_and_certainties():
    # the second sample and stranger have ratio 0, the third infinity, the fourth 0 / 0
    p = np.array([[0.5, 0.0, 0.5, 0.0], [0.5, 0.5, 0.0, 0.0]])
    group = np.arange(2)
    with np.errstate(divide="ignore"):
        logp = np.log(p)
    nobody = np.zeros(p.shape, bool)
    found = rmia(logp, nobody, group, FIRST, population=logp)
    expected = rmia_naive(p, nobody, group, population=p)[0]
    assert expected[:3] == pytest.approx([2 / 3, 0.0, 1.0])
    assert found[0, 1:] == pytest.approx(expected[1:], nan_ok=True)
    assert found[0, 0] == pytest.approx(2 / 3)
    alone = rmia(logp, nobody, group, FIRST, population=None)
    assert alone[0] == pytest.approx([0.5, 0.0, 1.0, np.nan], nan_ok=True)


def test_strangers_that_are_all_alike_in_having_no_ratio():
    logp = np.array([[-1.0, -np.inf], [-1.0, -1.0]])
    population = np.array([[-np.inf], [-1.0]])
    found = rmia(logp, np.zeros((2, 2), bool), np.arange(2), FIRST, population=population)
    assert found[0] == pytest.approx([1.0, np.nan], nan_ok=True)


def test_ratios_of_vanishing_probabilities_keep_their_order():
    # as probabilities all are 0; their ratios are exp(100), 1 and exp(-100)
    logp = np.array([[-900.0, -1000.0, -1100.0], [-1000.0] * 3, [-1000.0] * 3])
    group = np.arange(3)
    member = np.zeros(logp.shape, bool)
    for inside in (member, ~member, member | (np.arange(3) == 1)[:, None]):
        found = rmia(logp, inside, group, FIRST, population=None)
        assert found.tolist() == [[1.0, 0.5, 0.0]]
    offline = rmia_offline(logp, member, group, FIRST, population=None, offline_a=1.0)
    assert offline.tolist() == [[1.0, 0.5, 0.0]]


def test_a_leak_is_found_by_both_and_a_null_is_not():
    rng = np.random.default_rng(4)
    runs, samples = 12, 600
    member = rng.random((runs, samples)) < 0.5
    leaks = np.arange(samples) < samples // 2
    phi = rng.normal(scale=3, size=samples) + rng.normal(size=(runs, samples))
    logp = -np.logaddexp(0.0, -(phi + 3.0 * (member & leaks)))
    every, group = np.arange(runs), np.arange(runs)
    for scores in (
        rmia(logp, member, group, every, population=None),
        rmia_offline(logp, member, group, every, population=None),
    ):
        for part, low, high in ((leaks, 0.8, 1.0), (~leaks, 0.47, 0.53)):
            inside = scores[:, part][member[:, part]]
            outside = scores[:, part][~member[:, part]]
            assert low < np.mean(inside[:, None] > outside[None]) < high


def test_a_balanced_design_alone_tells_nothing():
    # all runs with a sample say .9 of it, all without say .1: what the target says is no surprise
    # either way, and one mean over all others would lie lower for members
    rng = np.random.default_rng(4)
    member = np.argsort(rng.random((8, 400)), axis=0) < 4
    p = np.where(member, 0.9, 0.1)
    p[0] = 0.5  # the target says the same of all
    population = np.full((8, 50), 0.5)
    found = rmia(np.log(p), member, np.arange(8), FIRST, population=np.log(population))
    assert len(np.unique(found)) == 1


def test_no_sample_enough_without_a_stranger():
    found = rmia(
        np.array([[-1.0], [-2.0]]), np.zeros((2, 1), bool), np.arange(2), FIRST, population=None
    )
    assert np.isnan(found).all()


def score(name: str, arrays: dict, reference: dict | None = None, **options: float | None):
    apart = None if reference is None else evidence(reference)
    chosen = {**TABLE[name].options, **options}
    return TABLE[name].score(evidence(arrays), FIRST, reference=apart, options=chosen)


def test_queries_are_averaged_and_the_temperature_is_that_of_the_softmax():
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(4, 2, 6, 3)), rng.integers(3, size=6)
    member = rng.random((4, 6)) < 0.5
    weights = np.exp(logits / 2)
    p = weights[..., np.arange(6), labels] / weights.sum(axis=-1)
    found = score("rmia", {"logits": logits, "labels": labels, "member": member}, temperature=2.0)
    each = [rmia_naive(p[:, query], member, np.arange(4), population=None)[0] for query in range(2)]
    assert found[0] == pytest.approx(np.mean(each, axis=0))


def test_the_strangers_come_from_the_population_else_from_the_reference():
    with_population = {"p": P, "member": MEMBER, "population_p": Z}
    assert score("rmia", with_population).tolist() == [[0.75]]
    seen = np.zeros(Z.shape, bool)
    reference = {"p": np.hstack([Z, Z]), "member": np.hstack([seen, ~seen])}
    assert score("rmia", {"p": P, "member": MEMBER}, reference).tolist() == [[0.75]]
    offline = score("rmia/offline", {"p": P, "member": MEMBER}, reference, offline_a=0.3, gamma=2)
    assert offline.tolist() == [[0.75]]


def test_refusals():
    given = {"p": P, "member": MEMBER, "population_p": Z}
    with pytest.raises(DataError, match=r"temperature 2 needs logits, got p"):
        score("rmia", given, temperature=2.0)
    with pytest.raises(ConfigurationError, match=r"gamma must be more than 0, got 0"):
        score("rmia", given, gamma=0.0)
    with pytest.raises(ConfigurationError, match=r"offline_a must be at least 0 and at most 1"):
        score("rmia/offline", given, offline_a=1.5)
    with pytest.raises(DataError, match=r"run 0.*set offline_a"):
        score("rmia/offline", {"p": P[:2], "member": MEMBER[:2], "population_p": Z[:2]})
    with pytest.raises(DataError, match=r"another group than the target's.*run 0"):
        score("rmia", {**given, "group": np.zeros(7, int)})
    with pytest.raises(DataError, match=r"rmia needs logp, got correct"):
        score("rmia", {"correct": np.round(P), "member": MEMBER})
    everywhere = {**given, "member": np.ones(P.shape, bool)}
    with pytest.raises(DataError, match=r"no sample of this run.*without it.*run 0"):
        score("rmia/offline", everywhere, offline_a=0.3)
