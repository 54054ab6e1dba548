"""Random crop with zero padding and horizontal flip, drawn per sample (methods section 9)."""

import torch
from jaxtyping import Float
from torch.nn import functional


def crop_flip(
    images: Float[torch.Tensor, "batch channels height width"],
    *,
    padding: int,
    generator: torch.Generator,
) -> Float[torch.Tensor, "batch channels height width"]:
    """Shift every image by up to ``padding`` pixels each way and mirror half of them.

    What a shift uncovers is zero, the value padding has in the field's reference recipes; images
    are scaled to [-1, 1], so zero is mid-gray.
    """
    count, _, height, width = images.shape
    padded = functional.pad(images, (padding,) * 4)
    shift = torch.randint(0, 2 * padding + 1, (2, count, 1), generator=generator)
    mirror = torch.rand(count, 1, generator=generator) < 0.5
    rows = shift[0] + torch.arange(height)
    columns = torch.arange(width).expand(count, width)
    columns = torch.where(mirror, width - 1 - columns, columns) + shift[1]
    # advanced indexing on a channels-last view gathers whole pixels
    pixels = padded.permute(0, 2, 3, 1)[
        torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return pixels.permute(0, 3, 1, 2)
