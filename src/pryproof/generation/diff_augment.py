"""DiffAugment (Zhao et al. 2020, methods 6.4): what the discriminator sees, shifted and cut.

Real and fake images pass the same random policy, in the updates of both networks, so the
discriminator cannot learn few images by heart and the generator never learns the augmentation.
"""

import torch
from jaxtyping import Float

Images = Float[torch.Tensor, "batch channels height width"]


def diff_augment(images: Images, *, generator: torch.Generator, cutout: bool = True) -> Images:
    """Shift each image by up to an eighth of its side, then blank a square of half its side.

    What is uncovered is zero, mid-gray on images in [-1, 1]. Gradients flow to the pixels left.
    Without ``cutout`` images are shifted only: weaker, and quicker to learn under.

    >>> images = torch.ones(2, 1, 8, 8)
    >>> sorted(set(diff_augment(images, generator=torch.Generator()).flatten().tolist()))
    [0.0, 1.0]
    """
    shifted = _shifted(images, generator)
    return _cut(shifted, generator) if cutout else shifted


def _shifted(images: Images, generator: torch.Generator) -> Images:
    count, channels, height, width = images.shape
    down = _offsets(count, height // 8, generator)
    right = _offsets(count, width // 8, generator)
    place = images.device
    rows = (torch.arange(height) - down).to(place)
    columns = (torch.arange(width) - right).to(place)
    inside = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    flat = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None, :]
    # one row a pixel: a single gather forward, a single scatter backward
    first = torch.arange(count, device=place)[:, None, None] * (height * width)
    pixels = images.permute(0, 2, 3, 1).reshape(-1, channels)
    moved = pixels.index_select(0, (flat + first).flatten())
    moved = moved.reshape(count, height, width, channels) * inside[..., None]
    return moved.permute(0, 3, 1, 2)


def _cut(images: Images, generator: torch.Generator) -> Images:
    count, _, height, width = images.shape
    inside_rows = _span(count, height, generator)
    inside_columns = _span(count, width, generator)
    keep = ~(inside_rows[:, :, None] & inside_columns[:, None, :])
    return images * keep[:, None].to(images.device)


def _span(count: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """Mark half a side around a centre anywhere on it; at the border the square is cut off."""
    length = side // 2
    centre = torch.randint(0, side + (1 - length % 2), (count, 1), generator=generator)
    first = centre - length // 2
    place = torch.arange(side)
    return (place >= first) & (place < first + length)


def _offsets(count: int, most: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(-most, most + 1, (count, 1), generator=generator)


def _within(index: torch.Tensor, side: int) -> torch.Tensor:
    return (index >= 0) & (index < side)
