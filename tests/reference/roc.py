"""AUC and TPR at a false positive rate by comparing every pair and trying every cut."""

import numpy as np


def auc_naive(members: np.ndarray, nonmembers: np.ndarray) -> float:
    wins = 0.0
    for a in members:
        for b in nonmembers:
            wins += 1.0 if a > b else 0.5 if a == b else 0.0
    return wins / (len(members) * len(nonmembers))


def tpr_at_fpr_naive(
    members: np.ndarray, nonmembers: np.ndarray, fpr: float
) -> tuple[float, float]:
    best = (0.0, 0.0)
    for cut in [*members, *nonmembers]:
        false = sum(1 for b in nonmembers if b >= cut) / len(nonmembers)
        true = sum(1 for a in members if a >= cut) / len(members)
        if false <= fpr + 1e-12:
            best = max(best, (true, false))
    return best


def delong_naive(members: np.ndarray, nonmembers: np.ndarray) -> float:
    """Return DeLong's variance of one AUC from its two sets of placements."""
    above = [np.mean([(a > b) + 0.5 * (a == b) for b in nonmembers]) for a in members]
    below = [np.mean([(a > b) + 0.5 * (a == b) for a in members]) for b in nonmembers]
    return float(np.var(above, ddof=1) / len(above) + np.var(below, ddof=1) / len(below))


def steps_naive(members: np.ndarray, nonmembers: np.ndarray) -> list[tuple[float, int, int]]:
    """Return (score, members, non-members that reach it) for every distinct score, falling."""
    rows = [(np.inf, 0, 0)]
    for cut in sorted({*members.tolist(), *nonmembers.tolist()}, reverse=True):
        hits = sum(1 for a in members if a >= cut)
        rows.append((cut, hits, sum(1 for b in nonmembers if b >= cut)))
    return rows
