"""Draw fake images from a trained TAC-GAN."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from pryproof.generation.pixels import stored
from pryproof.generation.settings import TacGanSettings
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.models.tac_gan import tac_generator
from pryproof.training.predict import with_weights

CHUNK = 100  # images a forward pass, always: the last pass is filled up


def uniform_labels(count: int, classes: int) -> Int64[np.ndarray, " count"]:
    """Return labels as even as they can be, class after class in turn (methods A32).

    >>> uniform_labels(5, 3).tolist()
    [0, 1, 2, 0, 1]
    """
    return np.arange(count, dtype=np.int64) % classes


def sample_tac_gan(
    weights: Mapping[str, np.ndarray],
    labels: Int64[np.ndarray, " samples"],
    *,
    shape: tuple[int, int, int],
    classes: int,
    settings: TacGanSettings,
    seed: int,
) -> UInt8[np.ndarray, "samples height width channels"]:
    """Draw one fake a label, with the stored normalisation statistics.

    Image i depends on the weights, its label, ``seed`` and i alone: the latents of images 100 k to
    100 k + 99 are one named draw, and every pass through the network holds 100 images. So a longer
    list of labels begins with the same images. Give disjoint sets (training fakes, held-out fakes)
    different seeds.
    """
    with global_draws(seed, "tac-gan", "unused"):  # building draws weights that are replaced below
        generator = tac_generator(
            settings.network,
            shape=shape,
            classes=classes,
            width=settings.channels,
            latent=settings.latent,
        )
    with_weights(generator, weights).eval()
    images = np.zeros((len(labels), *shape), dtype=np.uint8)
    with torch.inference_mode():
        for start in range(0, len(labels), CHUNK):
            draws = torch_generator(seed, "tac-gan", "sample", start // CHUNK)
            z = torch.randn(CHUNK, settings.latent, generator=draws)
            part = labels[start : start + CHUNK]
            full = torch.from_numpy(np.resize(part, CHUNK))
            images[start : start + CHUNK] = stored(generator(z, full))[: len(part)]
    return images
