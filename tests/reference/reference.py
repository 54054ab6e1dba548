"""Attack-R: comparing a sample's loss with its loss under every run of another group without it."""

import math

import numpy as np


def reference_naive(losses: np.ndarray, member: np.ndarray, group: np.ndarray) -> list[list[float]]:
    table = []
    for run in range(len(group)):
        row = []
        for x in range(losses.shape[1]):
            seen = [
                float(losses[s][x])
                for s in range(len(group))
                if group[s] != group[run] and not member[s][x]
            ]
            mine = float(losses[run][x])
            higher = sum(1.0 if other > mine else 0.5 if other == mine else 0.0 for other in seen)
            row.append(higher / len(seen) if seen else math.nan)
        table.append(row)
    return table
