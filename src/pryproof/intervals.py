"""Intervals that more than one room needs; NumPy and the standard library only."""

import math
from functools import cache
from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int

from pryproof.checks import DataError

Number = Float[np.ndarray, "..."] | Int[np.ndarray, "..."] | np.integer | float
Array = Float[np.ndarray, "..."]
Interval = tuple[Array, Array]

KNOTS = 400  # of the interpolation of t quantiles between degrees of freedom
GRID = 2_001  # points of the t distribution's integral: quantiles right to 1e-5 and better
TAIL = 8.0  # spreads integrated to either side; beyond lies less than 1e-15
AS_NORMAL = 10_000.0  # degrees of freedom from which t and normal quantiles agree to 1e-3

TINY = 1e-300  # in place of a zero denominator in a continued fraction (Lentz)
CONVERGED = 1e-12  # two convergents nearer than this are one
SETTLED = 1e-8  # a Newton step this small leaves an error of about its square
MOST_TERMS = 2_000  # of a continued fraction; up to a hundred or so are needed
LARGE = 50.0  # parameters of a beta distribution from which its density is integrated instead
NODES, DEEP = 64, 40.0  # of that integral, down to where the density has fallen by exp(-40)
MOST_STEPS = 200  # of Newton's method; some 10 are needed


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


def two_sided_each(confidence: float, freedom: Array) -> Array:
    """Return ``two_sided`` for each of many degrees of freedom, from 1 on, right to 2e-3.

    >>> two_sided_each(0.95, np.array([2.0, np.inf])).round(3)
    array([4.303, 1.96 ])
    """
    inverse, reach = _knots(confidence)
    return np.exp(np.interp(1 / np.maximum(freedom, 1.0), inverse, np.log(reach)))


@cache
def _knots(confidence: float) -> tuple[Array, Array]:
    """Return 1 / freedom, from 0 to 1, and ``two_sided`` there."""
    inverse = np.concatenate([[0.0], np.geomspace(1 / AS_NORMAL, 1.0, KNOTS)])
    freedoms = [1 / each if each else np.inf for each in inverse]
    return inverse, np.array([two_sided(confidence, freedom=each) for each in freedoms])


def wilson(
    hits: Number, n: Number, *, confidence: float = 0.95, freedom: float = np.inf
) -> Interval:
    """Return Wilson's score interval of a proportion; of positive width, and within [0, 1].

    ``n`` may be an effective number of trials, then with its degrees of ``freedom``.

    >>> low, high = wilson(10, 100)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0552, 0.1744)
    """
    hits, n = _counts(hits, n)
    square = two_sided(confidence, freedom=freedom) ** 2
    centre = (hits + square / 2) / (n + square)
    half = np.sqrt(square * (hits * (n - hits) / n + square / 4)) / (n + square)
    # at 0 hits and at n hits the end is exact; rounding would miss it by 1e-17
    low = np.where(hits == 0, 0.0, centre - half)
    high = np.where(hits == n, 1.0, centre + half)
    return low, high


