"""A pool of earlier fakes (Shrivastava et al. 2017): a discriminator must not forget them."""

from collections.abc import Mapping
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int64

Images = Float[torch.Tensor, "batch channels height width"]
Labels = Int64[torch.Tensor, " batch"]


class Labelled(NamedTuple):
    """Images with their labels, or without."""

    images: Images
    labels: Labels | None = None


@final
class ImagePool:
    """Hold up to ``size`` earlier images, with their labels if they have any; size 0 holds none."""

    def __init__(self, size: int, *, device: torch.device | None = None) -> None:
        self.size, self.device = size, device
        self.held: list[torch.Tensor] = []
        self.labels: list[int] = []

    def exchange(self, images: Images, *, generator: torch.Generator) -> Images:
        """Return as many images: until the pool is full the new ones, then half of them old ones.

        An old image that is returned leaves its place to the new one.
        """
        return self.exchange_labelled(Labelled(images), generator=generator).images

    def exchange_labelled(self, new: Labelled, *, generator: torch.Generator) -> Labelled:
        """Do the same with images that keep their labels."""
        images, labels = new
        if self.size == 0:
            return new
        swap = (torch.rand(len(images), generator=generator) < 0.5).tolist()
        places = torch.randint(self.size, (len(images),), generator=generator).tolist()
        named = [0] * len(images) if labels is None else labels.tolist()
        chosen = []
        for image, label, swapped, place in zip(images.detach(), named, swap, places, strict=True):
            if len(self.held) < self.size:
                self.held.append(image)
                self.labels.append(label)
                chosen.append((image, label))
            elif swapped:
                chosen.append((self.held[place], self.labels[place]))
                self.held[place], self.labels[place] = image, label
            else:
                chosen.append((image, label))
        shown = torch.stack([image for image, _ in chosen])
        shown = shown.contiguous(memory_format=torch.channels_last)
        if labels is None:
            return Labelled(shown)
        return Labelled(shown, torch.tensor([label for _, label in chosen]).to(labels.device))

    def arrays(self) -> dict[str, np.ndarray]:
        """Copy what is held; nothing at all while it is empty."""
        if not self.held:
            return {}
        held = torch.stack(self.held).cpu().numpy().copy()
        return {"images": held, "labels": np.array(self.labels, dtype=np.int64)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Hold again what ``arrays`` copied, on the pool's device."""
        self.held, self.labels = [], []
        if arrays:
            self.held = list(torch.from_numpy(arrays["images"].copy()).to(self.device))
            self.labels = arrays["labels"].tolist()
