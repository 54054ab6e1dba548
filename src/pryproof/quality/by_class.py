"""Which classes came out well? Fakes against reals, class after class.

The Fréchet distance is useless here: with 500 images a class its bias is larger than what it
measures (methods section 6.3). The kernel distance has no bias; with few images it still orders
classes better than it measures them, so its rank stands beside it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from pryproof.checks import DataError
from pryproof.evaluation.estimates import mean_accuracy, not_estimable
from pryproof.quality.kernel_distance import kernel_distance
from pryproof.records import Estimate

Fakes = Float[np.ndarray, "fakes width"]
Reals = Float[np.ndarray, "reals width"]


@dataclass(frozen=True, kw_only=True)
class ByClass:
    """One entry a class, in the order of the labels from 0 on.

    ``rank`` orders the classes by kernel distance, 1 = closest; 0 where there is none.
    ``diversity`` is the total variance of fakes over that of reals, 1 = as varied; well below 1 the
    generator repeats itself; NaN where a side has fewer than 2 images. ``accuracy`` is the share of
    fakes that an independent classifier takes for their class.
    """

    fakes: Int64[np.ndarray, " classes"]
    reals: Int64[np.ndarray, " classes"]
    kernel_distance: tuple[Estimate, ...]
    rank: Int64[np.ndarray, " classes"]
    diversity: Float64[np.ndarray, " classes"]
    accuracy: tuple[Estimate, ...]


def by_class(
    fakes: Fakes,
    fake_labels: Int64[np.ndarray, " fakes"],
    reals: Reals,
    real_labels: Int64[np.ndarray, " reals"],
    *,
    classes: int,
    predicted: Int64[np.ndarray, " fakes"] | None = None,
    seed: int,
    confidence: float = 0.95,
) -> ByClass:
    """Compare features of fakes and reals within each class.

    ``predicted`` are the classes that a classifier trained on other images gives the fakes;
    without it, ``accuracy`` is not estimable.
    """
    for labels in (fake_labels, real_labels):
        _refuse_labels(labels, classes)
    own = [(fakes[fake_labels == label], reals[real_labels == label]) for label in range(classes)]
    distances = tuple(
        kernel_distance(*pair, seed=seed, confidence=confidence)
        if min(map(len, pair))
        else not_estimable("a side has no images", confidence=confidence)
        for pair in own
    )
    return ByClass(
        fakes=np.array([len(pair[0]) for pair in own], np.int64),
        reals=np.array([len(pair[1]) for pair in own], np.int64),
        kernel_distance=distances,
        rank=_ranks(np.array([each.value for each in distances])),
        diversity=np.array([_diversity(*pair) for pair in own]),
        accuracy=tuple(
            _accuracy(predicted, fake_labels, label, confidence) for label in range(classes)
        ),
    )


def _ranks(values: Float64[np.ndarray, " classes"]) -> Int64[np.ndarray, " classes"]:
    ranks = np.zeros(len(values), np.int64)
    order = np.argsort(values, kind="stable")
    order = order[~np.isnan(values[order])]
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks


def _diversity(fakes: Fakes, reals: Reals) -> float:
    if min(len(fakes), len(reals)) < 2:
        return float("nan")
    of_fakes, of_reals = (
        float(side.var(axis=0, ddof=1, dtype=np.float64).sum()) for side in (fakes, reals)
    )
    return of_fakes / of_reals if of_reals > 0 else float("nan")


def _accuracy(
    predicted: Int64[np.ndarray, " fakes"] | None,
    labels: Int64[np.ndarray, " fakes"],
    label: int,
    confidence: float,
) -> Estimate:
    own = labels == label
    n = int(own.sum())
    if predicted is None or not n:
        why = "no fakes" if not n else "no classifier was asked"
        return not_estimable(why, n=n, confidence=confidence)
    return mean_accuracy(predicted[own][None] == label, confidence=confidence)


def _refuse_labels(labels: Int64[np.ndarray, "..."], classes: int) -> None:
    odd = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(odd):
        raise DataError(
            "E025",
            f"labels must lie between 0 and {classes - 1}, got {labels[odd[0]]}",
            where=f"image {odd[0]}",
            fix="Give the number of classes that there are.",
        )
