"""Moving images: either direction by its own weights, each image for itself."""

from dataclasses import replace

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.generation.settings import CycleGanSettings
from pryproof.generation.transform import CHUNK, transform
from pryproof.models.cycle_gan import cycle_generator
from pryproof.models.randomness import global_draws
from pryproof.training.predict import weights_of

SETTINGS = CycleGanSettings(channels=4, blocks=1, downs=2, stem=3)


def images(count: int, shape: tuple[int, int, int]) -> np.ndarray:
    return seeds.generator(0, "images").integers(0, 256, (count, *shape), dtype=np.uint8)


def weights(shape: tuple[int, int, int], classes: int = 0) -> dict[str, np.ndarray]:
    found = {}
    for direction in ("s2r", "r2s"):
        with global_draws(0, direction):
            network = cycle_generator(shape, width=4, blocks=1, downs=2, stem=3, classes=classes)
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


def conditional(labels: np.ndarray | None, *, classes: int = 3) -> np.ndarray:
    shape, settings = (20, 20, 1), replace(SETTINGS, conditional=True)
    found = weights(shape, classes)
    for name, table in found.items():
        if name.endswith("by_label.weight"):
            found[name] = table * 50
    return transform(
        found, images(3, shape), direction="s2r", settings=settings, shape=shape, labels=labels
    )


def test_the_label_chooses_how_an_image_is_mapped():
    zeros, mixed = conditional(np.zeros(3, dtype=np.int64)), conditional(np.array([0, 1, 2]))
    assert np.array_equal(zeros[0], mixed[0])
    assert not np.array_equal(zeros[1], mixed[1])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, r"E046.*label of every one of 3 images.*Give labels"),
        (np.array([0, 1, 3]), r"E056.*0 to 2, got 0 to 3"),
        (np.array([0, -1, 2]), r"E056.*got -1 to 2"),
    ],
)
def test_labels_that_are_missing_or_unknown_are_refused(labels, words):
    with pytest.raises(DataError, match=words):
        conditional(labels)


def test_weights_that_know_no_label_are_refused():
    with pytest.raises(DataError, match=r"E046.*trained with conditional"):
        conditional(np.zeros(3, dtype=np.int64), classes=0)
