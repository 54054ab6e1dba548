"""A pool of earlier fakes (Shrivastava et al. 2017): a discriminator must not forget them."""

from typing import final

import torch
from jaxtyping import Float

Images = Float[torch.Tensor, "batch channels height width"]


@final
class ImagePool:
    """Hold up to ``size`` earlier images; size 0 holds none."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held: list[torch.Tensor] = []

    def exchange(self, images: Images, *, generator: torch.Generator) -> Images:
        """Return as many images: until the pool is full the new ones, then half of them old ones.

        An old image that is returned leaves its place to the new one.
        """
        if self.size == 0:
            return images
        swap = (torch.rand(len(images), generator=generator) < 0.5).tolist()
        places = torch.randint(self.size, (len(images),), generator=generator).tolist()
        chosen = []
        for image, swapped, place in zip(images.detach(), swap, places, strict=True):
            if len(self.held) < self.size:
                self.held.append(image)
                chosen.append(image)
            elif swapped:
                chosen.append(self.held[place])
                self.held[place] = image
            else:
                chosen.append(image)
        return torch.stack(chosen).contiguous(memory_format=torch.channels_last)
