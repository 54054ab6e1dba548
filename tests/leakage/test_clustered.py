"""Shares of clustered hits: Clopper-Pearson without clusters, and coverage with them."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.intervals import clopper_pearson
from pryproof.leakage.clustered import clustered_share


def test_clusters_of_one_are_independent():
    found = clustered_share(np.ones(7, np.int64), 90)
    assert (found.low, found.high) == pytest.approx(tuple(map(float, clopper_pearson(7, 90))))


def test_clusters_of_ten_leave_a_tenth():
    found = clustered_share(np.full(7, 10), 900)
    assert (found.low, found.high) == pytest.approx(tuple(map(float, clopper_pearson(7, 90))))
    assert found.value == 70 / 900


def test_no_hits_and_nothing_but_hits():
    assert clustered_share(np.zeros(0, np.int64), 50).value == 0
    assert clustered_share(np.zeros(4, np.int64), 50).low == 0
    assert clustered_share(np.array([50]), 50).high == 1


def test_intervals_cover_under_hubs():
    draw = seeds.generator(0, "clustered")
    sizes = 1 + draw.geometric(0.2, (600, 40))  # of 40 hubs of 500 images, one in four hits
    hit = draw.random(sizes.shape) < 0.25
    found = [clustered_share(one[on], 2_000) for one, on in zip(sizes, hit, strict=True)]
    truth = 0.25 * 40 * 6 / 2_000
    assert 0.92 <= np.mean([each.contains(truth) for each in found]) <= 1
