"""LeakPro's RMIA in loops over samples, shadow models and strangers, in a given float type."""

import math

import numpy as np


def mean_naive(p, shadows, outside, x):
    total, seen = p.dtype.type(0), 0
    for run in shadows:
        if outside is None or outside[run][x]:
            total, seen = total + p[run][x], seen + 1
    return total / p.dtype.type(seen) if seen else p.dtype.type(math.nan)


def leakpro_naive(p, strangers, run, shadows, *, outside=None, gamma=2.0, a=0.33) -> list[float]:
    """Return the scores, online without ``outside``."""

    def marginal(mean):
        return mean if outside is None else 0.5 * ((a + 1) * mean + (1 - a))

    ratios = [
        strangers[run][z] / (marginal(mean_naive(strangers, shadows, None, z)) + 1e-6)
        for z in range(strangers.shape[1])
    ]
    scores = []
    for x in range(p.shape[1]):
        ratio = p[run][x] / (marginal(mean_naive(p, shadows, outside, x)) + 1e-6)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores.append(sum(1 for z in ratios if ratio / z > gamma) / len(ratios))
    return scores
