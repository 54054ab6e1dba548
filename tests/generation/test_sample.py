"""Drawing fakes: each depends on its label, its place and the seed, on nothing else."""

import numpy as np
import pytest

from pryproof.generation.sample import CHUNK, sample_tac_gan, uniform_labels
from pryproof.generation.settings import TacGanSettings
from pryproof.models.randomness import global_draws
from pryproof.models.tac_gan import tac_generator
from pryproof.training.predict import weights_of

SETTINGS = TacGanSettings(network="small", channels=4, latent=6)


def sample(labels: np.ndarray, *, seed: int = 0, shape: tuple[int, int, int] = (28, 28, 1)):
    with global_draws(0, "test"):
        generator = tac_generator("small", shape=shape, classes=3, width=4, latent=6)
    return sample_tac_gan(
        weights_of(generator), labels, shape=shape, classes=3, settings=SETTINGS, seed=seed
    )


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_shapes_and_levels(shape):
    images = sample(uniform_labels(7, 3), shape=shape)
    assert images.shape == (7, *shape)
    assert images.dtype == np.uint8


def test_a_longer_list_begins_with_the_same_images():
    short, long = sample(uniform_labels(30, 3)), sample(uniform_labels(CHUNK + 30, 3))
    assert np.array_equal(short, long[:30])
    assert not np.array_equal(long[:30], long[CHUNK:])


def test_changing_one_label_changes_one_image():
    labels = uniform_labels(12, 3)
    changed = labels.copy()
    changed[5] = 0
    before, after = sample(labels), sample(changed)
    assert np.flatnonzero((before != after).any(axis=(1, 2, 3))).tolist() == [5]


def test_seeds():
    labels = uniform_labels(12, 3)
    assert np.array_equal(sample(labels, seed=1), sample(labels, seed=1))
    assert not np.array_equal(sample(labels, seed=1), sample(labels, seed=2))


def test_labels_are_as_even_as_they_can_be():
    counts = np.bincount(uniform_labels(101, 10))
    assert counts.sum() == 101
    assert counts.max() - counts.min() == 1
    assert len(uniform_labels(0, 10)) == len(sample(uniform_labels(0, 3))) == 0
