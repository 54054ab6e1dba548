"""Static copies: what they hold, where each comes from, and that draws are independent."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.augment.static import CHUNK, GREY, static_copies
from pryproof.checks import ConfigurationError
from pryproof.models.randomness import torch_generator


def drawn(images, **options):
    return static_copies(images, generator=torch_generator(0, "static"), **options)


def images_of(count: int, channels: int = 1) -> np.ndarray:
    return seeds.generator(0, "images").integers(0, 256, (count, 6, 5, channels), dtype=np.uint8)


def views(image: np.ndarray, padding: int) -> set[bytes]:
    """Return all shifts and mirrors of an image, written as loops."""
    height, width, channels = image.shape
    padded = np.full((height + 2 * padding, width + 2 * padding, channels), GREY, np.uint8)
    padded[padding : padding + height, padding : padding + width] = image
    shifts = range(2 * padding + 1)
    cut = [padded[r : r + height, c : c + width] for r in shifts for c in shifts]
    return {view.tobytes() for one in cut for view in (one, one[:, ::-1])}


def test_every_copy_is_a_shift_or_mirror_of_its_source():
    images = images_of(20, channels=3)
    copies = drawn(images, padding=1, copies=8)
    assert copies.images.dtype == np.uint8
    assert copies.images.shape == (160, 6, 5, 3)
    assert copies.source_index.tolist() == list(range(20)) * 8
    for view, source in zip(copies.images, copies.source_index, strict=True):
        assert view.tobytes() in views(images[source], 1)


def test_copies_are_drawn_apart_and_the_first_is_the_single_one():
    images = images_of(40)
    one, eight = drawn(images, padding=2), drawn(images, padding=2, copies=8)
    assert len(one.images) == 40
    assert np.array_equal(one.images, eight.images[:40])
    rounds = eight.images.reshape(8, 40, -1)
    kinds = [len(np.unique(rounds[:, sample], axis=0)) for sample in range(40)]
    assert np.mean(kinds) > 6  # of 50 views each, eight draws seldom meet
    assert not np.array_equal(rounds[0], rounds[1])


def test_many_images_are_drawn_in_chunks():
    images = images_of(CHUNK + 3)
    copies = drawn(images, padding=1)
    assert copies.images[-1].tobytes() in views(images[-1], 1)


def test_without_padding_images_stay_as_they_are():
    images = images_of(3)
    copies = drawn(images, padding=0, copies=2)
    assert np.array_equal(copies.images, np.concatenate([images, images]))
    assert not np.shares_memory(copies.images, images)


@pytest.mark.parametrize("options", [{"padding": 1, "copies": 0}, {"padding": -1}])
def test_no_copy_and_negative_padding_are_refused(options):
    with pytest.raises(ConfigurationError, match="copies must be 1 or more"):
        drawn(images_of(2), **options)
