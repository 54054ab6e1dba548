"""RMIA from its formula: every sample against every stranger, probabilities as they are."""

import math

import numpy as np

Table = list[list[float]]


def p_naive(p, sides, group, run, left_out, x, a):
    """Return p(x | run) / p(x), from the runs of other groups than ``left_out``'s.

    Their mean is taken on every side (a mask of runs, None = all), and then over the sides.
    """
    means = []
    for chosen in sides:
        seen = [
            float(p[s][x])
            for s in range(len(group))
            if group[s] != group[left_out] and (chosen is None or chosen[s][x])
        ]
        if seen:
            means.append(sum(seen) / len(seen))
    if not means:
        return math.nan
    marginal = ((1 + a) * sum(means) / len(means) + 1 - a) / 2
    if marginal == 0:
        return math.nan if p[run][x] == 0 else math.inf
    return float(p[run][x]) / marginal


def share_naive(ratio: float, strangers: list[float], gamma: float) -> float:
    hits, pairs = 0, 0
    for z in strangers:
        if math.isnan(z) or math.isnan(ratio) or (ratio == z and ratio in (0.0, math.inf)):
            continue
        pairs += 1
        hits += z == 0 or ratio / z >= gamma
    return hits / pairs if pairs else math.nan


def one_naive(p, sides, group, run, left_out, *, population, gamma, a, there=None) -> list[float]:
    samples = range(p.shape[1])
    ratios = [p_naive(p, sides, group, run, left_out, x, a) for x in samples]
    if population is None:
        return [share_naive(ratios[x], ratios[:x] + ratios[x + 1 :], gamma) for x in samples]
    strangers = [
        p_naive(population, [there], group, run, left_out, z, a) for z in range(population.shape[1])
    ]
    return [share_naive(ratio, strangers, gamma) for ratio in ratios]


def rmia_naive(p, member, group, *, population, gamma=1.0) -> Table:
    sides = [member, ~member]
    return [
        one_naive(p, sides, group, run, run, population=population, gamma=gamma, a=1.0)
        for run in range(len(group))
    ]


def rmia_offline_naive(p, member, group, *, population, gamma=1.0, a) -> Table:
    """Return the offline scores with one a for every target."""
    return [
        one_naive(p, [~member], group, run, run, population=population, gamma=gamma, a=a[run])
        for run in range(len(group))
    ]


def tuned_naive(p, member, group, target, *, population, gamma=1.0) -> float:
    """Return the first a of the best AUC on the run of median mean log p (the lower of two)."""
    able = [
        run
        for run in range(len(group))
        if group[run] != group[target]
        and 0 < sum(member[run]) < len(member[run])
        and any(group[s] not in (group[run], group[target]) for s in range(len(group)))
    ]
    able.sort(key=lambda run: np.log(p[run]).mean())
    run = able[(len(able) - 1) // 2]
    apart = np.array([[each != group[run]] for each in group])
    best, found = -1.0, math.nan
    for step in range(11):
        scores = one_naive(
            p,
            [~member & apart],
            group,
            run,
            target,
            population=population,
            gamma=gamma,
            a=step / 10,
            there=None if population is None else apart & np.ones(population.shape, bool),
        )
        wins = pairs = 0.0
        for x, inside in enumerate(scores):
            for y, outside in enumerate(scores):
                both = not (math.isnan(inside) or math.isnan(outside))
                if both and member[run][x] and not member[run][y]:
                    wins += 1.0 if inside > outside else 0.5 if inside == outside else 0.0
                    pairs += 1
        if wins / pairs > best + 1e-12:
            best, found = wins / pairs, step / 10
    return found
