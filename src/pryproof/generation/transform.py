"""Carry images from one privacy domain to the other with a trained CycleGAN."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from pryproof.checks import DataError
from pryproof.generation.pixels import stored
from pryproof.generation.settings import CycleGanSettings
from pryproof.models.cycle_gan import cycle_generator
from pryproof.models.randomness import global_draws
from pryproof.training.keeper import within
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
    labels: Int64[np.ndarray, " samples"] | None = None,
) -> UInt8[np.ndarray, "samples height width channels"]:
    """Map every image by the generator of ``direction``; an answer depends on its image alone.

    A conditional transform needs the images' ``labels`` (E046 without); another one ignores them.
    The result is not anonymised: cycle consistency asks that the image can be recovered from it.
    """
    own = within(f"{direction}.", weights)
    classes = _classes(own, labels, len(images)) if settings.conditional else 0
    with global_draws(0, "cycle-gan", "unused"):  # building draws weights that are replaced below
        generator = cycle_generator(
            shape,
            width=settings.channels,
            blocks=settings.blocks,
            downs=settings.downs,
            stem=settings.stem,
            skip=settings.skip,
            classes=classes,
        )
    with_weights(generator, own).eval()
    result = np.zeros_like(images)
    with torch.inference_mode():
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            given = [scaled(_full(images[part]))]
            if classes and labels is not None:
                given.append(_full(labels[part]))
            result[part] = stored(generator(*given))[: len(images[part])]
    return result


def _full(part: np.ndarray) -> torch.Tensor:
    """Fill a part up to ``CHUNK`` rows by repeating it."""
    return torch.from_numpy(np.resize(part, (CHUNK, *part.shape[1:])))


def _classes(own: Mapping[str, np.ndarray], labels: np.ndarray | None, images: int) -> int:
    """Return how many classes a conditional generator knows; refuse labels it cannot answer."""
    tables = [len(table) for name, table in own.items() if name.endswith("by_label.weight")]
    if not tables:
        raise DataError(
            "E046",
            "a conditional transform needs weights that were trained with conditional, "
            "and these were not",
            where="transform.conditional",
            fix="Train the transform again, or set conditional to false.",
        )
    if labels is None:
        raise DataError(
            "E046",
            f"a conditional transform needs the label of every one of {images} images, got none",
            where="transform.conditional",
            fix="Give labels, or train with conditional set to false.",
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < tables[0]:
        raise DataError(
            "E056",
            f"labels must lie in 0 to {tables[0] - 1}, got {labels.min()} to {labels.max()}",
            fix="Train with classes set to the number of all classes.",
        )
    return tables[0]
