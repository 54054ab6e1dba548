"""Closeness: chance for fresh points with hubs, an alarm for copies, ties in half."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.leakage.closeness import Labels, closeness

REPEATS = 100


def world(turn, train, holdout, fakes):
    """Fakes crowd around six places: few pooled points are the nearest of many fakes."""
    draw = seeds.generator(turn, "closeness world")
    places = draw.normal(size=(6, 2))
    crowd = places[draw.integers(0, 6, fakes)] + 0.15 * draw.normal(size=(fakes, 2))
    return crowd, draw.normal(size=(train, 2)), draw.normal(size=(holdout, 2))


@pytest.mark.slow
def test_intervals_hold_under_hubs():
    # 95.5% over 200 worlds
    found = [closeness(*world(turn, 60, 20, 60), seed=turn) for turn in range(REPEATS)]
    covered = np.mean([each.dcr_share.contains(0.5) for each in found])
    assert 0.92 <= covered <= 0.98  # as shipped, 200 shuffles
    assert np.mean([each.dcr_share.value for each in found]) == pytest.approx(0.5, abs=0.05)


def test_copies_raise_the_alarm():
    _, train, holdout = world(0, 200, 200, 2)
    found = closeness(train + 1e-4, train, holdout)
    assert found.copying
    assert found.dcr_share.value > 0.95
    assert found.nndr.high < 0
    assert found.tail_1.value < 0
    assert (found.pairs[:, 0] == found.pairs[:, 1]).all()


def test_ties_count_half():
    both = seeds.generator(0, "both").normal(size=(30, 2))
    found = closeness(both[:10], both, both.copy())
    assert found.dcr_share.value == pytest.approx(0.5)
    assert not found.copying


def test_classes_must_meet():
    fakes, train, holdout = world(0, 20, 20, 5)
    labels = Labels(train=np.zeros(20, np.int64), holdout=np.ones(20, np.int64))
    with pytest.raises(DataError, match="no class in common"):
        closeness(fakes, train, holdout, labels=labels)
