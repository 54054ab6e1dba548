"""Closed-form intervals that more than one room needs; NumPy and the standard library only."""

from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int

from pryproof.checks import DataError

Number = Float[np.ndarray, "..."] | Int[np.ndarray, "..."] | float

GRID = 2_001  # points of the t distribution's integral: quantiles right to 1e-5 and better
TAIL = 8.0  # spreads integrated to either side; beyond lies less than 1e-15
AS_NORMAL = 10_000.0  # degrees of freedom from which t and normal quantiles agree to 1e-3


def normal_quantile(probability: float) -> float:
    """Return the value a standard normal variable stays below with this probability.

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    return NormalDist().inv_cdf(probability)


def two_sided(confidence: float, *, freedom: float = np.inf) -> float:
    """Return how many standard errors an interval of this confidence reaches to either side.

    ``freedom`` is that of the standard error (Student's t); infinite = it is known.

    >>> round(two_sided(0.95), 6), round(two_sided(0.95, freedom=2), 4)
    (1.959964, 4.3027)
    """
    if freedom >= AS_NORMAL:
        return normal_quantile((1 + confidence) / 2)
    # t = sqrt(freedom) * tan(angle) turns the density into a power of the cosine
    angle = np.linspace(0, min(np.pi / 2, TAIL / np.sqrt(freedom)), GRID)
    density = np.cos(angle) ** (freedom - 1)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(np.sqrt(freedom) * np.tan(np.interp(confidence * mass[-1], mass, angle)))


def wilson(
    hits: Number, n: Number, *, confidence: float = 0.95, freedom: float = np.inf
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Return Wilson's score interval of a proportion; of positive width, and within [0, 1].

    ``n`` may be an effective number of trials, then with its degrees of ``freedom``.

    >>> low, high = wilson(10, 100)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0552, 0.1744)
    """
    hits, n = np.asarray(hits, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if not np.all((n > 0) & (hits >= 0) & (hits <= n)):
        raise DataError(
            "E056",
            "a proportion needs 0 <= hits <= n and n > 0",
            fix="Give the number of hits among at least one trial.",
        )
    square = two_sided(confidence, freedom=freedom) ** 2
    centre = (hits + square / 2) / (n + square)
    half = np.sqrt(square * (hits * (n - hits) / n + square / 4)) / (n + square)
    # at 0 hits and at n hits the end is exact; rounding would miss it by 1e-17
    low = np.where(hits == 0, 0.0, centre - half)
    high = np.where(hits == n, 1.0, centre + half)
    return low, high