def clopper_pearson(hits: Number, n: Number, *, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a proportion (Clopper and Pearson 1934), within [0, 1].

    It covers the truth with at least this confidence whatever the truth is, so mostly with more.

    >>> low, high = clopper_pearson(10, 100)
    >>> round(float(low), 4), round(float(high), 4)
    (0.049, 0.1762)
    """
    hits, n = _counts(hits, n)
    return _beta_interval((hits, n - hits + 1), (hits + 1, n - hits), confidence)


def jeffreys(hits: Number, n: Number, *, confidence: float = 0.95) -> Interval:
    """Return Jeffreys' interval of a proportion, of positive width, and within [0, 1].

    Its coverage lies about the confidence, on average right on it (Brown, Cai and DasGupta 2001);
    at 0 hits it reaches to 0, at n hits to 1. ``n`` may be an effective number of trials.

    >>> low, high = jeffreys(10, 100)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0526, 0.1701)
    """
    hits, n = _counts(hits, n)
    half = np.where(hits > 0, hits + 0.5, 0.0), np.where(hits < n, n - hits + 0.5, 0.0)
    return _beta_interval((half[0], n - hits + 0.5), (hits + 0.5, half[1]), confidence)


def beta_cdf(x: Number, a: Number, b: Number) -> Array:
    """Return the chance that a Beta(a, b) variable stays below x: the incomplete beta function.

    ``beta_cdf(p, k, n - k + 1)`` is the chance of k successes or more in n trials of chance p.

    >>> round(float(beta_cdf(0.5, 3, 8)), 10)  # 3 or more heads of 10: 1 - 56 / 1024
    0.9453125
    """
    x, a, b = _together(x, a, b)
    below = np.where(x >= 1, 1.0, 0.0)
    inner = (x > 0) & (x < 1)
    x, a, b = x[inner], a[inner], b[inner]
    swap = x > (a + 1) / (a + b + 2)  # beyond, the other tail's fraction converges faster
    near = np.where(swap, np.log1p(-x), np.log(x))
    tail, _ = _log_beta_cdf(near, np.where(swap, b, a), np.where(swap, a, b))
    below[inner] = np.where(swap, -np.expm1(tail), np.exp(tail))
    return below


def beta_quantile(probability: Number, a: Number, b: Number) -> Array:
    """Return the value that a Beta(a, b) variable stays below with this probability.

    >>> round(float(beta_quantile(0.9453125, 3, 8)), 10)
    0.5
    """
    chance, a, b = _together(probability, a, b)
    swap = chance > 0.5  # solve for the smaller tail
    tail = np.where(swap, 1 - chance, chance)
    log_x = _lower_tail_quantile(
        tail.ravel(), np.where(swap, b, a).ravel(), np.where(swap, a, b).ravel()
    ).reshape(chance.shape)
    return np.where(swap, -np.expm1(log_x), np.exp(log_x))


def _together(*arrays: Number) -> tuple[Array, ...]:
    return tuple(np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in arrays)))


def _counts(hits: Number, n: Number) -> Interval:
    hits, n = _together(hits, n)
    if not np.all((n > 0) & (hits >= 0) & (hits <= n)):
        raise DataError(
            "E056",
            "a proportion needs 0 <= hits <= n and n > 0",
            fix="Give the number of hits among at least one trial.",
        )
    return hits, n


def _beta_interval(
    low: tuple[Number, Number], high: tuple[Number, Number], confidence: float
) -> Interval:
    """Return the quantiles of two beta distributions; a parameter of 0 stands for an exact end."""
    tail = (1 - confidence) / 2
    (a, b), (c, d) = low, high
    from_below = beta_quantile(tail, np.where(a > 0, a, 1.0), b)
    from_above = beta_quantile(1 - tail, c, np.where(d > 0, d, 1.0))
    return np.where(a > 0, from_below, 0.0), np.where(d > 0, from_above, 1.0)


def _lower_tail_quantile(chance: Array, a: Array, b: Array) -> Array:
    """Return log x by Newton's method on log probability, which is concave in log x."""
    mean, spread = a / (a + b), np.sqrt(a * b / (a + b + 1)) / (a + b)
    start = mean + spread * np.array([normal_quantile(each) for each in chance])
    log_x = np.log(np.clip(start, mean * 1e-3, mean))
    for _ in range(MOST_STEPS):
        found, slope = _log_beta_cdf(log_x, a, b)
        step = (found - np.log(chance)) / slope
        log_x = np.minimum(log_x - step, log_x / 2)  # x stays below 1
        if np.all(np.abs(step) <= SETTLED):
            break
    return log_x


def _log_beta_cdf(log_x: Array, a: Array, b: Array) -> Interval:
    """Return log I_x(a, b) and its derivative to log x, for x up to about the mean."""
    large = np.minimum(a, b) > LARGE
    found, slope = np.empty_like(log_x), np.empty_like(log_x)
    for part, method in ((~large, _by_fraction), (large, _by_quadrature)):
        if part.any():
            found[part], slope[part] = method(log_x[part], a[part], b[part])
    return found, slope


def _by_fraction(log_x: Array, a: Array, b: Array) -> Interval:
    """I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) times a continued fraction (modified Lentz)."""
    x = np.exp(log_x)
    c, d = np.ones_like(x), 1 - (a + b) * x / (a + 1)
    d = 1 / np.where(d == 0, TINY, d)
    fraction = d.copy()
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            c, d = 1 + term / c, 1 + term * d
            c, d = np.where(c == 0, TINY, c), 1 / np.where(d == 0, TINY, d)
            fraction = fraction * (c * d)
        if np.all(np.abs(c * d - 1) <= CONVERGED):
            break
    log_rest = np.log(-np.expm1(log_x))
    found = a * log_x + b * log_rest - _log_beta(a, b) - np.log(a) + np.log(fraction)
    return found, a / (np.exp(log_rest) * fraction)


def _by_quadrature(log_x: Array, a: Array, b: Array) -> Interval:
    """Integrate the density, nearly a normal one, downwards as far as it matters (Gauss)."""
    x = np.exp(log_x)
    spread = np.sqrt(a * b / (a + b + 1)) / (a + b)
    z = (x - a / (a + b)) / spread
    width = np.minimum(spread * (np.sqrt(z**2 + 2 * DEEP) + z), x)
    nodes, weights = _gauss()
    t = x[:, None] - width[:, None] * (1 + nodes) / 2
    here = (a - 1) * log_x + (b - 1) * np.log1p(-x)
    with np.errstate(divide="ignore"):  # the density at 0 is 0
        there = (a - 1)[:, None] * np.log(t) + (b - 1)[:, None] * np.log1p(-t)
    share = np.exp(there - here[:, None]) @ weights * width / 2  # of the density at x
    return here - _log_beta(a, b) + np.log(share), x / share


@cache
def _gauss() -> Interval:
    return np.polynomial.legendre.leggauss(NODES)


def _log_beta(a: Array, b: Array) -> Array:
    return np.array(
        [math.lgamma(u) + math.lgamma(v) - math.lgamma(u + v) for u, v in zip(a, b, strict=True)]
    )
