"""Variety within a class: equal for equal sets, zero for a collapsed generator."""

import math

import numpy as np
import pytest

from pryproof import seeds
from pryproof.generation.diversity import diversity

REAL = seeds.generator(0, "diversity").integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
LABELS = np.arange(40) % 2


def test_the_same_images_are_as_varied():
    facts = diversity(REAL, LABELS, REAL, LABELS, classes=2)
    assert facts["diversity_ratio"] == facts["diversity_ratio_least"] == 1.0


def test_two_images_by_hand():
    real = np.array([0, 6], dtype=np.uint8).reshape(2, 1, 1, 1)
    fake = np.array([1, 3], dtype=np.uint8).reshape(2, 1, 1, 1)
    labels = np.zeros(2, dtype=np.int64)
    facts = diversity(real, labels, fake, labels, classes=1)
    assert facts["diversity_real"] == pytest.approx(math.sqrt(18))
    assert facts["diversity_ratio"] == pytest.approx(1 / 3)


def test_a_collapsed_class_shows():
    fake = REAL.copy()
    fake[LABELS == 1] = 128
    facts = diversity(REAL, LABELS, fake, LABELS, classes=2)
    assert facts["diversity_ratio_least"] == 0.0
    assert facts["diversity_ratio"] == pytest.approx(0.5, abs=0.05)


def test_nothing_to_compare_is_not_a_number():
    facts = diversity(REAL[:1], LABELS[:1], REAL, LABELS, classes=2)
    assert all(math.isnan(value) for value in facts.values())
