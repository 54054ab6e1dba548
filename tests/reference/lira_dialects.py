"""LiRA as other programs have it, in plain loops: one sample and query after the other."""

import math
from statistics import fmean, median, pstdev

from reference.lira import log_normal, values_naive

ADDED = 1e-30


def truncated_naive(phi, member, group, run, *, online, fixed, shared) -> list[float]:
    """Score as the official script does, or (not shared) Amulet."""
    sides = {}
    for inside in (False, True):
        values = values_naive(phi, member, group, run, inside=inside)
        size = min(len(each) for sample in values for each in sample)
        sides[inside] = [[each[:size] for each in sample] for sample in values]
    all_of = {
        inside: [value for sample in values for each in sample for value in each]
        for inside, values in sides.items()
    }
    scores = []
    for x in range(phi.shape[2]):
        terms = []
        for q in range(phi.shape[1]):
            density = {}
            for inside, values in sides.items():
                seen = values[x][q]
                spread = pstdev(seen) if seen and not fixed else 0.0
                if fixed:
                    spread = pstdev(all_of[True if shared and online else inside])
                if seen:
                    value = float(phi[run][q][x])
                    density[inside] = log_normal(value, median(seen), spread + ADDED)
            terms.append(density[True] - density[False] if online else -density[False])
        scores.append(fmean(terms))
    return scores


def tf_privacy_naive(phi, member, group, run, *, option, centre, spread) -> list[float]:
    """TensorFlow Privacy's likelihood; ``spread`` None: its offset."""
    middle = median if centre == "median" else fmean
    samples, queries = phi.shape[2], phi.shape[1]
    found = {}
    for inside in {"both": (False, True), "in": (True,), "out": (False,)}[option]:
        values = values_naive(phi, member, group, run, inside=inside)
        centres, spreads, residuals = [], [], []
        for q in range(queries):
            column = [middle(values[x][q]) if values[x][q] else None for x in range(samples)]
            deviations = [pstdev(values[x][q]) if values[x][q] else None for x in range(samples)]
            for x in range(samples):
                residuals += [value - column[x] for value in values[x][q]]
            centres.append(_filled(column))
            spreads.append(_filled(deviations))
        one = pstdev(residuals)
        found[inside] = [
            [
                (centres[q][x], (one if spread == "fixed" else spreads[q][x]) + ADDED)
                for q in range(queries)
            ]
            for x in range(samples)
        ]
    return [
        fmean(
            _of_query(float(phi[run][q][x]), {i: found[i][x][q] for i in found}, option, spread)
            for q in range(queries)
        )
        for x in range(samples)
    ]


def _of_query(value, found, option, spread) -> float:
    if spread is None:
        return value - fmean(centre for centre, _ in found.values())
    density = {inside: log_normal(value, *each) for inside, each in found.items()}
    if option == "both":
        return density[True] - density[False]
    return density[True] if option == "in" else -density[False]


def _filled(column):
    mean = fmean(each for each in column if each is not None)
    return [mean if each is None else each for each in column]


def leakpro_naive(phi, member, group, run, *, online, variance) -> list[float]:
    """LeakPro's LiRA; phi [runs, samples]."""
    phi = phi[:, None]
    shadows = sum(group != group[run])
    sides = {i: values_naive(phi, member, group, run, inside=i) for i in (False, True)}
    all_of = {i: [v for sample in values for v in sample[0]] for i, values in sides.items()}
    scores = []
    for x in range(phi.shape[2]):
        value, density = float(phi[run][0][x]), {}
        for inside, values in sides.items():
            seen = values[x][0]
            own = {
                "fixed": True,
                "carlini": shadows >= 64,
                "individual_carlini": len(seen) >= 32,
            }[variance]
            if not seen:
                density[inside] = math.nan
                continue
            spread = (pstdev(seen) if own else pstdev(all_of[inside])) + ADDED
            if online:
                density[inside] = log_normal(value, fmean(seen), spread)
            else:
                z = (value - fmean(seen)) / spread
                density[inside] = math.log(math.erfc(-z / math.sqrt(2)) / 2)
        scores.append(density[True] - density[False] if online else density[False])
    return scores
