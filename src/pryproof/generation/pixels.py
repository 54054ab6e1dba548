"""From the networks' [-1, 1] back to stored pixels: one rounding for every image made here."""

import numpy as np
import torch
from jaxtyping import Float, UInt8


def stored(
    images: Float[torch.Tensor, "batch channels height width"],
) -> UInt8[np.ndarray, "batch height width channels"]:
    """Round to the nearest of 256 levels and clip; the inverse of ``training.loop.scaled``.

    >>> stored(torch.tensor([-1.2, -1.0, 0.0, 1.0]).reshape(1, 1, 1, 4)).ravel().tolist()
    [0, 0, 128, 255]
    """
    levels = images.detach().add(1.0).mul(127.5).round().clamp(0.0, 255.0)
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).to(torch.uint8).numpy())
