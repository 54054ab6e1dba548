"""LiRA in plain loops, from the formulas of methods 3.1: one target and sample after the other."""

import math
from statistics import fmean

import numpy as np

Table = list[list[float]]


def shadows_naive(member: np.ndarray, group: np.ndarray, run: int, x: int, *, inside: bool):
    """Return the runs of other groups that did (not) train on sample x."""
    return [s for s in range(len(group)) if group[s] != group[run] and member[s][x] == inside]


def values_naive(phi, member, group, run: int, *, inside: bool) -> list[list[list[float]]]:
    """Return what a target's shadows say: [samples][queries][shadows]."""
    return [
        [
            [float(phi[s][q][x]) for s in shadows_naive(member, group, run, x, inside=inside)]
            for q in range(phi.shape[1])
        ]
        for x in range(phi.shape[2])
    ]


def spread_naive(values: list[list[list[float]]], kind: str) -> float:
    """Return the one spread of all samples and queries of a side; 0 if there is none."""
    lists = [each for sample in values for each in sample if each]
    if kind == "fixed":
        lists = [[value for each in lists for value in each]]
    squares = sum((value - fmean(each)) ** 2 for each in lists for value in each)
    number = sum(len(each) - (kind == "pooled") for each in lists)
    return math.sqrt(squares / number) if number else 0.0


def common_spread_naive(inside, outside) -> float:
    lists = [each for sample in [*inside, *outside] for each in sample if each]
    squares = sum((value - fmean(each)) ** 2 for each in lists for value in each)
    return math.sqrt(squares / sum(map(len, lists))) or 1.0


def own_spread_naive(values: list[float], pooled: float) -> float:
    squares = sum((value - fmean(values)) ** 2 for value in values)
    return math.sqrt(squares / len(values)) if len(values) > 1 and squares else pooled


def log_normal(value: float, mean: float, spread: float) -> float:
    return -((value - mean) ** 2) / (2 * spread**2) - math.log(spread * math.sqrt(2 * math.pi))


def scores_naive(phi, member, group, *, online: bool = True, spread: str = "pooled") -> Table:
    """Score every run: phi [runs, queries, samples]."""
    table = []
    for run in range(len(group)):
        sides = {
            inside: values_naive(phi, member, group, run, inside=inside) for inside in (False, True)
        }
        kind = "pooled" if spread == "per_sample" else spread
        one = {inside: spread_naive(values, kind) for inside, values in sides.items()}
        if not online:
            one[True] = 0.0  # never looked at
        one = {inside: one[inside] or one[not inside] or 1.0 for inside in sides}
        if spread == "common":
            one = dict.fromkeys(sides, common_spread_naive(sides[True], sides[False]))
        own = spread == "per_sample"
        table.append(
            [
                fmean(
                    _score(
                        float(phi[run][q][x]), {i: sides[i][x][q] for i in sides}, one, online, own
                    )
                    for q in range(phi.shape[1])
                )
                for x in range(phi.shape[2])
            ]
        )
    return table


def _score(value, seen, one, online, own) -> float:
    if not seen[False] or (online and not seen[True]):
        return math.nan
    spreads = {i: own_spread_naive(seen[i], one[i]) if own else one[i] for i in seen if seen[i]}
    if not online:
        return (value - fmean(seen[False])) / spreads[False]
    inside = log_normal(value, fmean(seen[True]), spreads[True])
    return inside - log_normal(value, fmean(seen[False]), spreads[False])


def lira_offline_naive(phi: np.ndarray, member: np.ndarray, group: np.ndarray) -> Table:
    return scores_naive(phi[:, None], member, group, online=False)


def lira_naive(phi: np.ndarray, member: np.ndarray, group: np.ndarray) -> Table:
    return scores_naive(phi[:, None], member, group)
