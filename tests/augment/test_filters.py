"""Filters: which way they move an image, on borders, in range, and against a plain loop."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.augment.filters import sharpened, smoothed

IMAGES = seeds.generator(0, "filters").integers(80, 170, (3, 7, 5, 2), dtype=np.uint8)


def roughness(images: np.ndarray) -> float:
    return float(np.square(np.diff(images.astype(float), axis=2)).mean())


def blurred(image: np.ndarray) -> np.ndarray:
    """Blur one channel by its nine neighbours, with repeated borders."""
    height, width = image.shape
    result = np.zeros(image.shape)
    for row in range(height):
        for column in range(width):
            for down, first in ((-1, 1), (0, 2), (1, 1)):
                for right, second in ((-1, 1), (0, 2), (1, 1)):
                    y = min(max(row + down, 0), height - 1)
                    x = min(max(column + right, 0), width - 1)
                    result[row, column] += image[y, x] * first * second / 16
    return result


def test_both_agree_with_a_plain_loop():
    smooth, sharp = smoothed(IMAGES), sharpened(IMAGES)
    for number in range(len(IMAGES)):
        for channel in range(2):
            plain = IMAGES[number, :, :, channel].astype(float)
            soft = blurred(plain)
            hard = 2 * plain - soft
            low = soft.mean() + 0.75 * (soft - soft.mean())
            high = hard.mean() + (hard - hard.mean()) / 0.75
            assert np.abs(smooth[number, :, :, channel] - low).max() <= 0.51
            assert np.abs(sharp[number, :, :, channel] - high.clip(0, 255)).max() <= 0.51


def test_smooth_is_smoother_and_paler_and_sharp_the_opposite():
    assert roughness(smoothed(IMAGES)) < 0.5 * roughness(IMAGES)
    assert roughness(sharpened(IMAGES)) > 1.5 * roughness(IMAGES)
    assert smoothed(IMAGES).std() < IMAGES.std() < sharpened(IMAGES).std()


@pytest.mark.parametrize("filtered", [smoothed, sharpened])
def test_results_are_bytes_in_range_and_an_image_does_not_touch_another(filtered):
    before = IMAGES.copy()
    made = filtered(IMAGES)
    assert made.dtype == np.uint8
    assert made.shape == IMAGES.shape
    assert (before == IMAGES).all()
    assert (filtered(IMAGES[1:2]) == made[1:2]).all()
    checks = np.indices((1, 6, 6, 1)).sum(axis=0) % 2 * 255
    assert set(np.unique(sharpened(checks.astype(np.uint8)))) <= {0, 255}


@pytest.mark.parametrize("filtered", [smoothed, sharpened])
def test_a_flat_image_stays(filtered):
    flat = np.full((2, 4, 4, 3), 77, np.uint8)
    assert (filtered(flat) == 77).all()
    assert len(filtered(flat[:0])) == 0
