"""Duplicates within a set: by hand, and beside the reals."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.leakage.duplicates import duplicates

REALS = seeds.generator(0, "reals").integers(0, 256, (200, 4, 4, 1), dtype=np.uint8)


def test_a_collapsed_generator_shows():
    found = duplicates(REALS[np.arange(200) % 5], REALS)
    assert found.fakes.distinct == found.fakes.apart == 5
    assert found.fakes.effective == pytest.approx(5)
    assert found.fakes.exact.value == 195 / 200
    assert found.reals.distinct == 200
    assert found.reals.exact.value == 0


def test_near_duplicates_count_once():
    fakes = REALS.copy()
    fakes[100:] = fakes[:100]
    fakes[100:, 0, 0, 0] ^= 1
    found = duplicates(fakes, REALS)
    assert found.fakes.distinct == 200
    assert 98 <= found.fakes.apart <= 100  # the nearest of the reals count as one too
    assert found.fakes.near.value == 1


def test_intervals_count_groups_not_images():
    apart, one = REALS.copy(), REALS.copy()
    apart[100:120] = apart[:20]
    one[100:120] = one[0]
    many, few = duplicates(apart, REALS).fakes.exact, duplicates(one, REALS).fakes.exact
    assert many.value == few.value == 0.1
    assert few.high > 2 * many.high
    assert few.low < many.low / 5


def test_one_image_is_refused():
    with pytest.raises(DataError, match="more images"):
        duplicates(REALS[:1], REALS)
