"""Variance of a mean over targets, cell by cell; a per-sample AUC; and a bootstrap with arrays."""

import math

import numpy as np


def influences_naive(values: np.ndarray) -> list[float]:
    """Return by how much each value moves its mean, scaled as the mean's variance."""
    n = len(values)
    mean = sum(values) / n
    return [(value - mean) / math.sqrt(n * (n - 1)) for value in values]


def auc_table_naive(scores: np.ndarray, inside: np.ndarray) -> tuple[list[float], np.ndarray]:
    """Return each target's AUC, and the influences of its samples, by comparing all pairs."""
    areas, table = [], np.zeros(scores.shape)
    for t, row in enumerate(scores):
        mine, others = np.flatnonzero(inside[t]), np.flatnonzero(~inside[t])
        win = [[float(row[a] > row[b]) + 0.5 * (row[a] == row[b]) for b in others] for a in mine]
        win = np.array(win)
        areas.append(float(win.mean()))
        table[t, mine] = influences_naive(win.mean(axis=1))
        table[t, others] = influences_naive(win.mean(axis=0))
    return areas, table


def variance_naive(values: list[float], table: np.ndarray) -> float:
    """Return over samples + what targets have beyond the sum of their cells."""
    targets, samples = table.shape
    columns = [sum(table[t][i] for t in range(targets)) / targets for i in range(samples)]
    over_samples = sum(value**2 for value in columns) * samples / (samples - 1)
    mean = sum(values) / targets
    over_targets = sum((value - mean) ** 2 for value in values) / (targets - 1) / targets
    cells = sum((table[t][i] - columns[i]) ** 2 for t in range(targets) for i in range(samples))
    cells *= samples / (samples - 1) / (targets * (targets - 1))
    return over_samples + max(over_targets - cells, 0.0)


def bootstrap_naive(members, nonmembers, fpr: float, draws: int, seed: int) -> list[float]:
    """Draw both sides anew, sort, cut, count."""
    rng = np.random.default_rng(seed)
    n, found = len(nonmembers), []
    for _ in range(draws):
        others = sorted(rng.choice(nonmembers, size=n), reverse=True)
        bound = others[int(n * fpr + 1e-9)]
        found.append(float(np.mean(rng.choice(members, size=len(members)) > bound)))
    return found
