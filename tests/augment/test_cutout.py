"""Cutout against squares counted by hand, and the laws of its draws."""

import pytest
import torch

from pryproof.augment.cutout import cutout
from pryproof.checks import ConfigurationError
from pryproof.models.randomness import torch_generator


def test_the_squares_are_those_counted_by_hand():
    """On 3 x 3 pixels, length 2 covers the centre, what is above it and what is left of it."""
    possible = set()
    for row in range(3):
        for column in range(3):
            image = torch.ones(3, 3)
            image[max(row - 1, 0) : row + 1, max(column - 1, 0) : column + 1] = 0
            possible.add(tuple(image.flatten().tolist()))
    found = cutout(torch.ones(300, 1, 3, 3), length=2, generator=torch_generator(0, "cut"))
    assert {tuple(view.flatten().tolist()) for view in found} == possible
    hidden = 9 - found.sum(dim=(1, 2, 3))
    assert set(hidden.tolist()) == {1, 2, 4}  # clipped in a corner, at an edge, whole
    # one centre in nine hides one pixel, four hide two, four hide four
    assert hidden.mean().item() == pytest.approx((1 + 4 * 2 + 4 * 4) / 9, abs=0.2)


def test_the_centre_is_uniform_over_all_pixels():
    images = torch.ones(4000, 1, 4, 4)
    hidden = (cutout(images, length=1, generator=torch_generator(0, "cut")) == 0).sum(dim=0)
    assert int(hidden.sum()) == 4000
    assert hidden.min() > 180  # 250 expected of each of the 16 pixels, 15 is a standard deviation
    assert hidden.max() < 320


def test_all_channels_lose_the_same_square_and_the_rest_stays():
    images = torch.rand(32, 3, 8, 8, generator=torch_generator(1, "images")) + 0.1
    before = images.clone()
    found = cutout(images, length=4, generator=torch_generator(0, "cut"))
    again = cutout(images, length=4, generator=torch_generator(0, "cut"))
    assert torch.equal(images, before)
    assert torch.equal(found, again)
    gone = found == 0
    assert torch.equal(gone[:, 0], gone[:, 1])
    assert torch.equal(gone[:, 0], gone[:, 2])
    assert torch.equal(found[~gone], images[~gone])
    assert len({tuple(row.flatten().tolist()) for row in gone[:, 0]}) > 10


def test_a_square_without_a_side_is_refused():
    with pytest.raises(ConfigurationError, match="length must be 1 pixel or more, got 0"):
        cutout(torch.ones(1, 1, 3, 3), length=0, generator=torch_generator(0, "cut"))
