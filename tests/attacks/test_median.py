import numpy as np
import pytest

from pryproof.attacks import median
from pryproof.attacks.median import middles
from pryproof.compiled import available

pytestmark = pytest.mark.skipif(not available(), reason="needs Numba")


@pytest.mark.parametrize(
    ("samples", "queries", "share", "first"),
    [(32, 1, 0.5, None), (70, 2, 0.3, None), (300, 1, 0.6, 4), (33, 1, 0.02, 1)],
)
def test_medians_are_exact_and_moments_right(samples, queries, share, first):
    rng = np.random.default_rng(samples)
    values = np.round(rng.normal(size=(21, queries, samples)) * 4) / 4
    values[:, :, ::2] += rng.normal(size=(21, queries, values[:, :, ::2].shape[2]))
    member = rng.random((21, samples)) < share
    runs = np.array([0, 2, 3, 4, 5, *range(7, 21)])
    inside = member[runs].sum(axis=0)
    seen = np.stack([len(runs) - inside, inside])
    used = seen if first is None else np.minimum(seen, first)
    for side, found in enumerate(middles(values, member, runs, seen, used)):
        for x in range(samples):
            for query in range(queries):
                mine = values[runs, query, x][member[runs, x] == bool(side)][: used[side, x]]
                if len(mine):
                    assert found.median[query, x] == np.median(mine)
                    assert found.mean[query, x] == pytest.approx(mine.mean(), abs=1e-14)
                    squares = mine.var() * len(mine)
                    assert found.squares[query, x] == pytest.approx(squares, abs=1e-12)


@pytest.mark.parametrize("size", [2, 4, 6, 8, 14, 16, 32, 46])
def test_the_network_brings_the_middle_to_the_middle(size):
    # what is right for zeros and ones is right for all numbers (Knuth's 0-1 principle)
    rng = np.random.default_rng(size)
    values = (rng.random((size, 4000)) < rng.random(4000)).astype(float)
    expected = np.sort(values, axis=0)[size // 2 - 1 : size // 2 + 1]
    for start in range(0, size - 7, 8):
        values[start : start + 8].sort(axis=0)
    for low, high in median._network(size):
        values[low], values[high] = (
            np.minimum(values[low], values[high]),
            np.maximum(values[low], values[high]),
        )
    assert np.array_equal(values[size // 2 - 1 : size // 2 + 1], expected)
