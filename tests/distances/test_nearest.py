"""Exact neighbours: the answer of measuring every pair, ties included."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.distances import nearest as module
from pryproof.distances.nearest import nearest

DRAW = seeds.generator(0, "nearest")
BYTES = DRAW.integers(0, 256, (90, 4, 5, 3), dtype=np.uint8)
FEW = DRAW.integers(0, 2, (150, 3), dtype=np.uint8)
CLUSTERS = np.repeat(DRAW.normal(size=(9, 6)), 20, axis=0) + 1e-9 * DRAW.normal(size=(180, 6))
SETS = {
    "bytes": BYTES,
    "many ties": FEW,
    "extremes": np.where(DRAW.random((80, 600)) < 0.5, 0, 255).astype(np.uint8),
    "features": DRAW.normal(size=(70, 7)).astype(np.float32),
    "tight clusters": CLUSTERS,
    "far from zero": DRAW.normal(size=(70, 7)) + 1e8,
    "huge": DRAW.normal(size=(60, 3)) * 1e100,
    "one point": np.ones((40, 3)),
}


def naive(queries, among, k, *, same):
    one, other = (side.reshape(len(side), -1).astype(np.float64) for side in (queries, among))
    squares = np.array([[np.square(a - b).sum() for b in other] for a in one])
    if same:
        np.fill_diagonal(squares, np.inf)
    order = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return np.sqrt(np.take_along_axis(squares, order, axis=1)), order


@pytest.mark.parametrize("worth", [0.0, 1e10], ids=["planned", "plain"])
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("name", SETS)
def test_agrees_with_every_pair(name, same, worth, monkeypatch):
    monkeypatch.setattr(module, "WORTH", worth)
    among = SETS[name]
    queries = among if same else among[::-1][:31]
    for k in (1, 4):
        distance, index = naive(queries, among, k, same=same)
        found = nearest(queries, among, k=k, same=same)
        np.testing.assert_array_equal(found.index, index)
        np.testing.assert_array_equal(found.distance, distance)


def test_short_bases_agree_too(monkeypatch):
    monkeypatch.setattr(module, "WORTH", 0.0)
    hidden = seeds.generator(0, "hidden").normal(size=(300, 8))
    wide = hidden @ seeds.generator(0, "wide").normal(size=(8, 200))
    distance, index = naive(wide[:40], wide[40:], 3, same=False)
    found = nearest(wide[:40], wide[40:], k=3)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.distance, distance)


def test_refusals():
    with pytest.raises(DataError, match="same shape and type"):
        nearest(BYTES, FEW)
    with pytest.raises(DataError, match="Ask for fewer"):
        nearest(FEW[:2], FEW[:2], k=2, same=True)
    with pytest.raises(DataError, match="finite"):
        nearest(np.full((2, 2), np.nan), np.ones((2, 2)))
