"""Moving images: either direction by its own weights, each image for itself."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.generation.settings import CycleGanSettings
from pryproof.generation.transform import CHUNK, transform
from pryproof.models.cycle_gan import cycle_generator
from pryproof.models.randomness import global_draws
from pryproof.training.predict import weights_of

SETTINGS = CycleGanSettings(channels=4, blocks=1, downs=2, stem=3)


def images(count: int, shape: tuple[int, int, int]) -> np.ndarray:
    return seeds.generator(0, "images").integers(0, 256, (count, *shape), dtype=np.uint8)


def weights(shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    found = {}
    for direction in ("s2r", "r2s"):
        with global_draws(0, direction):
            network = cycle_generator(shape, width=4, blocks=1, downs=2, stem=3)
        found |= {f"{direction}.{name}": value for name, value in weights_of(network).items()}
    return found


@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 20, 3), (64, 64, 3)])
def test_shapes_and_directions(shape):
    given = images(5, shape)
    s2r, r2s = (
        transform(weights(shape), given, direction=direction, settings=SETTINGS, shape=shape)
        for direction in ("s2r", "r2s")
    )
    assert s2r.shape == given.shape
    assert s2r.dtype == np.uint8
    assert not np.array_equal(s2r, r2s)


def test_an_image_is_mapped_for_itself():
    shape = (20, 20, 1)
    given = images(CHUNK + 20, shape)
    before = given.copy()
    whole = transform(weights(shape), given, direction="s2r", settings=SETTINGS, shape=shape)
    alone = transform(weights(shape), given[-1:], direction="s2r", settings=SETTINGS, shape=shape)
    assert np.array_equal(whole[-1:], alone)
    assert np.array_equal(given, before)


def test_nothing_in_nothing_out():
    shape = (20, 20, 1)
    given = images(0, shape)
    moved = transform(weights(shape), given, direction="s2r", settings=SETTINGS, shape=shape)
    assert moved.shape == (0, *shape)
