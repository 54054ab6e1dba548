import numpy as np
import pytest

from pryproof.attacks import moments
from pryproof.attacks.moments import Block, Moments, merged, of_others, of_runs
from pryproof.compiled import available

BOTH = (False, True)


def block(phi: np.ndarray, member: np.ndarray, samples: slice) -> Block:
    return Block(
        phi=phi, member=member, samples=samples, sides=BOTH, room=np.empty((2, *phi.shape))
    )


def world(seed: int = 0, runs: int = 8, queries: int = 2, samples: int = 20):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(runs, queries, samples)) * 3, rng.random((runs, samples)) < 0.5


def agree(found: Moments, phi: np.ndarray, member: np.ndarray) -> None:
    for side in BOTH:
        for x in range(phi.shape[2]):
            seen = phi[member[:, x] == side, :, x]
            assert found.count[int(side), 0, x] == len(seen)
            if len(seen):
                assert found.mean[int(side), :, x] == pytest.approx(seen.mean(axis=0))
                squares = seen.var(axis=0) * len(seen)
                assert found.squares[int(side), :, x] == pytest.approx(squares)


@pytest.mark.parametrize("least", [0, 1 << 60], ids=["compiled", "numpy"])
def test_moments_of_some_runs(least, monkeypatch):
    monkeypatch.setattr(moments, "WORTH_COMPILING", least)
    phi, member = world()
    runs = np.array([0, 1, 2, 5, 7])
    found = of_runs(block(phi, member, slice(3, 17)), runs)
    agree(found, phi[runs][:, :, 3:17], member[runs][:, 3:17])


@pytest.mark.skipif(not available(), reason="needs Numba")
def test_the_compiled_loop_gives_the_same_numbers(monkeypatch):
    phi, member = world(1, runs=30, samples=50)
    some, runs = block(phi, member, slice(0, 50)), np.arange(1, 30)
    plain = of_runs(some, runs)
    monkeypatch.setattr(moments, "WORTH_COMPILING", 0)
    fast = of_runs(some, runs)
    assert np.array_equal(fast.count, plain.count)
    assert fast.mean == pytest.approx(plain.mean, rel=1e-12, abs=1e-14)
    assert fast.squares == pytest.approx(plain.squares, rel=1e-12, abs=1e-14)


def test_merging_is_counting_together():
    phi, member = world(2)
    whole = block(phi, member, slice(0, 20))
    parts = [of_runs(whole, each) for each in (np.arange(3), np.arange(3, 8))]
    together = merged(
        Moments(
            count=parts[0].count,
            mean=np.where(parts[0].count > 0, parts[0].mean, 0.0),
            squares=parts[0].squares,
        ),
        parts[1],
    )
    agree(together, phi, member)


def test_moments_of_all_other_runs():
    phi, member = world(3)
    asked = [np.array([2]), np.array([4, 5]), np.array([0])]
    places = []
    whole = block(phi, member, slice(0, 20))
    for place, found in of_others(whole, asked, np.array([1, 3, 6, 7])):
        others = np.setdiff1d(np.arange(8), asked[place])
        agree(found, phi[others], member[others])
        places.append(place)
    assert sorted(places) == [0, 1, 2]


def test_runs_that_agree_have_no_spread_at_all():
    phi, member = np.full((7, 1, 1), 0.1), np.ones((7, 1), bool)
    whole = block(phi, member, slice(0, 1))
    assert of_runs(whole, np.arange(7)).squares[1, 0, 0] == 0.0
    for _, found in of_others(whole, [np.array([each]) for each in range(7)], np.arange(0)):
        assert found.squares[1, 0, 0] == 0.0
        assert found.mean[1, 0, 0] == 0.1
