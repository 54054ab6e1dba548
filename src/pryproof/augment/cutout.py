"""Cutout: hide one square of every image, at a place drawn per sample (methods section 9)."""

import torch
from jaxtyping import Float

from pryproof.checks import ConfigurationError

LENGTH = 8  # published for 100 classes of 32-pixel images; 16 was published for 10 classes


def cutout(
    images: Float[torch.Tensor, "batch channels height width"],
    *,
    length: int = LENGTH,
    generator: torch.Generator,
) -> Float[torch.Tensor, "batch channels height width"]:
    """Set one square of ``length`` pixels a side to zero in every image.

    The centre is uniform over all pixels of the image, so the square is clipped at the borders: a
    side shows between half of ``length`` and all of it. Images are scaled to [-1, 1], so zero is
    mid-grey. An even square reaches one pixel further up and left of its centre than down and
    right. Raises ConfigurationError for a length below 1. Source: DeVries and Taylor 2017.

    >>> draws = torch.Generator().manual_seed(0)
    >>> hidden = cutout(torch.ones(1, 1, 4, 4), length=8, generator=draws)
    >>> int(hidden.sum())
    0
    """
    if length < 1:
        raise ConfigurationError(
            "E044", f"length must be 1 pixel or more, got {length}", fix=f"Leave it at {LENGTH}."
        )
    count, _, height, width = images.shape
    down = _covered(height, length=length, count=count, generator=generator)
    across = _covered(width, length=length, count=count, generator=generator)
    square = (down[:, :, None] & across[:, None, :])[:, None].to(images.device)
    return torch.where(square, torch.zeros((), dtype=images.dtype, device=images.device), images)


def _covered(size: int, *, length: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """Say which places along one axis lie within a sample's square."""
    first = torch.randint(0, size, (count, 1), generator=generator) - length // 2
    places = torch.arange(size)
    return (places >= first) & (places < first + length)
