"""Privacy Meter's RMIA in loops over samples, references and strangers, in a given float type."""

import math

import numpy as np


def mean_naive(p: np.ndarray, member: np.ndarray | None, run: int, references: int, x: int):
    """Return the mean of the largest values, added from the largest down, in the float type."""
    pair = run + 1 if run % 2 == 0 else run - 1
    columns = [each for each in range(len(p)) if each not in (run, pair)][: 2 * references]
    zero = p.dtype.type(0)
    values = [zero if member is not None and member[each][x] else p[each][x] for each in columns]
    kept = sorted(values, reverse=True)[:references]
    total = kept[0]
    for value in kept[1:]:
        total = total + value
    return total / p.dtype.type(len(kept))


def ratio_naive(p, member, run, references, a, x):
    marginal = (1 + a) / 2 * mean_naive(p, member, run, references, x) + (1 - a) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return p[run][x] / marginal


def privacy_meter_naive(p, member, run, *, population, references, a) -> list[float]:
    strangers = [
        ratio_naive(population, None, run, references, a, z) for z in range(population.shape[1])
    ]
    scores = []
    for x in range(p.shape[1]):
        ratio = ratio_naive(p, member, run, references, a, x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            hits = sum(1 for stranger in strangers if ratio / stranger > 1.0)
        scores.append(hits / len(strangers))
    return scores


def tuned_naive(p, member, run, *, population) -> np.float64:
    pair = run + 1 if run % 2 == 0 else run - 1
    best, most = math.nan, 0.0
    for a in np.arange(0, 1.1, 0.1):
        scores = privacy_meter_naive(p, member, pair, population=population, references=1, a=a)
        wins = pairs = 0.0
        for inside, known in zip(scores, member[pair], strict=True):
            for outside, other in zip(scores, member[pair], strict=True):
                if known and not other:
                    wins += 1.0 if inside > outside else 0.5 if inside == outside else 0.0
                    pairs += 1
        if wins / pairs > most + 1e-12:
            best, most = a, wins / pairs
    return best
