"""How many different images are there? Exact and near duplicates among fakes, beside reals.

A collapsed generator repeats itself: its fakes are near to each other, whatever the training set.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.distances.nearest import Neighbours, Points, nearest
from pryproof.leakage.clustered import clustered_share
from pryproof.records import Estimate

CLOSE = 0.001  # share of reals whose nearest real lies this near; nearer fakes are near duplicates
MOST = 16  # neighbours looked at for groups of near duplicates


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """What repeats within one set of images.

    ``exact``: share of images equal to an earlier one. ``near``: share whose nearest other image
    lies within ``within`` (units of the input); both intervals count groups that are alike, not
    images. ``distinct``: number of different images;
    ``apart``: number of groups left when near duplicates, and theirs, are counted as one.
    ``effective``: exp of the entropy of these groups, the number of equally frequent groups that
    vary as much; at most ``n``. High = varied.
    """

    exact: Estimate
    near: Estimate
    distinct: int
    apart: int
    effective: float
    n: int
    within: float
    nearest: Float64[np.ndarray, " samples"]


@dataclass(frozen=True, kw_only=True)
class DuplicatesBeside:
    """The same numbers for fakes and for as many reals, at one distance."""

    fakes: Duplicates
    reals: Duplicates


def duplicates(fakes: Points, reals: Points, *, seed: int = 0) -> DuplicatesBeside:
    """Compare equally many fakes and reals (drawn from the larger set).

    Near is what one real in a thousand is to its nearest real, exact copies left out. Refuses sets
    of fewer than 2 images (E003).
    """
    size = min(len(fakes), len(reals))
    if size < 2:
        raise DataError("E003", f"duplicates need 2 images, not {size}", fix="Give more images.")
    fakes, reals = _drawn(fakes, size, seed, "fakes"), _drawn(reals, size, seed, "reals")
    of_reals, of_fakes = (_in_itself(side) for side in (reals, fakes))
    apart = of_reals.distance[:, 0][of_reals.distance[:, 0] > 0]
    within = float(np.quantile(apart, CLOSE)) if len(apart) else 0.0
    return DuplicatesBeside(
        fakes=within_one(of_fakes, within=within), reals=within_one(of_reals, within=within)
    )


def within_one(found: Neighbours, *, within: float) -> Duplicates:
    """Count the duplicates of one set from the nearest neighbours in itself.

    >>> found = nearest(np.array([[0.0], [0.0], [1.0], [9.0]]), np.array([[0.0], [0.0], [1.0],
    ...     [9.0]]), k=3, same=True)
    >>> told = within_one(found, within=1.0)
    >>> told.distinct, told.apart, told.near.value
    (3, 2, 0.75)
    """
    n = len(found.distance)
    equal, close = _groups(found, 0.0), _groups(found, within)
    alike = np.bincount(np.unique(equal, return_inverse=True)[1])
    group = np.unique(close, return_inverse=True)[1]
    sizes = np.bincount(group)
    hits = np.bincount(group[found.distance[:, 0] <= within], minlength=len(sizes))
    share = sizes / n
    return Duplicates(
        exact=clustered_share(alike - 1, n),
        near=clustered_share(hits, n),
        distinct=len(alike),
        apart=len(sizes),
        effective=float(np.exp(-(share * np.log(share)).sum())),
        n=n,
        within=within,
        nearest=found.distance[:, 0],
    )


def _drawn(points: Points, size: int, seed: int, side: str) -> Points:
    if len(points) == size:
        return points
    return points[
        np.sort(seeds.generator(seed, "duplicates", side).permutation(len(points))[:size])
    ]


def _in_itself(points: Points) -> Neighbours:
    return nearest(points, points, k=min(MOST, len(points) - 1), same=True)


def _groups(found: Neighbours, within: float) -> Int64[np.ndarray, " samples"]:
    """Return for each image the first of its group: chains of steps no longer than ``within``.

    Equal images beyond the neighbours looked at hold together all the same: all copies name the
    same first ones.
    """
    row, column = np.nonzero(found.distance <= within)
    other = found.index[row, column]
    first = np.arange(len(found.distance))
    while True:
        least = first.copy()
        np.minimum.at(least, row, first[other])
        np.minimum.at(least, other, first[row])
        least = least[least]
        if np.array_equal(least, first):
            return first
        first = least
