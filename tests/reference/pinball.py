"""The best linear quantile: every line through as many points as it has coefficients."""

from itertools import combinations

import numpy as np


def pinball_loss(residuals: np.ndarray, probability: float) -> float:
    return sum(
        probability * float(r) if r >= 0 else (probability - 1) * float(r) for r in residuals
    )


def least_loss(design: np.ndarray, outcome: np.ndarray, probability: float) -> float:
    """Return the least loss; some minimiser passes through as many points as it has columns."""
    best = np.inf
    for points in combinations(range(len(outcome)), design.shape[1]):
        some = list(points)
        if abs(np.linalg.det(design[some])) < 1e-9:
            continue
        found = np.linalg.solve(design[some], outcome[some])
        best = min(best, pinball_loss(outcome - design @ found, probability))
    return best
