"""Are fakes closer to the training images than to fresh ones? Distances to both, compared fairly.

Without copying, training and hold-out images are exchangeable: which of the images near a fake
were trained on is a matter of chance. So the owners of images are shuffled to learn how far each
number strays by chance. Fakes share neighbours (hubs), therefore an interval that counts fakes as
independent would be too narrow; shuffling owners of images moves all fakes of a hub together.

These numbers find copying only: a generator may pass and still give its training images away.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.distances.nearest import Neighbours, Points, Progress, nearest
from pryproof.intervals import two_sided
from pryproof.records import Estimate

SHUFFLES = 200  # of owners; the error of a standard deviation from so many is 5%
THINNINGS = 2  # of the larger side, for numbers that need one
MISSED = 1e-4  # chance that a side has no image among the neighbours looked at
MOST_RATIO = 8  # of the sides' sizes; beyond, the larger is drawn from
LISTED = 100  # closest pairs to look at
TAILS = (0.001, 0.01)  # quantiles of the nearest distance


@dataclass(frozen=True, kw_only=True)
class Closeness:
    """How much nearer the training images are than equally many hold-out images.

    ``dcr_share``: share of fakes nearer to a training image than to any hold-out image, .5 by
    chance; ``copying`` says whether its interval lies above .5. The rest are differences,
    training minus hold-out, 0 by chance, below 0 = nearer to training images: ``nndr`` of the mean
    ratio of nearest to second nearest distance, ``tail_01`` and ``tail_1`` of the 0.1% and 1%
    quantiles of the nearest distance (units of the input). ``to_train`` and ``to_holdout`` are each
    fake's nearest distances (all of a side); ``pairs`` holds (fake, training image) of the
    closest, nearest first, ``pair_distance`` how far they are apart.
    """

    dcr_share: Estimate
    copying: bool
    nndr: Estimate
    tail_01: Estimate
    tail_1: Estimate
    to_train: Float64[np.ndarray, " fakes"]
    to_holdout: Float64[np.ndarray, " fakes"]
    pairs: Int64[np.ndarray, "pairs two"]
    pair_distance: Float64[np.ndarray, " pairs"]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The classes of both sides, so that they are compared within classes."""

    train: Int64[np.ndarray, " train"]
    holdout: Int64[np.ndarray, " holdout"]


@dataclass(frozen=True, kw_only=True)
class _Pool:
    """The images of both sides near each fake (positions in one list), nearest first.

    ``trained`` says which side an image is of, ``stays`` the chance that a fair draw, as large on
    both sides, holds an image of a side (hold-out, train) and a class.
    """

    index: Int64[np.ndarray, "fakes near"]
    distance: Float64[np.ndarray, "fakes near"]
    trained: Bool[np.ndarray, " pool"]
    label: Int64[np.ndarray, " pool"]
    stays: Float64[np.ndarray, "two labels"]


