import numpy as np
import pytest

from pryproof.attacks import FIXED_CUTS, THRESHOLD_ATTACKS
from pryproof.attacks.evidence import evidence
from pryproof.attacks.names import family
from pryproof.attacks.signals import signals
from pryproof.attacks.threshold_attacks import TABLE
from pryproof.checks import DataError

every = pytest.mark.parametrize("name", sorted(TABLE))


def outputs(runs: int = 3, queries: int = 2, samples: int = 20):
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=samples)
    return rng.normal(size=(runs, queries, samples, 4)), labels, rng.random((runs, samples)) < 0.5


def score(name, seen, targets):
    return TABLE[name].score(seen, np.array(targets), reference=None, options={})


@every
def test_a_score_is_the_mean_over_queries_of_the_runs_own_signals(name):
    logits, labels, member = outputs()
    seen = evidence({"logits": logits, "labels": labels, "member": member})
    found = score(name, seen, [2, 0])
    for row, run in enumerate([2, 0]):
        plain = THRESHOLD_ATTACKS[family(name)]
        one_query = [plain(signals(query, labels)) for query in logits[run]]
        assert found[row] == pytest.approx((one_query[0] + one_query[1]) / 2)


def test_entries_are_those_of_the_pipeline():
    assert list(TABLE)[: len(THRESHOLD_ATTACKS)] == list(THRESHOLD_ATTACKS)
    assert {family(name) for name in TABLE} == set(THRESHOLD_ATTACKS)
    for name, attack in TABLE.items():
        assert attack.fixed_cut == FIXED_CUTS.get(name)
        assert attack.per_class == (name != "correctness" and not name.endswith("/global"))
        assert attack.calibrates == "runs"


def test_signals_alone_are_enough_for_the_attack_that_needs_them():
    seen = evidence({"phi": np.array([[1.0, -2.0]]), "member": np.array([[True, False]])})
    assert score("confidence", seen, [0]).tolist() == [[1.0, -2.0]]
    with pytest.raises(DataError, match="modified_entropy needs log_mentropy, got phi"):
        score("modified_entropy", seen, [0])
    with pytest.raises(DataError, match="entropy needs entropy, got"):
        score("entropy", seen, [0])


def test_queries_that_contradict_each_other_infinitely_are_not_measured():
    phi = np.array([[[np.inf, 1.0], [-np.inf, 1.0]]])
    seen = evidence({"phi": phi, "member": np.array([[True, False]])})
    found = score("confidence", seen, [0])
    assert np.isnan(found[0, 0])
    assert found[0, 1] == 1.0
