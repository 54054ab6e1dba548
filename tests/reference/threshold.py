"""Balanced accuracy of a cut, and the best over all cuts, by trying every one."""

from itertools import pairwise

import numpy as np


def balanced_accuracy_naive(members: np.ndarray, nonmembers: np.ndarray, cut: float) -> float:
    hits = sum(1 for value in members if value >= cut)
    spared = sum(1 for value in nonmembers if value < cut)
    return (hits / len(members) + spared / len(nonmembers)) / 2


def best_balanced_accuracy_naive(members: np.ndarray, nonmembers: np.ndarray) -> float:
    cuts = [*members, *nonmembers, np.inf]
    return max(balanced_accuracy_naive(members, nonmembers, cut) for cut in cuts)


def best_cut_naive(members: np.ndarray, nonmembers: np.ndarray) -> float:
    """Try every midpoint from the highest down; the first of the best, so the largest; inf = none.

    The gain is counted in whole numbers, so that equal gains are equal.
    """
    points = np.unique(np.concatenate([members, nonmembers]))[::-1]
    best, found = 0, np.inf
    for upper, lower in pairwise(points):
        above = int(np.sum(members >= upper)), int(np.sum(nonmembers >= upper))
        gain = len(nonmembers) * above[0] - len(members) * above[1]
        if gain > best:
            best, found = gain, upper / 2 + lower / 2
    return float(found)


def at_or_above_naive(members: np.ndarray, nonmembers: np.ndarray, value: float) -> tuple[int, int]:
    return sum(1 for each in members if each >= value), sum(1 for b in nonmembers if b >= value)
