"""Carry images from one privacy domain to the other with a trained CycleGAN."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8

from pryproof.generation.pixels import stored
from pryproof.generation.settings import CycleGanSettings
from pryproof.models.cycle_gan import cycle_generator
from pryproof.models.randomness import global_draws
from pryproof.training.loop import scaled
from pryproof.training.predict import with_weights

Direction = Literal["s2r", "r2s"]  # safe to risky, risky to safe
CHUNK = 100  # images a forward pass, always: the last pass is filled up


def transform(
    weights: Mapping[str, np.ndarray],
    images: UInt8[np.ndarray, "samples height width channels"],
    *,
    direction: Direction,
    settings: CycleGanSettings,
    shape: tuple[int, int, int],
) -> UInt8[np.ndarray, "samples height width channels"]:
    """Map every image by the generator of ``direction``; an answer depends on its image alone.

    The result is not anonymised: cycle consistency asks that the image can be recovered from it.
    """
    with global_draws(0, "cycle-gan", "unused"):  # building draws weights that are replaced below
        generator = cycle_generator(
            shape,
            width=settings.channels,
            blocks=settings.blocks,
            downs=settings.downs,
            stem=settings.stem,
            skip=settings.skip,
        )
    prefix = f"{direction}."
    own = {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}
    with_weights(generator, own).eval()
    result = np.zeros_like(images)
    with torch.inference_mode():
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            full = torch.from_numpy(np.resize(part, (CHUNK, *shape)))
            result[start : start + CHUNK] = stored(generator(scaled(full)))[: len(part)]
    return result
