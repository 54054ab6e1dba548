"""Dynamic crop and flip as a defense: a fresh draw for every sample and epoch."""

import torch

from pryproof.augment.crop_flip import crop_flip
from pryproof.training.defense import Batch


def dynamic_crop_flip(padding: int) -> Batch:
    """Return the batch seam that shifts by up to ``padding`` pixels and mirrors half the images."""

    def batch(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return crop_flip(images, padding=padding, generator=generator)

    return batch
