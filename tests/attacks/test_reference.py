import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.reference import COLUMNS, TABLE, reference_attack
from pryproof.attacks.search import BYTE
from pryproof.checks import DataError
from reference.reference import reference_naive

ATTACK = TABLE["reference"]


def world(seed: int, runs: int = 7, samples: int = 12):
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 7, size=(runs, samples)) / 2
    return losses, rng.random((runs, samples)) < 0.5, rng.integers(4, size=runs)


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_naive_form(seed: int):
    losses, member, group = world(seed)
    found = reference_attack(-losses, member, group, np.arange(7))
    assert found == pytest.approx(np.array(reference_naive(losses, member, group)), nan_ok=True)


def test_many_runs_and_samples_are_counted_in_blocks():
    runs, samples = 2 * BYTE + 3, COLUMNS + 2
    losses, member, group = world(1, runs, samples)
    group = np.arange(runs)
    found = reference_attack(-losses, member, group, np.array([0, 9]))
    for x in (0, COLUMNS - 1, COLUMNS, samples - 1):
        expected = reference_naive(losses[:, [x]], member[:, [x]], group)
        assert found[:, x].tolist() == pytest.approx([expected[0][0], expected[9][0]])


def test_the_own_membership_never_enters():
    losses, member, group = world(2)
    for run in range(len(group)):
        flipped = member.copy()
        flipped[run] = ~flipped[run]
        one = np.array([run])
        assert np.array_equal(
            reference_attack(-losses, member, group, one),
            reference_attack(-losses, flipped, group, one),
            equal_nan=True,
        )


def test_certainties_are_ties():
    phi = np.array([[np.inf, -np.inf], [np.inf, -np.inf], [0.0, 0.0]])
    found = reference_attack(phi, np.zeros((3, 2), bool), np.arange(3), np.array([0]))
    assert found == pytest.approx(np.array([[0.75, 0.25]]))


def test_a_balanced_design_alone_tells_nothing():
    # every sample in exactly half of the runs: a target's members have one more run without them
    rng = np.random.default_rng(4)
    member = np.argsort(rng.random((8, 4000)), axis=0) < 4
    phi = rng.normal(size=member.shape)
    scores = reference_attack(phi, member, np.arange(8), np.arange(8))
    top = scores == scores.max()
    inside, outside = top[member].mean(), top[~member].mean()
    assert scores.max() == 1.0
    assert inside == pytest.approx(1 / 5, abs=0.02)  # 4 runs without a member, 3 without another
    assert outside == pytest.approx(1 / 4, abs=0.02)


def score(arrays: dict):
    seen = evidence(arrays)
    return ATTACK.score(seen, np.arange(len(seen.member)), reference=None, options={})


def test_queries_are_averaged():
    losses, member, _ = world(3)
    more = losses[::-1]
    found = score({"phi": np.stack([-losses, -more], axis=1), "member": member})
    parts = [reference_naive(each, member, np.arange(7)) for each in (losses, more)]
    assert found == pytest.approx(np.mean(parts, axis=0), nan_ok=True)


def test_refusals():
    phi, member = np.zeros((2, 3)), np.zeros((2, 3), bool)
    with pytest.raises(DataError, match=r"reference needs reference runs.*run 0"):
        score({"phi": phi, "member": member, "group": [5, 5]})
    with pytest.raises(DataError, match=r"no sample of this run.*without it.*run 0"):
        score({"phi": phi, "member": ~member})