def closeness(
    fakes: Points,
    train: Points,
    holdout: Points,
    *,
    labels: Labels | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> Closeness:
    """Compare the distances of fakes to training and to hold-out images.

    The larger side counts as a random draw as large as the smaller, within classes if ``labels``
    are given. Refuses sides of fewer than 2 images, and sides without a common class (E003).
    """
    if min(len(fakes), len(train), len(holdout)) < 2:
        raise DataError("E003", "closeness needs 2 images of each kind", fix="Give more images.")
    given = labels or Labels(
        train=np.zeros(len(train), np.int64), holdout=np.zeros(len(holdout), np.int64)
    )
    most = MOST_RATIO * min(len(train), len(holdout))
    used = [_drawn(len(side), most, seed) for side in (train, holdout)]
    depth = _depth(min(map(len, used)) / sum(map(len, used)))
    found = [
        nearest(fakes, side[rows], k=min(depth, len(rows)), progress=progress)
        for side, rows in zip((train, holdout), used, strict=True)
    ]
    pool = _pooled(found, given.train[used[0]], given.holdout[used[1]], depth)
    values = _statistics(pool, pool.trained, seed, "seen")
    chance = np.array([_shuffled(pool, seed, turn) for turn in range(SHUFFLES)])
    half = two_sided(confidence) * chance.std(axis=0, ddof=1)
    estimates = [
        Estimate(
            value=float(value),
            low=float(value - width),
            high=float(value + width),
            n=len(fakes),
            confidence=confidence,
            method=f"{SHUFFLES} shuffles of training and hold-out images",
        )
        for value, width in zip(values, half, strict=True)
    ]
    order = np.argsort(found[0].distance[:, 0], kind="stable")[:LISTED]
    return Closeness(
        dcr_share=estimates[0],
        copying=estimates[0].low > 0.5,
        nndr=estimates[1],
        tail_01=estimates[2],
        tail_1=estimates[3],
        to_train=found[0].distance[:, 0],
        to_holdout=found[1].distance[:, 0],
        pairs=np.stack([order, used[0][found[0].index[order, 0]]], axis=1),
        pair_distance=found[0].distance[order, 0],
    )


def _drawn(size: int, most: int, seed: int) -> Int64[np.ndarray, " used"]:
    if size <= most:
        return np.arange(size)
    return np.sort(seeds.generator(seed, "closeness", "drawn").permutation(size)[:most])


def _depth(smaller: float) -> int:
    """Return how many neighbours hold two images of the smaller side all but surely."""
    depth = 2
    while (1 - smaller) ** (depth - 1) * (1 - smaller + depth * smaller) > MISSED:
        depth += 1
    return depth


def _pooled(
    found: list[Neighbours],
    train: Int64[np.ndarray, " train"],
    holdout: Int64[np.ndarray, " holdout"],
    depth: int,
) -> _Pool:
    label = np.unique(np.concatenate([train, holdout]), return_inverse=True)[1]
    trained = np.arange(len(label)) < len(train)
    counts = np.stack(
        [np.bincount(label[side], minlength=label.max() + 1) for side in (~trained, trained)]
    )
    if not counts.min(axis=0).any():
        raise DataError(
            "E003", "training and hold-out images have no class in common", fix="Check the labels."
        )
    index = np.concatenate([found[0].index, found[1].index + len(train)], axis=1)
    distance = np.concatenate([found[0].distance, found[1].distance], axis=1)
    order = np.argsort(distance, axis=1, kind="stable")[:, :depth]
    return _Pool(
        index=np.take_along_axis(index, order, axis=1),
        distance=np.take_along_axis(distance, order, axis=1),
        trained=trained,
        label=label,
        stays=counts.min(axis=0) / np.maximum(counts, 1),
    )


def _shuffled(pool: _Pool, seed: int, turn: int) -> Float64[np.ndarray, " statistics"]:
    """Return the statistics after a shuffle of owners within classes."""
    draw = seeds.generator(seed, "closeness", "owners", turn)
    mixed = np.lexsort((draw.random(len(pool.label)), pool.label))
    trained = np.empty_like(pool.trained)
    trained[mixed] = pool.trained[np.argsort(pool.label, kind="stable")]
    return _statistics(pool, trained, seed, turn)


def _statistics(
    pool: _Pool, trained: Bool[np.ndarray, " pool"], seed: int, turn: str | int
) -> Float64[np.ndarray, " statistics"]:
    """Return the share, and training minus hold-out of mean NNDR and of both tails."""
    own = trained[pool.index]
    stays = pool.stays[trained.astype(np.int64), pool.label]
    thinned = THINNINGS if np.any((stays > 0) & (stays < 1)) else 1
    rest = []
    for thinning in range(thinned):
        draw = seeds.generator(seed, "closeness", "thinned", turn, thinning)
        kept = (draw.random(len(stays)) < stays)[pool.index]
        rest.append(_distances(pool.distance, kept & own) - _distances(pool.distance, kept & ~own))
    return np.concatenate([[_share(pool.distance, own, stays[pool.index])], np.mean(rest, axis=0)])


def _share(
    distance: Float64[np.ndarray, "fakes near"],
    own: Bool[np.ndarray, "fakes near"],
    stays: Float64[np.ndarray, "fakes near"],
) -> float:
    """Return the mean chance that the nearest image of a fair draw is a training image.

    Taken over all draws at once: an image is the nearest drawn one if it is drawn and none before
    it is. Of images at one distance each is as likely to come first (ties count half).
    """
    drops = np.cumprod(1 - stays, axis=1)
    first = stays * np.concatenate([np.ones((len(stays), 1)), drops[:, :-1]], axis=1)
    total = first.sum(axis=1)
    seen = total > 0
    return float((_even(distance, first, own, stays)[seen] / total[seen]).mean())


def _even(
    distance: Float64[np.ndarray, "fakes near"],
    first: Float64[np.ndarray, "fakes near"],
    own: Bool[np.ndarray, "fakes near"],
    stays: Float64[np.ndarray, "fakes near"],
) -> Float64[np.ndarray, " fakes"]:
    """Return the chance of a training image first, ties settled by the share drawn of each side."""
    chance = np.where(own, first, 0.0).sum(axis=1)
    for row in np.flatnonzero((distance[:, 1:] == distance[:, :-1]).any(axis=1)):
        tied = np.unique(distance[row], return_inverse=True)[1]
        mass = np.bincount(tied, weights=first[row])
        none_own = np.exp(_log_sums(tied, np.where(own[row], stays[row], 0.0)))
        none_other = np.exp(_log_sums(tied, np.where(own[row], 0.0, stays[row])))
        only_own, only_other = (1 - none_own) * none_other, (1 - none_other) * none_own
        both = (1 - none_own) * (1 - none_other)
        some = only_own + only_other + both
        share = (only_own + both / 2) / np.where(some > 0, some, 1.0)
        chance[row] = (mass * share).sum()
    return chance


def _log_sums(
    group: Int64[np.ndarray, " near"], stays: Float64[np.ndarray, " near"]
) -> Float64[np.ndarray, " groups"]:
    """Return the log of the chance that no image of a group is drawn."""
    with np.errstate(divide="ignore"):
        return np.bincount(group, weights=np.log1p(-stays))


def _distances(
    distance: Float64[np.ndarray, "fakes near"], mask: Bool[np.ndarray, "fakes near"]
) -> Float64[np.ndarray, " statistics"]:
    """Return mean NNDR and the tails to one side; where a side is too far, the farthest known."""
    rank = np.cumsum(mask, axis=1)
    first, second = ((rank < which).sum(axis=1) for which in (1, 2))
    rows, last = np.arange(len(distance)), distance.shape[1] - 1
    one = distance[rows, np.minimum(first, last)]
    two = distance[rows, np.minimum(second, last)]
    ratio = np.divide(one, two, out=np.ones_like(one), where=two > 0)
    return np.concatenate([[ratio.mean()], np.quantile(one, TAILS)])
