"""Do fakes lie where real images lie, and everywhere there? By balls around images.

The ball of an image reaches to its k-th nearest of its own set.

    precision  share of fakes within the ball of some real image (Kynkaanniemi et al. 2019)
    recall     share of reals within the ball of some fake
    density    of the real balls a fake lies within, the mean number over k (Naeem et al. 2020)
    coverage   share of reals whose ball holds a fake

For fakes drawn as the reals are, density is 1 and coverage is about 1 - 2^-k (``coverage_of_reals``
has the exact value), whatever the features; precision and recall have no such value.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from pryproof.checks import ConfigurationError, DataError
from pryproof.distances.nearest import nearest
from pryproof.evaluation.estimates import mean_accuracy
from pryproof.evaluation.roc import refuse_unusable
from pryproof.intervals import two_sided
from pryproof.records import Estimate

Fakes = Float[np.ndarray, "fakes width"]
Reals = Float[np.ndarray, "reals width"]

K = 5
ROWS = 1000  # of the table of distances at a time
ROUNDING = 1e-12  # of the squared norms: an image on a ball's rim lies within it


@dataclass(frozen=True, kw_only=True)
class Manifold:
    """Precision, recall and coverage are shares; density may exceed 1. All: higher = better.

    Intervals are about the images asked, the balls as given; that of density about both.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def manifold(fakes: Fakes, reals: Reals, *, k: int = K, confidence: float = 0.95) -> Manifold:
    """Compare where fakes and reals lie; equally many of both make precision and recall comparable.

    >>> features = np.random.default_rng(0).normal(size=(400, 4))
    >>> found = manifold(features[:200], features[200:] + 100.0)
    >>> found.precision.value, found.recall.value, found.coverage.value
    (0.0, 0.0, 0.0)
    """
    refuse_unusable(fakes=fakes, reals=reals)
    _refuse_few(k, fakes, reals)
    around_reals = nearest(reals, reals, k=k, same=True).distance[:, -1]
    around_fakes = nearest(fakes, fakes, k=k, same=True).distance[:, -1]
    balls, held = _within(fakes, reals, around_reals)
    fake_balls, _ = _within(reals, fakes, around_fakes)

    def share(hit: np.ndarray) -> Estimate:
        return mean_accuracy(hit[None], confidence=confidence)

    return Manifold(
        precision=share(balls > 0),
        recall=share(fake_balls > 0),
        density=_density(balls / k, held / k, confidence),
        coverage=share(held > 0),
    )


def coverage_of_reals(fakes: int, reals: int, *, k: int = K) -> float:
    """Return the coverage to expect of fakes that are drawn as the reals are.

    The k nearest reals of a real image must not all lie closer than every fake:
    1 - product over i < k of (reals - 1 - i) / (reals - 1 - i + fakes).

    >>> round(coverage_of_reals(10_000, 10_000), 3)
    0.969
    """
    rest = reals - 1 - np.arange(k)
    return float(1 - np.prod(rest / (rest + fakes)))


def _within(
    points: Float[np.ndarray, "points width"],
    centres: Float[np.ndarray, "centres width"],
    radius: Float64[np.ndarray, " centres"],
) -> tuple[Int64[np.ndarray, " points"], Int64[np.ndarray, " centres"]]:
    """Count, for every point, the balls it lies within; and for every ball, its points."""
    middle = centres.mean(axis=0, dtype=np.float64)
    points, centres = points - middle, centres - middle
    lengths = np.sum(centres**2, axis=1)
    reach = radius**2 + ROUNDING * lengths
    balls, held = np.zeros(len(points), np.int64), np.zeros(len(centres), np.int64)
    for start in range(0, len(points), ROWS):
        part = points[start : start + ROWS]
        own = np.sum(part**2, axis=1)[:, None]
        inside = own + lengths - 2 * part @ centres.T <= reach + ROUNDING * own
        balls[start : start + ROWS] = inside.sum(axis=1)
        held += inside.sum(axis=0)
    return balls, held


def _density(
    by_fake: Float64[np.ndarray, " fakes"],
    by_real: Float64[np.ndarray, " reals"],
    confidence: float,
) -> Estimate:
    """Estimate the mean over fakes; fakes and reals are both drawn (a two-sample U-statistic)."""
    n, m = len(by_fake), len(by_real)
    value = float(by_fake.mean())
    ratio = m / n  # what a ball holds, of what its share of the fakes would be
    variance = by_fake.var(ddof=1) / n + (by_real * ratio).var(ddof=1) / m
    half = two_sided(confidence) * float(np.sqrt(variance))
    return Estimate(
        value=value,
        low=max(value - half, 0.0),
        high=value + half,
        n=n,
        confidence=confidence,
        method="normal, variance over fakes and reals",
    )


def _refuse_few(k: int, fakes: Fakes, reals: Reals) -> None:
    if k < 1:
        raise ConfigurationError("E044", f"k must be 1 or more, got {k}", fix=f"Leave it at {K}.")
    if min(len(fakes), len(reals)) <= k:
        raise DataError(
            "E045",
            f"balls to the neighbour of place {k} need {k + 1} images a side, got "
            f"{len(fakes)} fakes and {len(reals)} reals",
            fix="Give more images.",
        )
