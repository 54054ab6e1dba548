"""DiffAugment: the policy's law, the same for real and fake, with gradients."""

import pytest
import torch

from pryproof.generation.diff_augment import diff_augment
from pryproof.models.randomness import torch_generator

COUNT, SIDE = 400, 16
IMAGES = torch.rand(COUNT, 2, SIDE, SIDE, generator=torch_generator(0, "x")) + 1.0


def augmented(images, *, cutout=True, name="draw"):
    return diff_augment(images, generator=torch_generator(0, name), cutout=cutout)


def shifted_by(image, down, right):
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2))
    return padded[:, 2 - down : 2 - down + SIDE, 2 - right : 2 - right + SIDE]


def test_every_image_is_shifted_by_up_to_an_eighth():
    moved = augmented(IMAGES, cutout=False)
    found = set()
    for before, after in zip(IMAGES[:60], moved[:60], strict=True):
        offsets = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(after, shifted_by(before, down, right))
        ]
        assert len(offsets) == 1
        found.update(offsets)
    assert len(found) > 15  # of 25


def test_a_square_of_half_the_side_is_blank():
    ones = torch.ones(COUNT, 1, SIDE, SIDE)
    holes = (augmented(ones) == 0).sum(dim=(1, 2, 3))
    assert holes.min() >= 8 * 4 // 2  # cut off by a corner
    whole = (augmented(ones)[:, 0] == 0).sum(dim=(1, 2))
    assert (whole >= 64).float().mean() > 0.2  # centre far enough from every border


def test_real_and_fake_in_one_batch_share_the_policy_and_images_differ():
    twice = augmented(torch.ones(COUNT, 1, SIDE, SIDE))
    first, second = twice.chunk(2)
    assert not torch.equal(first, second)
    assert first.mean().item() == pytest.approx(second.mean().item(), abs=0.05)
    assert torch.equal(twice, augmented(torch.ones(COUNT, 1, SIDE, SIDE)))
    assert not torch.equal(twice, augmented(torch.ones(COUNT, 1, SIDE, SIDE), name="other"))


@pytest.mark.parametrize("cutout", [False, True])
def test_gradients_reach_exactly_the_pixels_left(cutout):
    images = IMAGES.clone().requires_grad_(requires_grad=True)
    result = augmented(images, cutout=cutout)
    result.sum().backward()
    assert set(images.grad.unique().tolist()) == {0.0, 1.0}
    assert images.grad.sum() == (result != 0).sum()


def test_the_images_given_are_left_alone():
    before = IMAGES.clone()
    augmented(IMAGES)
    assert torch.equal(before, IMAGES)
