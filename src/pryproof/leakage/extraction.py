"""Extracted images (Carlini et al. 2023): fakes far closer to one train image than to its likes.

    ratio(g) = d(g, x) / (alpha * mean of d(g, y) over the n images y nearest to g)

with x the nearest of all. A plain or typical fake is near to many images, and its ratio is high;
below 1 the fake is a copy of x. The same is done with equally many held-out images, of which no
fake can be a copy but by chance.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64, UInt8

from pryproof.checks import ConfigurationError
from pryproof.distances.nearest import nearest
from pryproof.intervals import two_sided
from pryproof.leakage.clustered import clustered_share
from pryproof.leakage.feature_likelihood import refuse_unequal
from pryproof.records import Estimate

Fakes = UInt8[np.ndarray, "fakes *shape"] | Float[np.ndarray, "fakes width"]
Train = UInt8[np.ndarray, "train *shape"] | Float[np.ndarray, "train width"]
HeldOut = UInt8[np.ndarray, "held *shape"] | Float[np.ndarray, "held width"]

Hits = Bool[np.ndarray, " fakes"]
Index = Int64[np.ndarray, " fakes"]

ALPHA, NEIGHBOURS = 0.5, 50


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """Shares of fakes with a ratio below 1, and how many more that are to train than to held-out.

    ``excess`` is their difference, 0 = no copies, higher = more. ``ratio`` and ``index`` are each
    fake's to the train set: the nearest train image, to look at.
    """

    train: Estimate
    held_out: Estimate
    excess: Estimate
    ratio: Float64[np.ndarray, " fakes"]
    held_out_ratio: Float64[np.ndarray, " fakes"]
    index: Int64[np.ndarray, " fakes"]


def extraction(
    fakes: Fakes,
    train: Train,
    held_out: HeldOut,
    *,
    alpha: float = ALPHA,
    neighbours: int = NEIGHBOURS,
    confidence: float = 0.95,
) -> Extraction:
    """Find the fakes that are copies, by images or their features; train and held-out equally many.

    Of fewer than ``neighbours`` images all are taken.
    """
    refuse_unequal(len(train), len(held_out))
    if not 0 < alpha <= 1 or neighbours < 2:
        raise ConfigurationError(
            "E044",
            f"alpha must lie in (0, 1] and neighbours be 2 or more, got {alpha} and {neighbours}",
            fix=f"Leave them at {ALPHA} and {NEIGHBOURS}.",
        )
    ratio, index = _ratios(fakes, train, alpha, neighbours)
    other, other_index = _ratios(fakes, held_out, alpha, neighbours)
    copied, chance = ratio < 1, other < 1
    return Extraction(
        train=_share(copied, index, confidence),
        held_out=_share(chance, other_index, confidence),
        excess=_excess((copied, chance), (index, other_index), confidence),
        ratio=ratio,
        held_out_ratio=other,
        index=index,
    )


def _ratios(
    fakes: Fakes, among: Train, alpha: float, neighbours: int
) -> tuple[Float64[np.ndarray, " fakes"], Int64[np.ndarray, " fakes"]]:
    found = nearest(fakes, among, k=min(neighbours, len(among)))
    usual = alpha * found.distance.mean(axis=1)
    # of a fake that equals all its neighbours, no one train image can be told: not a copy
    ratio = np.divide(
        found.distance[:, 0], usual, out=np.full(len(usual), 1 / alpha), where=usual > 0
    )
    return ratio, found.index[:, 0]


def _share(hits: Hits, index: Index, confidence: float) -> Estimate:
    """Estimate a share of fakes; copies of one real image rise and fall together."""
    return clustered_share(np.bincount(index[hits]), len(hits), confidence=confidence)


def _excess(hits: tuple[Hits, Hits], index: tuple[Index, Index], confidence: float) -> Estimate:
    """Estimate the difference of two shares of the same fakes; fakes and reals are both drawn.

    One added to each kind of disagreement keeps the width positive (Agresti and Min 2005). Fakes
    that are copies of one real image stand or fall with it: each such pair adds to the variance.
    """
    copied, chance = hits
    n = len(copied)
    more, fewer = int(np.sum(copied & ~chance)), int(np.sum(chance & ~copied))
    value, centre = (more - fewer) / n, (more - fewer) / (n + 2)
    times = np.concatenate(
        [np.bincount(place[hit]) for hit, place in zip(hits, index, strict=True)]
    )
    shared = float(np.sum(times * (times - 1))) / n**2
    error = np.sqrt(((more + fewer + 1) / (n + 2) - centre**2) / (n + 2) + shared)
    half = two_sided(confidence) * float(error)
    return Estimate(
        value=value,
        low=max(min(centre - half, value), -1.0),
        high=min(max(centre + half, value), 1.0),
        n=n,
        confidence=confidence,
        method="paired shares, variance over fakes and reals",
    )
