"""Static augmentation: copies drawn once before training, instead of the originals (methods 9)."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from pryproof.augment.crop_flip import crop_flip
from pryproof.checks import ConfigurationError

GREY = 128  # zero of [-1, 1] is 127.5, no stored value; of its two neighbours, the upper
CHUNK = 1000  # images drawn at a time; fixed, because draws go on from one chunk to the next


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Augmented images, copy after copy of the whole set; ``source_index`` names the original."""

    images: UInt8[np.ndarray, "rows height width channels"]
    source_index: Int64[np.ndarray, " rows"]


def static_copies(
    images: UInt8[np.ndarray, "samples height width channels"],
    *,
    padding: int,
    copies: int = 1,
    generator: torch.Generator,
) -> Copies:
    """Crop and flip every image ``copies`` times, each time with a draw of its own.

    The originals are not included: one copy replaces them, eight make a set eight times as large.
    The draws of the first copy do not depend on how many follow. What a shift uncovers is 128 (the
    dynamic augmentation shows zero in [-1, 1], which lies between 127 and 128). A padding of 0
    copies the images as they are. Raises ConfigurationError for a negative padding or no copy.

    >>> grey = np.full((2, 4, 4, 1), 128, np.uint8)
    >>> drawn = static_copies(grey, padding=2, copies=3, generator=torch.Generator())
    >>> drawn.images.shape, drawn.source_index.tolist()
    ((6, 4, 4, 1), [0, 1, 0, 1, 0, 1])
    """
    if copies < 1 or padding < 0:
        raise ConfigurationError(
            "E044",
            f"copies must be 1 or more and padding 0 or more, got {copies} and {padding}",
            fix="Choose 1 or 8 copies, and the padding of the dynamic augmentation.",
        )
    drawn = [_copy(images, padding=padding, generator=generator) for _ in range(copies)]
    return Copies(
        images=np.concatenate(drawn), source_index=np.tile(np.arange(len(images)), copies)
    )


def _copy(images: np.ndarray, *, padding: int, generator: torch.Generator) -> np.ndarray:
    if not padding:
        return images.copy()
    parts = []
    for start in range(0, len(images), CHUNK):
        pixels = torch.from_numpy(images[start : start + CHUNK]).permute(0, 3, 1, 2).float()
        # around grey, so that the zeros of the padding become grey; whole numbers stay exact
        moved = crop_flip(pixels - GREY, padding=padding, generator=generator) + GREY
        parts.append(moved.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy())
    return np.concatenate(parts) if parts else images.copy()
