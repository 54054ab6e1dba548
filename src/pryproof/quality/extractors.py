"""Feature spaces in which images are compared, none of them trained on the members.

A network that saw the members sets them apart from all other images, so whatever is measured in
its features mixes quality with membership. "pixels" and "gradients" are trained on nothing;
``trained_extractor`` learns from images that are no members; ``inception`` reads a file.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import nn

from pryproof.checks import DataError, known_name
from pryproof.models.resolve import Make, build
from pryproof.training.defense import Defense
from pryproof.training.loop import Progress, scaled, silent, train
from pryproof.training.predict import CHUNK
from pryproof.training.recipe import Recipe

Images = UInt8[np.ndarray, "images height width channels"]
Features = Float32[np.ndarray, "images features"]

GRID = 4  # cells a side
ORIENTATIONS = 8  # of a gradient without its sign
RECIPE = Recipe(epochs=15)


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """A named map from stored images to features; equal images give equal features.

    ``frechet`` is what the Fréchet distance in these features is called.
    """

    name: str
    extract: Callable[[Images], Features]
    frechet: str

    def __call__(self, images: Images) -> Features:
        """Return the features of every image."""
        if not len(images):
            raise DataError("E056", "features need images, got none", fix="Give at least one.")
        return self.extract(images)


def pixels(images: Images) -> Features:
    """Return every pixel, scaled to [-1, 1].

    >>> pixels(np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)).tolist()
    [[-1.0, 1.0]]
    """
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(127.5) - np.float32(1)


def gradients(images: Images) -> Features:
    """Return where edges of which direction are, and what colour: 120 numbers a channel and more.

    On a grid of 4 x 4 cells: the energy of gray gradients in 8 directions, at full and at half
    resolution, as a root (so in units of the full range); mean and spread of every channel.
    Images need sides of 8 pixels or more.

    >>> gradients(np.zeros((2, 32, 32, 3), np.uint8)).shape
    (2, 352)
    """
    if min(images.shape[1:3]) < 2 * GRID:
        raise DataError(
            "E052",
            f"gradient features need sides of {2 * GRID} pixels or more, got "
            f"{images.shape[1]} x {images.shape[2]}",
            fix="Enlarge the images, or use the features called pixels.",
        )
    parts = [_gradients(images[at : at + CHUNK]) for at in range(0, len(images), CHUNK)]
    return np.concatenate(parts)


def _gradients(images: Images) -> Features:
    shades = images.astype(np.float32) / np.float32(255)
    gray = shades.mean(axis=3)
    mean = _by_cell(shades)
    spread = np.sqrt(np.maximum(_by_cell(shades**2) - mean**2, 0))
    parts = [_edges(gray), _edges(_halved(gray)), mean, spread]
    return np.concatenate([part.reshape(len(images), -1) for part in parts], axis=1)


def _edges(gray: Float[np.ndarray, "images height width"]) -> Float[np.ndarray, "images _ _ _"]:
    """Share every pixel's squared gradient between the two directions next to its own."""
    down, right = np.gradient(gray, axis=(1, 2))
    angle = np.arctan2(down, right) * np.float32(ORIENTATIONS / np.pi)
    energy = down**2 + right**2
    shares = [
        np.maximum(1 - np.abs((angle - bin_ + half) % ORIENTATIONS - half), 0) * energy
        for half in (np.float32(ORIENTATIONS / 2),)
        for bin_ in range(ORIENTATIONS)
    ]
    return np.sqrt(_by_cell(np.stack(shares, axis=3)))


def _by_cell(values: Float[np.ndarray, "images height width parts"]) -> np.ndarray:
    """Return the mean over each cell of the grid."""
    for axis in (1, 2):
        edges = np.arange(GRID + 1) * values.shape[axis] // GRID
        sums = np.add.reduceat(values, edges[:-1], axis=axis)
        lengths = np.diff(edges).astype(np.float32)
        values = sums / lengths.reshape([-1 if place == axis else 1 for place in range(4)])
    return values


def _halved(gray: Float[np.ndarray, "images height width"]) -> np.ndarray:
    n, height, width = gray.shape
    even = gray[:, : height // 2 * 2, : width // 2 * 2]
    return even.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


EXTRACTORS: dict[str, Callable[[Images], Features]] = {"pixels": pixels, "gradients": gradients}


def extractor(name: str) -> Extractor:
    """Return an extractor of ``EXTRACTORS``, which need no training and no file.

    >>> extractor("gradients").frechet
    'FD[gradients]'
    """
    known_name(name, EXTRACTORS, kind="extractor")
    return named(name, EXTRACTORS[name])


def named(name: str, extract: Callable[[Images], Features]) -> Extractor:
    """Name a map to features; its Fréchet distance is called FD[name]."""
    return Extractor(name=name, extract=extract, frechet=f"FD[{name}]")


def trained_extractor(
    images: Images,
    labels: Int64[np.ndarray, " images"],
    *,
    classes: int,
    seed: int,
    model: str | Make = "small_resnet",
    defense: Defense | None = None,
    recipe: Recipe = RECIPE,
    progress: Progress = silent,
) -> Extractor:
    """Train a classifier on images that are no members; its features are what its head is given.

    ``defense`` may bring augmentation. Leave the images it is trained on out of every comparison:
    it knows them, and would set them apart as it would the members.
    """
    network = build(model, classes=classes, shape=images.shape[1:], seed=seed)
    train(
        network,
        images,
        labels,
        defense=defense or Defense(),
        recipe=recipe,
        seed=seed,
        progress=progress,
    )
    label = model if isinstance(model, str) else getattr(model, "__qualname__", "own")
    return named(f"{label}[held-out]", penultimate(network, classes=classes))


def penultimate(network: nn.Module, *, classes: int) -> Callable[[Images], Features]:
    """Return the map from images to what the network's last linear layer is given.

    Errors: E053 if no linear layer answers one logit a class.
    """
    heads = [
        module
        for module in network.modules()
        if isinstance(module, nn.Linear) and module.out_features == classes
    ]
    if not heads:
        raise DataError(
            "E053",
            f"no linear layer of the network has {classes} outputs, so none is its head",
            fix="Use a network that ends in a linear layer.",
        )
    head = heads[-1]

    def extract(images: Images) -> Features:
        network.eval()
        device = next(network.parameters()).device
        found: list[np.ndarray] = []
        handle = head.register_forward_pre_hook(
            lambda _, given: found.append(given[0].float().flatten(1).cpu().numpy())
        )
        try:
            with torch.inference_mode():
                for start in range(0, len(images), CHUNK):
                    batch = torch.from_numpy(images[start : start + CHUNK])
                    network(scaled(batch.to(device)))
        finally:
            handle.remove()
        return np.concatenate(found)

    return extract
