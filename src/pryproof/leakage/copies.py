"""Which fakes copy training images: moved, mirrored, recompressed or of other contrast.

Candidates are the nearest in a coarse space, from 13 places of the fake and its mirror image;
each is then laid on the fake. A copy explains the fake far better than the other candidates do.
Real data holds near copies of its own, so the rate of hold-out images stands beside.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from pryproof.checks import DataError
from pryproof.distances.nearest import Progress, nearest
from pryproof.leakage.clustered import clustered_share
from pryproof.leakage.copies_alignment import Images, coarse, residuals
from pryproof.records import Estimate

LIKE = 0.4  # score from which a pair counts as a copy: beside planted copies, on half of CIFAR-100
CANDIDATES = 3  # from each place and orientation
PLACES = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3) if (y + x) % 2 == 0)
AT_ONCE = 2_000  # images whose candidates are looked for together
LEAST = 14  # pixels a side: of fewer, too little is left to compare

Coarse = Float32[np.ndarray, "_ _"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """For each image the training image most like it, and how like.

    ``score``: what remains unexplained by the best candidate over the median of all candidates;
    0 = the same picture, about 1 = as unlike as any. ``rate`` is the share of ``copy``.
    """

    rate: Estimate
    copy: Bool[np.ndarray, " images"]
    score: Float64[np.ndarray, " images"]
    index: Int64[np.ndarray, " images"]


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Copies among fakes, and the same search among hold-out images.

    ``copying``: the interval of the fakes' rate lies above that of the hold-out images.
    """

    fakes: Found
    holdout: Found
    copying: bool


def copies(
    fakes: Images, train: Images, holdout: Images, *, progress: Progress | None = None
) -> Copies:
    """Look for copies of training images among fakes and among hold-out images.

    Refuses images of several shapes (E027) or smaller than 14 pixels (E012), and fewer than 3
    training images (E003).
    """
    shapes = {each.shape[1:] for each in (fakes, train, holdout)}
    if len(shapes) > 1:
        raise DataError(
            "E027",
            f"copies are looked for in images of one shape, not {sorted(shapes)}",
            fix="Resize them alike.",
        )
    side = min(train.shape[1:3])
    if side < LEAST:
        raise DataError(
            "E012",
            f"copies are looked for in images of {LEAST} pixels or more, not {side}",
            fix="Compare these images by exact distance only.",
        )
    space = coarse(train)
    of_fakes, of_holdout = (_found(each, train, space, progress) for each in (fakes, holdout))
    return Copies(
        fakes=of_fakes, holdout=of_holdout, copying=of_fakes.rate.low > of_holdout.rate.high
    )


def _found(images: Images, train: Images, space: Coarse, progress: Progress | None) -> Found:
    index, score = np.empty(len(images), np.int64), np.empty(len(images))
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        index[part], score[part] = _best(images[part], train, space)
        if progress is not None:
            done = min(start + AT_ONCE, len(images))
            progress(done / len(images), f"{done} of {len(images)}")
    copy = score <= LIKE
    hits = np.unique(index[copy], return_counts=True)[1]
    return Found(rate=clustered_share(hits, len(copy)), copy=copy, score=score, index=index)


def _best(
    images: Images, train: Images, space: Coarse
) -> tuple[Int64[np.ndarray, " images"], Float64[np.ndarray, " images"]]:
    """Return the best candidate of each image and its score."""
    views = (images, np.ascontiguousarray(images[:, :, ::-1]))
    index = [_candidates(view, space) for view in views]
    left = [residuals(view, train, near) for view, near in zip(views, index, strict=True)]
    candidates, remains = np.concatenate(index, axis=1), np.concatenate(left, axis=1)
    best, rows = remains.argmin(axis=1), np.arange(len(images))
    usual = np.median(remains, axis=1).astype(np.float64)
    score = np.divide(remains[rows, best], usual, out=np.ones(len(images)), where=usual > 0)
    return candidates[rows, best], score


def _candidates(images: Images, space: Coarse) -> Int64[np.ndarray, "images candidates"]:
    """Return the nearest to each image from every place, one search for all places."""
    moved = [coarse(np.roll(images, place, (1, 2))) for place in PLACES]
    index = nearest(np.concatenate(moved), space, k=CANDIDATES).index
    return np.hstack(np.split(index, len(PLACES)))
