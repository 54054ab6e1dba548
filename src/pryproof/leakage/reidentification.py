"""Can transformed images be told whose they are? Each T(x) against the image x it was made from.

A transformed image is one to one with its original, so closeness to it is no leak by chance: near
100% re-identified means not anonymised, and such images are no synthetic data to release.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.intervals import two_sided, wilson
from pryproof.records import Estimate

Transformed = UInt8[np.ndarray, "images height width channels"]
Images = UInt8[np.ndarray, "all _ _ _"]
Index = Int64[np.ndarray, " images"]
PerImage = Float64[np.ndarray, " images"]

WINDOW, SPREAD = 11, 1.5  # pixels a side, and the standard deviation of the weights
RANGE = 255.0
LEVELS = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2  # the constants of SSIM (Wang et al. 2004)
ROWS = 500  # of the table of distances at a time
ROUNDING = 1e-12  # of the squared norms of features: equal distances stay equal


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """How alike pairs of images are: SSIM (1 = equal), L2 in [-1, 1] pixels, feature distance."""

    ssim: PerImage
    l2: PerImage
    features: PerImage | None


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """``rate`` is the share of T(x) that no image lies closer to than x; near 1 = not anonymised.

    ``rank`` is the place of x among all images by distance from T(x), 1 = nearest.
    """

    rate: Estimate
    median_rank: Estimate
    rank: Index


@dataclass(frozen=True, kw_only=True)
class Reidentification:
    """Ranks by pixels and, where given, by features; ``chance`` is the rate that guessing gives.

    ``own`` compares T(x) with x, ``random`` with another image drawn from all.
    """

    by_pixels: Ranks
    by_features: Ranks | None
    chance: float
    own: Pairs
    random: Pairs


def reidentification(
    transformed: Transformed,
    images: Images,
    original: Index,
    *,
    features: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int,
    confidence: float = 0.95,
) -> Reidentification:
    """Look for the image that each transformed one was made from.

    ``images`` are all that it may be, train and held-out; ``original`` is the place among them of
    each x. ``features`` are those of ``transformed`` and of ``images``. ``seed`` draws the random
    pairs.
    """
    _refuse_places(transformed, images, original)
    other = seeds.generator(seed, "reidentification", "pairs").integers(
        len(images) - 1, size=len(original)
    )
    other += other >= original  # anyone but x

    def pairs(place: Index) -> Pairs:
        apart = transformed.astype(np.float64) - images[place]
        return Pairs(
            ssim=ssim(transformed, images[place]),
            l2=np.sqrt(np.square(apart / (RANGE / 2)).reshape(len(apart), -1).sum(axis=1)),
            features=None
            if features is None
            else np.linalg.norm(features[0].astype(np.float64) - features[1][place], axis=1),
        )

    flat = transformed.reshape(len(transformed), -1), images.reshape(len(images), -1)
    return Reidentification(
        by_pixels=_ranked(*flat, original, confidence),
        by_features=None if features is None else _ranked(*features, original, confidence),
        chance=1 / len(images),
        own=pairs(original),
        random=pairs(other),
    )


def ssim(first: Transformed, second: Transformed) -> PerImage:
    """Return the structural similarity of pairs of images, the mean over windows and channels.

    1 = equal, about 0 = nothing in common, below 0 = inverted. Gaussian windows of 11 x 11 pixels
    (of the largest odd side that fits, in smaller images) that lie within the image.

    >>> dark, light = np.full((1, 16, 16, 1), 50, np.uint8), np.full((1, 16, 16, 1), 150, np.uint8)
    >>> ssim(dark, dark).tolist(), ssim(dark, light).round(4).tolist()
    ([1.0], [0.6001])
    """
    parts = [
        _ssim(first[at : at + ROWS].astype(np.float64), second[at : at + ROWS].astype(np.float64))
        for at in range(0, len(first), ROWS)
    ]
    return np.concatenate(parts)


def _ssim(a: Float64[np.ndarray, "n h w c"], b: Float64[np.ndarray, "n h w c"]) -> PerImage:
    weights = _weights(min(WINDOW, *(side - 1 + side % 2 for side in a.shape[1:3])))
    mean_a, mean_b = _windowed(a, weights), _windowed(b, weights)
    var_a = _windowed(a * a, weights) - mean_a**2
    var_b = _windowed(b * b, weights) - mean_b**2
    shared = _windowed(a * b, weights) - mean_a * mean_b
    level = (2 * mean_a * mean_b + LEVELS[0]) / (mean_a**2 + mean_b**2 + LEVELS[0])
    structure = (2 * shared + LEVELS[1]) / (var_a + var_b + LEVELS[1])
    return (level * structure).mean(axis=(1, 2, 3))


def _weights(size: int) -> Float64[np.ndarray, " taps"]:
    places = np.arange(size) - size // 2
    weights = np.exp(-(places**2) / (2 * SPREAD**2))
    return weights / weights.sum()


def _windowed(
    values: Float64[np.ndarray, "n h w c"], weights: Float64[np.ndarray, " taps"]
) -> np.ndarray:
    size = len(weights)
    height, width = values.shape[1] - size + 1, values.shape[2] - size + 1
    rows = sum(weight * values[:, at : at + height] for at, weight in enumerate(weights))
    return np.asarray(
        sum(weight * rows[:, :, at : at + width] for at, weight in enumerate(weights))
    )


def _ranked(queries: np.ndarray, among: np.ndarray, original: Index, confidence: float) -> Ranks:
    rank = _ranks(queries, among, original)
    n, found = len(rank), int(np.sum(rank == 1))
    low, high = wilson(found, n, confidence=confidence)
    rate = Estimate(
        value=found / n,
        low=float(low),
        high=float(high),
        n=n,
        confidence=confidence,
        method="Wilson",
    )
    return Ranks(rate=rate, median_rank=_median(rank, confidence), rank=rank)


def _ranks(queries: np.ndarray, among: np.ndarray, original: Index) -> Index:
    """Count who lies closer to each query than its original, which is one more."""
    whole = queries.dtype == np.uint8
    centre = np.zeros(1) if whole else among.mean(axis=0, dtype=np.float64)
    points = among - centre
    lengths = np.sum(points**2, axis=1)
    ranks = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), ROWS):
        rows = slice(start, start + ROWS)
        part = queries[rows] - centre
        # half the squared distance, but for what a row has in common; exact for whole numbers
        table = lengths / 2 - part @ points.T
        own = table[np.arange(len(part)), original[rows]]
        slack = 0.0 if whole else ROUNDING * (np.sum(part**2, axis=1) + lengths[original[rows]])
        ranks[rows] = 1 + np.sum(table < (own - slack)[:, None], axis=1)
    return ranks


def _median(rank: Index, confidence: float) -> Estimate:
    n = len(rank)
    ordered = np.sort(rank)
    reach = two_sided(confidence) * np.sqrt(n) / 2
    ends = [int(np.clip(each, 0, n - 1)) for each in (n / 2 - reach - 1, n / 2 + reach + 1)]
    return Estimate(
        value=float(np.median(rank)),
        low=float(ordered[ends[0]]),
        high=float(ordered[ends[1]]),
        n=n,
        confidence=confidence,
        method="order statistics",
    )


def _refuse_places(transformed: Transformed, images: Images, original: Index) -> None:
    if not len(original) or len(images) < 2 or transformed.shape[1:] != images.shape[1:]:
        raise DataError(
            "E027",
            "transformed images must be one or more, of the shape of the 2 or more they may be: "
            f"{transformed.shape} against {images.shape}",
            fix="Give images of one kind.",
        )
    if original.min() < 0 or original.max() >= len(images):
        raise DataError(
            "E028",
            f"the place of an original lies between 0 and {len(images) - 1}, got "
            f"{original.min()} to {original.max()}",
            fix="Count places among the images given.",
        )
