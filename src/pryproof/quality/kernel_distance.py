"""The kernel distance, KID (Binkowski et al. 2018): squared MMD with a cubic kernel, unbiased.

    k(x, y) = (x . y / width + 1)^3
    MMD^2   = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),  over pairs of different images

Unlike the Fréchet distance it has no bias at any n, and may fall below 0. All pairs are used, and
sums of the kernel over pairs of groups are kept: leaving a group out is then a subtraction.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import refuse_unusable
from pryproof.intervals import two_sided
from pryproof.quality.frechet import GROUPS, First, Second, dealt_groups, jackknife_error
from pryproof.records import Estimate

ROWS = 1000  # of the kernel's table at a time

Sums = Float64[np.ndarray, "groups groups"]


def kernel_distance(
    first: First, second: Second, *, seed: int, groups: int = GROUPS, confidence: float = 0.95
) -> Estimate:
    """Estimate KID; 0 = equal, higher = further apart.

    The interval is the jackknife's over groups of images, left out on both sides at once; between
    equal distributions it is on the wide side. Below 0 by more than that, the sides are no
    independent draws: one holds copies of the other. No factor of 1,000 is put in.

    >>> features = np.random.default_rng(0).normal(size=(400, 8))
    >>> kernel_distance(features[:200], features[200:], seed=0).contains(0.0)
    True
    """
    refuse_unusable(first=first, second=second)
    n = min(len(first), len(second))
    if n < 2 * groups:
        why = f"an interval needs {2 * groups} images a side, there are {n}"
        return not_estimable(why, n=n, confidence=confidence)
    a = _dealt(first, dealt_groups(len(first), groups, seed, "first"))
    b = _dealt(second, dealt_groups(len(second), groups, seed, "second"))
    tables = _sums(a, a), _sums(b, b), _sums(a, b)
    kept = np.concatenate([np.ones((1, groups), dtype=bool), ~np.eye(groups, dtype=bool)])
    value, *without = (_unbiased(tables, a.sizes @ each, b.sizes @ each, each) for each in kept)
    half = jackknife_error(np.array(without)) * two_sided(confidence, freedom=groups - 1)
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n=n,
        confidence=confidence,
        method=f"jackknife, {groups} groups",
    )


@dataclass(frozen=True, kw_only=True)
class _Dealt:
    """Features in the order of their groups."""

    features: Float[np.ndarray, "images width"]
    sizes: Int64[np.ndarray, " groups"]


def _dealt(
    features: Float[np.ndarray, "images width"], group: Int64[np.ndarray, " images"]
) -> _Dealt:
    order = np.argsort(group, kind="stable")
    return _Dealt(features=features[order], sizes=np.bincount(group))


def _sums(a: _Dealt, b: _Dealt) -> Sums:
    """Return the sum of the kernel over every pair of groups, of an image with itself left out."""
    across = np.concatenate([[0], np.cumsum(b.sizes)[:-1]])
    ends = np.cumsum(a.sizes)
    table = np.zeros((len(a.sizes), len(b.sizes)))
    for group, (size, end) in enumerate(zip(a.sizes, ends, strict=True)):
        for start in range(end - size, end, ROWS):
            kernel = _kernel(a.features[start : min(start + ROWS, end)], b.features)
            if a is b:
                own = np.arange(len(kernel))
                kernel[own, start + own] = 0.0
            table[group] += np.add.reduceat(kernel.sum(axis=0), across)
    return table


def _kernel(
    a: Float[np.ndarray, "first width"], b: Float[np.ndarray, "second width"]
) -> Float64[np.ndarray, "first second"]:
    kernel = (a @ b.T).astype(np.float64)
    kernel /= a.shape[1]
    kernel += 1
    return kernel * kernel * kernel


def _unbiased(
    tables: tuple[Sums, Sums, Sums], n: np.integer, m: np.integer, kept: Bool[np.ndarray, " groups"]
) -> float:
    inside_a, inside_b, between = (float(kept @ table @ kept) for table in tables)
    return float(inside_a / (n * (n - 1)) + inside_b / (m * (m - 1)) - 2 * between / (n * m))
