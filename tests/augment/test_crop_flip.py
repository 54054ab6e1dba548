"""Crop and flip against a loop written from its definition, and the laws of its draws."""

import torch

from pryproof.augment.crop_flip import crop_flip
from pryproof.models.randomness import torch_generator


def test_every_result_is_one_of_all_shifts_and_mirrors():
    image = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    padded = torch.zeros(5, 5)
    padded[1:4, 1:4] = image[0, 0]
    views = [padded[r : r + 3, c : c + 3] for r in range(3) for c in range(3)]
    possible = {tuple(v.flatten().tolist()) for view in views for v in (view, view.flip(1))}
    draws = torch_generator(0, "crop")
    found = crop_flip(image.repeat(500, 1, 1, 1), padding=1, generator=draws)
    seen = {tuple(view.flatten().tolist()) for view in found}
    assert seen == possible  # all 18, and nothing else


def test_samples_are_drawn_apart_and_the_argument_is_left_alone():
    images = torch.rand(64, 3, 8, 8, generator=torch_generator(1, "images"))
    before = images.clone()
    first = crop_flip(images, padding=2, generator=torch_generator(0, "a"))
    again = crop_flip(images, padding=2, generator=torch_generator(0, "a"))
    other = crop_flip(images, padding=2, generator=torch_generator(0, "b"))
    assert torch.equal(images, before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    same = crop_flip(images[:1].repeat(64, 1, 1, 1), padding=2, generator=torch_generator(0, "a"))
    assert len({tuple(view.flatten().tolist()) for view in same}) > 20


def test_no_padding_leaves_image_or_mirror():
    images = torch.rand(32, 1, 4, 4, generator=torch_generator(1, "images"))
    found = crop_flip(images, padding=0, generator=torch_generator(0, "a"))
    mirrored = [torch.equal(f, i.flip(2)) for f, i in zip(found, images, strict=True)]
    kept = [torch.equal(f, i) for f, i in zip(found, images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 5 < sum(mirrored) < 27
