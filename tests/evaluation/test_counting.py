import inspect

import numpy as np
import pytest

from pryproof.compiled import available
from pryproof.evaluation import counting
from pryproof.evaluation.counting import by_bytes, by_comparing, count
from reference.roc import steps_naive

needs_numba = pytest.mark.skipif(not available(), reason="Numba is not installed")


def sides(seed: int, levels: int, *, most: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, most, size=2)
    return (rng.integers(levels, size=n) - levels // 3) / 8, (rng.integers(levels, size=m) / 8)


SPECIAL = [
    (np.array([np.inf, -np.inf, 0.0, -0.0]), np.array([np.inf, 0.0, -1e-310, 1e308])),
    (np.array([1.0]), np.array([1.0])),
    (np.array([-2.0, -3.0]), np.array([5.0])),
    (np.array([1.0, 1.0 + 2**-52]), np.array([1.0, 1.0 - 2**-53])),
    (np.array([0.1, 0.3], dtype=np.float32), np.array([0.1], dtype=np.float32)),
]


@pytest.mark.parametrize("levels", [1, 3, 50, 10**9])
@pytest.mark.parametrize("seed", range(6))
def test_counts_agree_with_counting_at_every_score(seed: int, levels: int):
    members, others = sides(seed, levels)
    found = [each.tolist() for each in by_comparing(members, others)]
    assert list(zip(*found, strict=True)) == steps_naive(members, others)


@pytest.mark.parametrize(("members", "others"), SPECIAL)
def test_special_scores_keep_their_places(members: np.ndarray, others: np.ndarray):
    found = [each.tolist() for each in by_comparing(members, others)]
    wide = steps_naive(members.astype(np.float64), others.astype(np.float64))
    assert list(zip(*found, strict=True)) == wide


def plain(loop):
    """Leave the loop as it is: what Numba compiles is also right without it."""
    return inspect.unwrap(loop)


@pytest.mark.parametrize("seed", range(4))
def test_the_loops_count_alike_uncompiled(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counting, "compiled", plain)
    for members, others in [sides(seed, 10), sides(seed, 10**9), *SPECIAL]:
        for a, b in zip(by_bytes(members, others), by_comparing(members, others), strict=True):
            assert np.array_equal(a, b)


@needs_numba
@pytest.mark.parametrize("levels", [1, 7, 10**6, 10**15])
def test_the_loops_count_alike_compiled(levels: int):
    members, others = sides(levels % 97, levels, most=5000)
    for a, b in zip(by_bytes(members, others), by_comparing(members, others), strict=True):
        assert np.array_equal(a, b)
        assert a.dtype == b.dtype


@needs_numba
def test_special_scores_keep_their_places_compiled():
    for members, others in SPECIAL:
        for a, b in zip(by_bytes(members, others), by_comparing(members, others), strict=True):
            assert np.array_equal(a, b)


def test_the_way_is_chosen_by_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counting, "by_bytes", lambda *_: "bytes")
    monkeypatch.setattr(counting, "by_comparing", lambda *_: "comparing")
    monkeypatch.setattr(counting, "WORTHWHILE", 10)
    small, large = inspect.unwrap(count), np.zeros(5)
    monkeypatch.setattr(counting, "available", lambda: True)
    assert (small(large, large), small(large, large[1:])) == ("bytes", "comparing")
    monkeypatch.setattr(counting, "available", lambda: False)
    assert small(large, large) == "comparing"


def test_arguments_stay_as_they_were():
    members, others = sides(0, 50)
    before = members.copy(), others.copy()
    by_comparing(members, others)
    assert np.array_equal(members, before[0])
    assert np.array_equal(others, before[1])
