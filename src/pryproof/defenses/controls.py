"""Controls: as many images added as there are fakes, but none of a generator's.

They answer "is it the method, or merely more data?": noise is more data without content, copies
are more data without news, extra reals are the best that any generator could hope for.
"""

import numpy as np
from jaxtyping import Int64, UInt8

from pryproof import seeds
from pryproof.augment.static import static_copies
from pryproof.defenses.fakes import (
    DRAWN,
    EXTRA,
    FAKE,
    MOVED,
    NOISE,
    NOISED,
    REAL,
    RELABELLED,
    TrainingSet,
    joined,
    of_images,
)
from pryproof.models.randomness import torch_generator

NOISE_SD = 8.0  # of the pixel noise, in grey levels of 255


def noise_added(reals: TrainingSet, *, count: int, seed: int) -> TrainingSet:
    """Add ``count`` images of independent uniform pixels, with the reals' mix of labels."""
    labels = reals.labels[_spread(reals, count, seed)]
    shape = (count, *reals.images.shape[1:])
    pixels = seeds.generator(seed, "noise images").integers(0, 256, shape, dtype=np.uint8)
    drawn = of_images(pixels, labels, source=NOISE, made_by=DRAWN, seed=seed)
    return joined(reals, drawn)


def noisy_copies_added(
    reals: TrainingSet, *, count: int, seed: int, deviation: float = NOISE_SD
) -> TrainingSet:
    """Add ``count`` copies of reals with normal pixel noise (standard deviation in grey levels)."""
    rows = _spread(reals, count, seed)
    shape = (count, *reals.images.shape[1:])
    noise = seeds.generator(seed, "pixel noise").standard_normal(shape, dtype=np.float32)
    pixels = np.rint(reals.images[rows] + np.float32(deviation) * noise).clip(0, 255)
    return _with_copies(reals, pixels.astype(np.uint8), rows, made_by=NOISED, seed=seed)


def copies_added(reals: TrainingSet, *, count: int, seed: int, padding: int) -> TrainingSet:
    """Add ``count`` crops and flips of reals, drawn once."""
    rows = _spread(reals, count, seed)
    draws = torch_generator(seed, "copies added")
    copies = static_copies(reals.images[rows], padding=padding, generator=draws)
    return _with_copies(reals, copies.images, rows, made_by=MOVED, seed=seed)


def relabelled(plain: TrainingSet, *, seed: int) -> TrainingSet:
    """Permute the labels of the fakes among them; the reals stay."""
    fakes = plain.take(plain.source == FAKE)
    order = seeds.generator(seed, "labels").permutation(len(fakes))
    permuted = of_images(
        fakes.images,
        fakes.labels[order],
        source=FAKE,
        index=fakes.index,
        made_by=RELABELLED,
        seed=seed,
    )
    return joined(plain.take(plain.source != FAKE), permuted)


def extra_added(
    reals: TrainingSet,
    images: UInt8[np.ndarray, "extra height width channels"],
    labels: Int64[np.ndarray, " extra"],
) -> TrainingSet:
    """Add further real images, which nothing else may use."""
    return joined(reals, of_images(images, labels, source=EXTRA))


def _with_copies(
    reals: TrainingSet,
    pixels: np.ndarray,
    rows: Int64[np.ndarray, " copies"],
    *,
    made_by: int,
    seed: int,
) -> TrainingSet:
    copies = of_images(
        pixels,
        reals.labels[rows],
        source=REAL,
        index=reals.index[rows],
        made_by=made_by,
        seed=seed,
    )
    return joined(reals, copies)


def _spread(of: TrainingSet, count: int, seed: int) -> Int64[np.ndarray, " count"]:
    """Choose ``count`` rows at random, with the mix of labels of the whole, none twice too often.

    Rows are dealt out by their share of the way through their own class, round after round.
    """
    order = seeds.generator(seed, "chosen").permutation(len(of))
    place = np.empty(len(of))
    for label in np.unique(of.labels):
        own = order[of.labels[order] == label]
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    dealt = order[np.argsort(place[order], kind="stable")]
    return np.resize(dealt, count)
