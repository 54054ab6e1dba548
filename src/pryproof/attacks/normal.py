"""The normal distribution's logarithms, without loss in either tail."""

import numpy as np
from jaxtyping import Float

LOG_SQRT_2_PI = np.log(2 * np.pi) / 2

# Chebyshev series of (1 + 2 u) exp(u^2) erfc(u) in (u - CENTRE) / (u + CENTRE), for u >= 0:
# interpolation at 60 nodes, computed with 60 digits, cut where a term is below 1e-17
CENTRE = 3.5
# fmt: off
SERIES = (
    1.177632731636124, -0.001630177283414629, -0.08733682573463146,
    0.05800974837029327, -0.024340115396182225, 0.007529483715635749,
    -0.0017438817577112521, 0.00028269829816555584, -2.31849116112635e-05,
    -2.111766698133041e-06, 8.765760156892822e-07, -6.105702635086118e-08,
    -1.7116664716341917e-08, 3.391360268611259e-09, 2.54661619366046e-10,
    -1.2482784079516295e-10, -2.2122757753433792e-12, 4.4272603638230294e-12,
    -3.367266128031013e-14, -1.6519256000923578e-13, 1.9024103044538835e-15,
    6.601187937172832e-15, 2.880282449409004e-17, -2.7791709635743296e-16,
    -1.0764465740332641e-17,
)
# fmt: on
FINE = 64.0  # a square of a multiple of 1/64 is exact


def log_density(
    x: Float[np.ndarray, "..."], mean: Float[np.ndarray, "..."], spread: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Return the logarithm of the normal density (nats); arrays of one shape, or that broadcast.

    Distance and spread stay in their float type, all else is float64: as SciPy has it.

    >>> log_density(np.array([3.5]), np.array([4.0]), np.array([1.0])).round(6)
    array([-1.043939])
    """
    z = ((x - mean) / spread).astype(np.float64)
    return -(z**2) / 2 - LOG_SQRT_2_PI - np.log(spread)


def log_cdf(z: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return log P[Z <= z] (nats) to 1e-13 relative, also where the probability rounds to 0 or 1.

    >>> log_cdf(np.array([-40.0, 0.0, 1.5309310892394863])).round(6)
    array([-8.04608442e+02, -6.93147000e-01, -6.49580000e-02])
    """
    z = np.asarray(z, dtype=np.float64)
    half = _scaled_tail(np.abs(z)) / 2
    with np.errstate(over="ignore", under="ignore"):
        below = np.log(half) - z**2 / 2
        return np.where(z <= 0, below, np.log1p(-half * _gauss(z)))


def _scaled_tail(z: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return exp(u^2) erfc(u) at u = z / sqrt(2) >= 0, by Clenshaw's recurrence."""
    u = np.minimum(z / np.sqrt(2), 1e300)
    t = (u - CENTRE) / (u + CENTRE)
    this, last = np.zeros_like(t), np.zeros_like(t)
    for coefficient in SERIES[:0:-1]:
        this, last = 2 * t * this - last + coefficient, this
    return (t * this - last + SERIES[0]) / (1 + 2 * u)


def _gauss(z: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return exp(-z^2 / 2), the exponent in two parts: rounding it whole would cost 1e-13."""
    z = np.minimum(np.abs(z), 1e3)  # 0 in double precision long before
    near = np.trunc(z * FINE) / FINE
    return np.exp(-(near**2) / 2) * np.exp(-(z - near) * (z + near) / 2)
