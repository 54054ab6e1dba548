"""LiRA with global, residual-pooled spreads, in plain loops from the formulas of methods 3.1."""

import math

import numpy as np

Table = list[list[float]]


def shadows_naive(member: np.ndarray, group: np.ndarray, run: int, x: int, *, inside: bool):
    """Return the runs of other groups that did (not) train on sample x."""
    return [s for s in range(len(group)) if group[s] != group[run] and member[s][x] == inside]


def fit_naive(phi: np.ndarray, member: np.ndarray, group: np.ndarray, run: int, *, inside: bool):
    means, squares, freedom = [], 0.0, 0
    for x in range(phi.shape[1]):
        seen = [float(phi[s][x]) for s in shadows_naive(member, group, run, x, inside=inside)]
        mean = sum(seen) / len(seen) if seen else math.nan
        means.append(mean)
        squares += sum((value - mean) ** 2 for value in seen)
        freedom += max(len(seen) - 1, 0)
    return means, (math.sqrt(squares / freedom) if freedom else 0.0)


def lira_offline_naive(phi: np.ndarray, member: np.ndarray, group: np.ndarray) -> Table:
    table = []
    for run in range(len(group)):
        means, spread = fit_naive(phi, member, group, run, inside=False)
        row = [(float(phi[run][x]) - means[x]) / (spread or 1.0) for x in range(phi.shape[1])]
        table.append(row)
    return table


def lira_naive(phi: np.ndarray, member: np.ndarray, group: np.ndarray) -> Table:
    def log_normal(value: float, mean: float, spread: float) -> float:
        density = -((value - mean) ** 2) / (2 * spread**2)
        return density - math.log(spread * math.sqrt(2 * math.pi))

    table = []
    for run in range(len(group)):
        means_in, spread_in = fit_naive(phi, member, group, run, inside=True)
        means_out, spread_out = fit_naive(phi, member, group, run, inside=False)
        table.append(
            [
                log_normal(float(phi[run][x]), means_in[x], spread_in or spread_out or 1.0)
                - log_normal(float(phi[run][x]), means_out[x], spread_out or spread_in or 1.0)
                for x in range(phi.shape[1])
            ]
        )
    return table
