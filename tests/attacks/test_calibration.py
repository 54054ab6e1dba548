import numpy as np
import pytest

from pryproof.attacks.calibration import MOST_RUNS, halves, known
from pryproof.attacks.evidence import evidence


def world(runs: int = 1, samples: int = 200, classes: int = 4, **more):
    draws = np.random.default_rng(0)
    return evidence(
        {
            "phi": draws.normal(size=(runs, samples)),
            "member": draws.random((runs, samples)) < 0.3,
            "labels": draws.integers(classes, size=samples),
            **more,
        }
    )


def test_halves_split_every_class_and_side_evenly():
    seen = world()
    half = halves(seen, 0)
    for label in range(4):
        for side in (True, False):
            part = half[(seen.labels == label) & (seen.member[0] == side)]
            assert abs(2 * part.sum() - len(part)) <= 1
    assert abs(2 * half.sum() - len(half)) <= 1


def test_halves_move_with_the_samples():
    seen = world()
    order = np.random.default_rng(1).permutation(200)
    mixed = evidence(
        {
            "phi": seen.signals["phi"][0, 0, order],
            "member": seen.member[0, order],
            "labels": seen.labels[order],
        }
    )
    assert np.array_equal(halves(mixed, 0), halves(seen, 0)[order])


def test_halves_do_not_follow_the_values():
    seen = world(samples=4000)
    half = halves(seen, 0)
    phi = seen.signals["phi"][0, 0]
    assert abs(phi[half].mean() - phi[~half].mean()) < 0.1
    ranks = np.argsort(np.argsort(phi))
    alternate = np.mean(half[np.argsort(phi)][:-1] != half[np.argsort(phi)][1:])
    assert 0.45 < alternate < 0.55  # neighbours in value are not dealt out in turn
    assert 0.45 < np.mean(half == (ranks % 2 == 0)) < 0.55


def test_samples_that_say_the_same_are_dealt_out_in_turn():
    seen = evidence({"phi": np.zeros(100), "member": np.arange(100) < 50})
    half = halves(seen, 0)
    assert half.sum() == 50
    assert half[:50].sum() == 25


def test_one_run_is_split_and_no_sample_judges_itself():
    seen = world()
    parts = known(seen, 0, reference=None)
    assert sum(part.judged.astype(int) for part in parts).tolist() == [1] * 200
    assert not any((part.judged & part.samples).any() for part in parts)
    assert all(part.runs.tolist() == [0] for part in parts)


def test_runs_of_other_groups_are_known_and_few_are_enough():
    seen = world(runs=12, group=np.arange(12) // 2)
    (part,) = known(seen, 11, reference=None)
    assert part.runs.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert len(part.runs) == MOST_RUNS
    assert part.judged.all()
    (part,) = known(seen, 4, reference=None)
    assert part.runs.tolist() == [6, 7, 8, 9, 10, 11, 0, 1]


@pytest.mark.parametrize("other_runs", [True, False])
def test_a_reference_is_known_as_a_whole(other_runs):
    reference = world(runs=2, samples=7)
    (part,) = known(world(runs=3), 0, reference=reference, other_runs=other_runs)
    assert part.evidence is reference
    assert part.runs.tolist() == [0, 1]
    assert part.samples.tolist() == [True] * 7
