"""Authenticity: by hand, at chance for fresh points, zero for copies."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.leakage.authenticity import authenticity


def points(name, n):
    return seeds.generator(0, name).normal(size=(n, 3))


def test_the_gap_is_that_of_the_nearest_training_image():
    train = np.array([[0.0], [1.0], [5.0]])
    found = authenticity(np.array([[-0.5], [-2.0], [7.0]]), train, np.array([[0.9], [6.0]]))
    assert found.authentic.tolist() == [False, True, False]
    assert found.holdout.value == 0.0


def test_fresh_points_are_at_their_chance_level():
    found = authenticity(points("f", 400), points("t", 400), points("h", 400))
    assert found.difference.contains(0.0)


def test_copies_are_not_authentic():
    train = points("t", 200)
    found = authenticity(train + 1e-6, train, points("h", 200))
    assert found.fakes.value == 0.0
    assert found.difference.high < 0


def test_one_nearest_image_has_no_error():
    with pytest.raises(DataError, match="more points"):
        authenticity(np.zeros((3, 1)), np.array([[0.0], [9.0]]), np.zeros((3, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("crowded", [False, True])
def test_intervals_hold_for_fresh_points(crowded):
    """Conservative for independent points: 99%; for 30 crowds a side of 200 points: 92%."""

    def points(draw, n):
        if not crowded:
            return draw.normal(size=(n, 3))
        places = draw.normal(size=(30, 3))
        return places[draw.integers(0, 30, n)] + 0.1 * draw.normal(size=(n, 3))

    draws = [seeds.generator(turn, "authenticity world") for turn in range(200)]
    found = [
        authenticity(points(draw, 200), draw.normal(size=(200, 3)), points(draw, 200)).difference
        for draw in draws
    ]
    assert np.mean([each.contains(0.0) for each in found]) >= 0.89  # 0.92 less two errors
    assert np.mean([each.high < 0 for each in found]) <= 0.075
