"""The augmentation-aware attack: every reduction, every cut, in loops."""

import statistics

import numpy as np

REDUCTIONS = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "std": statistics.pstdev,
}


def reduced_naive(losses: np.ndarray, name: str) -> list[float]:
    return [REDUCTIONS[name](losses[:, x].tolist()) for x in range(losses.shape[1])]


def advantage_naive(values: list[float], member: np.ndarray) -> float:
    best = 0.0
    for cut in values:
        hits = sum(1 for value, known in zip(values, member, strict=True) if known and value <= cut)
        false = sum(
            1 for value, known in zip(values, member, strict=True) if not known and value <= cut
        )
        best = max(best, hits / sum(member) - false / sum(~member))
    return best


def reduction_naive(losses: np.ndarray, member: np.ndarray, runs: list[int]) -> str:
    """Return the first of the reductions with the largest mean advantage over known runs."""
    best, found = -1.0, ""
    for name in REDUCTIONS:
        mean = statistics.fmean(
            advantage_naive(reduced_naive(losses[run], name), member[run]) for run in runs
        )
        if mean > best + 1e-12:
            best, found = mean, name
    return found
