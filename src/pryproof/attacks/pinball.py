"""Linear quantile regression: the pinball loss, minimised without a solver's library."""

import numpy as np
from jaxtyping import Float

# residuals are smoothed ever less, in interquartile ranges of the outcome; the number of rounds is
# fixed, since a rule to stop would make the answer depend on rounding, and so on the samples' order
SMOOTHINGS = np.geomspace(1e-1, 1e-6, 60)
RIDGE = 1e-9  # keeps columns that say the same, or nothing, from a singular system


def pinball_regression(
    design: Float[np.ndarray, "samples columns"],
    outcome: Float[np.ndarray, " samples"],
    probability: float,
) -> Float[np.ndarray, " columns"]:
    """Return the coefficients whose linear form is the outcome's conditional quantile.

    They minimise the mean of r (probability - [r < 0]) over the residuals r, by iterated weighted
    least squares (Hunter and Lange 2000): each round minimises a sum of parabolas that lie above
    the smoothed losses and touch them. Within 1e-4 of the least loss, and 1e-5 from 3,000 samples
    on (measured against linear programming).

    >>> pinball_regression(np.ones((5, 1)), np.array([0.0, 1.0, 2.0, 3.0, 100.0]), 0.5).round(4)
    array([2.])
    """
    low, high = np.quantile(outcome, [0.25, 0.75])
    scale = high - low if high > low else max(float(np.ptp(outcome)), 1.0)
    ridge = RIDGE * len(outcome) / scale * np.eye(design.shape[1])
    slope = (2 * probability - 1) * design.sum(axis=0)
    found = np.linalg.solve(design.T @ design + ridge, design.T @ outcome)
    for smoothing in SMOOTHINGS:
        weighted = design / (smoothing * scale + np.abs(outcome - design @ found))[:, None]
        found = np.linalg.solve(design.T @ weighted + ridge, weighted.T @ outcome + slope)
    return found
