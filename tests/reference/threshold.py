"""Balanced accuracy of a cut, and the best over all cuts, by trying every one."""

import numpy as np


def balanced_accuracy_naive(members: np.ndarray, nonmembers: np.ndarray, cut: float) -> float:
    hits = sum(1 for value in members if value >= cut)
    spared = sum(1 for value in nonmembers if value < cut)
    return (hits / len(members) + spared / len(nonmembers)) / 2


def best_balanced_accuracy_naive(members: np.ndarray, nonmembers: np.ndarray) -> float:
    cuts = [*members, *nonmembers, np.inf]
    return max(balanced_accuracy_naive(members, nonmembers, cut) for cut in cuts)
