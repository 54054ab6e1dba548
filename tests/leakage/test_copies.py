"""Planted copies are found, fresh images are not."""

import io

import numpy as np
import pytest
from PIL import Image

from pryproof.checks import DataError
from pryproof.data.sources import read
from pryproof.leakage.copies import copies

IMAGES = read("embedded:fashion-mnist").samples.images[:1200]
TRAIN, FRESH = IMAGES[:300], IMAGES[900:930]


def recompressed(image):
    file = io.BytesIO()
    Image.fromarray(image[:, :, 0]).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))[:, :, None]


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda image: image, 0.95),
        (lambda image: image[:, ::-1], 0.95),
        (lambda image: np.roll(image, (2, -2), (0, 1)), 0.95),
        (recompressed, 0.9),
        (lambda image: (image * 0.85 + 12).astype(np.uint8), 0.9),
        (lambda image: np.roll(image[:, ::-1], 2, 0), 0.95),
        (lambda image: np.roll(image, (-1, 2), (0, 1)), 0.95),
    ],
    ids=["exact", "flip", "shift", "jpeg", "contrast", "flip and shift", "odd shift"],
)
def test_planted_copies_are_found(change, least):
    fakes = np.stack([np.ascontiguousarray(change(image)) for image in TRAIN[:30]])
    found = copies(fakes, TRAIN, FRESH)
    right = found.fakes.copy & (found.fakes.index == np.arange(30))
    assert right.mean() >= least
    assert found.copying
    assert found.holdout.rate.value <= 0.1


def test_fresh_images_raise_no_alarm():
    assert not copies(IMAGES[960:990], TRAIN, FRESH).copying


def test_many_fakes_of_one_image_are_one_piece_of_evidence():
    once, often = TRAIN[[5]], np.repeat(TRAIN[[5]], 30, axis=0)
    fakes = np.concatenate([IMAGES[960:990], often])
    found = copies(fakes, TRAIN, FRESH).fakes
    alone = copies(np.concatenate([IMAGES[960:990], once]), TRAIN, FRESH).fakes
    assert found.copy[30:].all()
    assert found.rate.value > 0.4
    assert found.rate.low < 0.1
    assert alone.rate.low < 0.01


def test_shapes_must_agree():
    with pytest.raises(DataError, match="one shape"):
        copies(TRAIN[:, :20], TRAIN, FRESH)


def test_small_images_are_refused():
    with pytest.raises(DataError, match="14 pixels"):
        copies(TRAIN[:, :12], TRAIN[:, :12], FRESH[:, :12])
