"""The image pool's law: new ones until it is full, then an old one half the time."""

import torch

from pryproof.generation.image_pool import ImagePool, Labelled
from pryproof.models.randomness import torch_generator


def numbered(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count, dtype=torch.float32).reshape(-1, 1, 1, 1)


def test_until_it_is_full_the_new_ones_come_back():
    pool = ImagePool(10)
    images = numbered(0, 10)
    assert torch.equal(pool.exchange(images, generator=torch_generator(0, "a")), images)


def test_then_half_are_old_and_each_comes_back_once():
    pool = ImagePool(50)
    pool.exchange(numbered(0, 50), generator=torch_generator(0, "fill"))
    images = numbered(50, 4000)
    returned = pool.exchange(images, generator=torch_generator(0, "draw"))
    old = (returned != images).float().mean().item()
    assert 0.46 < old < 0.54
    values = returned.flatten().tolist()
    held = [image.item() for image in pool.held]
    assert len(pool.held) == 50
    assert sorted([*values, *held]) == list(range(4050))  # nothing is lost, nothing doubled


def test_an_empty_pool_passes_everything_on():
    images = numbered(0, 5)
    assert ImagePool(0).exchange(images, generator=torch_generator(0, "a")) is images


def test_what_is_held_carries_no_gradient():
    pool = ImagePool(2)
    images = numbered(0, 2).requires_grad_(requires_grad=True)
    assert not pool.exchange(images * 2, generator=torch_generator(0, "a")).requires_grad


def test_labels_stay_with_their_images():
    pool = ImagePool(10)
    for first in range(0, 200, 8):
        images = numbered(first, 8)
        shown = pool.exchange_labelled(
            Labelled(images, images.flatten().long()), generator=torch_generator(0, first)
        )
        assert torch.equal(shown.images.flatten().long(), shown.labels)
    assert [int(image.item()) for image in pool.held] == pool.labels


def test_what_is_restored_is_what_was_held():
    pool, other = ImagePool(10), ImagePool(10)
    pool.exchange(numbered(0, 6), generator=torch_generator(0, "a"))
    other.restore(pool.arrays())
    assert torch.equal(torch.stack(other.held), torch.stack(pool.held))
    other.restore(ImagePool(10).arrays())
    assert other.held == []
