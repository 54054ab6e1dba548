"""The interquartile range of every loss trace, from sorted losses."""

import numpy as np


def quantile_naive(values: list[float], share: float) -> float:
    values = sorted(values)
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def loss_trace_iqr_naive(trace: np.ndarray) -> list[list[float]]:
    table = []
    for run in trace:
        traces = [[float(epoch[x]) for epoch in run] for x in range(run.shape[1])]
        table.append([quantile_naive(each, 0.75) - quantile_naive(each, 0.25) for each in traces])
    return table
