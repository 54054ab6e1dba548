"""The Fréchet distance between the Gaussians of two sets of features (Heusel et al. 2017).

    FD = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

With roots R of the covariances (S = R^T R, from a QR decomposition of the centred features) the
last trace is the sum of the singular values of R1 R2^T. That needs no square root of a matrix, and
holds with fewer images than features, where the covariances are singular.

FD of samples is too large, by about a / n: compare values of equal n only. Where n is several times
the width, the jackknife takes the term in 1 / n off, and values of several n can be compared.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import refuse_unusable
from pryproof.intervals import two_sided
from pryproof.records import Estimate

First = Float[np.ndarray, "first width"]
Second = Float[np.ndarray, "second width"]

GROUPS = 10  # left out in turn
SEVERAL = 4  # images a feature, from which the bias goes as 1 / n


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """Mean and covariance of features; the covariance is ``root.T @ root``."""

    mean: Float64[np.ndarray, " width"]
    root: Float64[np.ndarray, "rank width"]
    n: int


@dataclass(frozen=True, kw_only=True)
class FrechetDistance:
    """The distance at this n, and what it would be without its bias; 0 = equal, lower = closer.

    The interval of ``at_n`` is about the mean over draws of as many images, bias included.
    ``unlimited`` is not estimable where n is not several times the width; well below 0 one side
    holds copies of the other.
    """

    at_n: Estimate
    unlimited: Estimate


def gaussian(features: Float[np.ndarray, "images width"]) -> Gaussian:
    """Fit mean and covariance (divisor n - 1) in float64."""
    refuse_unusable(features=features)
    n = len(features)
    if n < 2:
        raise DataError("E045", "a covariance needs 2 images or more, got 1", fix="Give more.")
    wide = features.astype(np.float64)
    mean = wide.mean(axis=0)
    centred = (wide - mean) / np.sqrt(n - 1)
    root = np.asarray(np.linalg.qr(centred, mode="r"))
    return Gaussian(mean=mean, root=root, n=n)


def frechet(first: Gaussian, second: Gaussian) -> float:
    """Return the Fréchet distance, in squared units of the features.

    >>> one = Gaussian(mean=np.zeros(2), root=np.eye(2), n=9)
    >>> other = Gaussian(mean=np.array([3.0, 0.0]), root=2 * np.eye(2), n=9)
    >>> frechet(one, other)  # 9 of the means, and (2 - 1)^2 twice
    11.0
    """
    shift = float(np.sum((first.mean - second.mean) ** 2))
    spread = float(np.sum(first.root**2) + np.sum(second.root**2))
    shared = float(np.linalg.svd(first.root @ second.root.T, compute_uv=False).sum())
    return max(shift + spread - 2 * shared, 0.0)


def frechet_distance(
    first: First, second: Second, *, seed: int, groups: int = GROUPS, confidence: float = 0.95
) -> FrechetDistance:
    """Estimate the distance of two sets of features, each with an interval by the jackknife.

    The images are dealt into ``groups``; each is left out in turn, on both sides at once. ``n`` of
    the estimates is the smaller side's.
    """
    value = frechet(gaussian(first), gaussian(second))
    n, width = min(len(first), len(second)), first.shape[1]
    if n < 2 * groups:
        why = f"an interval needs {2 * groups} images a side, there are {n}"
        missing = not_estimable(why, n=n, confidence=confidence)
        return FrechetDistance(at_n=missing, unlimited=missing)
    dealt = [dealt_groups(len(side), groups, seed, name) for side, name in _sides(first, second)]
    without = np.array(
        [
            frechet(gaussian(first[dealt[0] != group]), gaussian(second[dealt[1] != group]))
            for group in range(groups)
        ]
    )
    half = jackknife_error(without) * two_sided(confidence, freedom=groups - 1)
    method = f"jackknife, {groups} groups"

    def estimate(value: float, method: str) -> Estimate:
        low = max(value - half, 0.0) if value >= 0 else value - half
        return Estimate(
            value=value, low=low, high=value + half, n=n, confidence=confidence, method=method
        )

    unlimited = not_estimable(
        f"the bias is known from {SEVERAL} images a feature on, here {n} for {width}",
        n=n,
        confidence=confidence,
    )
    if n >= SEVERAL * width:
        corrected = groups * value - (groups - 1) * float(without.mean())
        unlimited = estimate(corrected, f"{method}, bias in 1/n taken off")
    return FrechetDistance(
        at_n=estimate(value, f"{method}; biased, for n = {n}"), unlimited=unlimited
    )


def _sides(first: First, second: Second) -> list[tuple[np.ndarray, str]]:
    return [(first, "first"), (second, "second")]


def dealt_groups(n: int, groups: int, seed: int, name: str) -> Int64[np.ndarray, " n"]:
    """Deal n images into groups whose sizes differ by at most one; return the group of each."""
    return seeds.generator(seed, "jackknife", name).permutation(n) % groups


def jackknife_error(without: Float[np.ndarray, " groups"]) -> float:
    """Return the standard error, from the values with each group left out in turn."""
    groups = len(without)
    return float(np.sqrt((groups - 1) / groups * np.sum((without - without.mean()) ** 2)))
