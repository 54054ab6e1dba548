"""Laying one image on another: what must not matter, and what must."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.leakage.copies_alignment import CELLS, MOVE, coarse, residuals

DRAW = seeds.generator(0, "alignment")
IMAGES = DRAW.integers(60, 190, (6, 20, 22, 3), dtype=np.uint8)
SMOOTH = np.kron(IMAGES[:, :5, :5], np.ones((1, 4, 4, 1), np.uint8))


def own(images, among=IMAGES):
    return residuals(images, among, np.arange(len(images))[:, None])[:, 0]


@pytest.mark.parametrize("shift", [(0, 0), (2, -2), (-MOVE, MOVE)])
def test_moves_and_contrast_explain_everything(shift):
    moved = np.roll(IMAGES, shift, (1, 2)).astype(np.float64)
    changed = (0.5 * moved + np.array([0.0, 40.0, 90.0])).round().astype(np.uint8)
    assert own(np.roll(IMAGES, shift, (1, 2))) == pytest.approx(0, abs=2e-3)
    assert own(changed).max() < 0.02  # whole gray levels


def test_a_further_move_and_another_image_explain_nothing():
    assert own(np.roll(IMAGES, MOVE + 2, 1)).min() > 0.85
    assert own(np.roll(IMAGES, 1, 0)).min() > 0.85


def test_residuals_are_one_less_the_correlation_at_the_best_place():
    one, other = (image.astype(np.float64) for image in IMAGES[:2])

    def unit(window):
        centred = window - window.mean(axis=(0, 1))
        return centred / np.sqrt((centred**2).sum())

    inner = unit(other[MOVE:-MOVE, MOVE:-MOVE])
    height, width = inner.shape[:2]
    best = max(
        (unit(one[y : y + height, x : x + width]) * inner).sum()
        for y in range(2 * MOVE + 1)
        for x in range(2 * MOVE + 1)
    )
    found = residuals(IMAGES[:1], IMAGES, np.array([[1, 1]]))
    np.testing.assert_allclose(found, np.sqrt(1 - best), atol=1e-6)


def test_empty_windows_are_unrelated():
    flat = np.full_like(IMAGES, 7)
    assert (own(flat) == 1).all()
    assert (own(flat, flat) == 1).all()
    assert (coarse(flat) == 0).all()


def test_coarse_is_blurred_means_of_length_one():
    found = coarse(SMOOTH)
    assert found.shape == (6, 3 * CELLS**2)
    np.testing.assert_allclose(np.square(found).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.reshape(6, 3, -1).sum(axis=2), 0, atol=1e-5)


def test_coarse_is_that_of_plain_means():
    image = IMAGES[0, :, :, :1].astype(np.float64)
    blurred = image[:, :, 0]
    for _ in range(2):
        blurred = np.array(
            [
                [
                    blurred[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].mean()
                    for x in range(blurred.shape[1])
                ]
                for y in range(blurred.shape[0])
            ]
        )
    inner = blurred[MOVE:-MOVE, MOVE:-MOVE]

    def edges(side):
        steps = np.arange(CELLS)
        return zip(steps * side // CELLS, -(-(steps + 1) * side // CELLS), strict=True)

    cells = np.array(
        [
            inner[top:bottom, left:right].mean()
            for top, bottom in edges(inner.shape[0])
            for left, right in edges(inner.shape[1])
        ]
    )
    cells -= cells.mean()
    np.testing.assert_allclose(
        coarse(IMAGES[:1, :, :, :1])[0], cells / np.linalg.norm(cells), atol=1e-5
    )
