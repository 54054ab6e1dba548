import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.population import TABLE, population_attack
from pryproof.checks import DataError
from reference.population import population_naive

ATTACK = TABLE["population"]


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_naive_form(seed: int):
    rng = np.random.default_rng(seed)
    losses, strangers = (rng.integers(0, 9, size=size) / 4 for size in (50, 30))
    assert population_attack(-losses, -strangers) == pytest.approx(
        population_naive(losses, strangers)
    )


def test_certainties_are_ties():
    phi, strangers = np.array([np.inf, -np.inf]), np.array([np.inf, 0.0, -np.inf, -np.inf])
    assert population_attack(phi, strangers).tolist() == [0.875, 0.25]


def test_scores_of_strangers_are_uniform():
    rng = np.random.default_rng(1)
    found = np.sort(population_attack(rng.normal(size=4000), rng.normal(size=4000)))
    assert np.abs(found - np.linspace(0, 1, 4000)).max() < 0.04


def score(arrays: dict, reference: dict | None = None):
    seen = evidence(arrays)
    apart = None if reference is None else evidence(reference)
    every = np.arange(len(seen.member))
    return ATTACK.score(seen, every, reference=apart, options={})


def test_every_run_has_its_own_population_and_queries_are_averaged():
    rng = np.random.default_rng(2)
    phi, strangers = rng.normal(size=(3, 2, 8)), rng.normal(size=(3, 2, 5))
    member = rng.random((3, 8)) < 0.5
    expected = np.mean(
        [[population_naive(-phi[r, q], -strangers[r, q]) for r in range(3)] for q in range(2)],
        axis=0,
    )
    given = {"phi": phi, "member": member}
    assert score({**given, "population_phi": strangers}) == pytest.approx(expected)
    reference = {"phi": strangers, "member": np.zeros((3, 5), bool)}
    assert score(given, reference) == pytest.approx(expected)


def test_one_query_of_the_population_serves_all():
    phi, member = np.arange(8.0).reshape(1, 2, 4), np.array([[True, False] * 2])
    found = score({"phi": phi, "member": member, "population_phi": [[1.5, 5.5]]})
    assert found.tolist() == [[0.25, 0.25, 0.75, 0.75]]


def test_refusals():
    phi, member = np.zeros((2, 3, 4)), np.zeros((2, 4), bool)
    with pytest.raises(DataError, match=r"population needs a population.*population_logits"):
        score({"phi": phi, "member": member})
    with pytest.raises(DataError, match=r"needs a population"):  # row r is no known run
        score({"phi": phi, "member": member}, {"phi": phi[0], "member": member[0]})
    with pytest.raises(DataError, match=r"needs a population"):
        score({"phi": phi, "member": member}, {"phi": phi, "member": ~member})
    with pytest.raises(DataError, match=r"one query or the samples' 3, got 2"):
        score({"phi": phi, "member": member, "population_phi": np.zeros((2, 2, 5))})
    with pytest.raises(DataError, match=r"population needs phi, got correct"):
        score({"correct": phi, "member": member, "population_phi": phi})
