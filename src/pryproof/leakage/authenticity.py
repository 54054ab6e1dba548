"""Authenticity (Alaa et al. 2022): fakes nearer to an image than its nearest fellow are not.

For hold-out images the same share is its chance level: fresh images lie inside the gaps too.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from pryproof.checks import DataError
from pryproof.distances.nearest import Neighbours, Points, nearest
from pryproof.intervals import two_sided
from pryproof.records import Estimate


@dataclass(frozen=True, kw_only=True)
class Authenticity:
    """Shares of authentic fakes and of hold-out images, and their difference.

    Unit: share. ``fakes`` below ``holdout`` = fakes lie nearer to training images than fresh
    images do. Real hold-out images have no copying, so ``difference`` about 0 is chance.
    """

    fakes: Estimate
    holdout: Estimate
    difference: Estimate
    authentic: Bool[np.ndarray, " fakes"]


def authenticity(
    fakes: Points, train: Points, holdout: Points, *, confidence: float = 0.95
) -> Authenticity:
    """Compare each fake's distance to its nearest training image x with x's to its own nearest.

    Points share a few training images as nearest; the intervals count these images, not points.
    Refuses fewer than 2 training images or 2 different nearest ones (E003).
    """
    own = nearest(train, train, same=True)
    return from_neighbours(
        nearest(fakes, train), nearest(holdout, train), own, confidence=confidence
    )


def from_neighbours(
    fakes: Neighbours, holdout: Neighbours, train: Neighbours, *, confidence: float = 0.95
) -> Authenticity:
    """Return the same from neighbours found before; those of ``train`` are in itself.

    >>> def found(distance, index):
    ...     return Neighbours(distance=np.array([distance]).T, index=np.array([index]).T)
    >>> own = found([2.0, 2.0, 5.0], [1, 0, 1])
    >>> fresh = found([3.0, 1.0], [0, 1])
    >>> from_neighbours(found([3.0, 1.0, 4.0], [0, 1, 2]), fresh, own).authentic.tolist()
    [True, False, False]
    """
    authentic = _authentic(fakes, train)
    fresh = _authentic(holdout, train)
    reach = two_sided(confidence)
    value, error = _share(authentic, fakes.index[:, 0])
    chance, chance_error = _share(fresh, holdout.index[:, 0])

    def estimate(share: float, half: float, n: int, *, low: float) -> Estimate:
        return Estimate(
            value=share,
            low=max(low, share - half),
            high=min(1.0, share + half),
            n=n,
            confidence=confidence,
            method="clusters of a common nearest training image",
        )

    return Authenticity(
        fakes=estimate(value, reach * error, len(authentic), low=0.0),
        holdout=estimate(chance, reach * chance_error, len(fresh), low=0.0),
        difference=estimate(
            value - chance, reach * np.hypot(error, chance_error), len(authentic), low=-1.0
        ),
        authentic=authentic,
    )


def _authentic(points: Neighbours, train: Neighbours) -> Bool[np.ndarray, " points"]:
    gap: Float64[np.ndarray, " points"] = train.distance[points.index[:, 0], 0]
    return points.distance[:, 0] > gap


def _share(
    authentic: Bool[np.ndarray, " points"], cluster: Int64[np.ndarray, " points"]
) -> tuple[float, float]:
    """Return a share and its standard error over clusters; two are added in the manner of Agresti.

    The two added points, one of each kind, keep the error positive at shares of 0 and 1.
    """
    clusters = np.unique(cluster, return_inverse=True)[1]
    count = int(clusters.max(initial=-1)) + 1
    if count < 2:
        raise DataError(
            "E003",
            "all points share one nearest training image: the share has no error to tell",
            fix="Give more points, or more training images.",
        )
    share = float(authentic.mean())
    smooth = (authentic.sum() + 1) / (len(authentic) + 2)
    sums = np.bincount(clusters, weights=authentic - smooth, minlength=count)
    spread = (sums**2).sum() + smooth**2 + (1 - smooth) ** 2
    return share, float(np.sqrt(spread * count / (count - 1)) / (len(authentic) + 2))
