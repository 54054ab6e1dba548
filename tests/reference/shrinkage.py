"""The mixed gain of a cut, by its formula, for one class among all."""

import numpy as np


def gain_naive(members: np.ndarray, nonmembers: np.ndarray, cut: float) -> float:
    hits = sum(1 for value in members if value >= cut and cut < np.inf)
    false = sum(1 for value in nonmembers if value >= cut and cut < np.inf)
    return hits / len(members) - false / len(nonmembers)


def weights_naive(
    members: np.ndarray, of_members: np.ndarray, others: np.ndarray, of_others: np.ndarray, n: int
) -> list[float]:
    together = sorted([*members, *others])
    median = together[len(together) // 2]
    share_in = sum(1 for value in members if value >= median) / len(members)
    share_out = sum(1 for value in others if value >= median) / len(others)
    differences, chances = [], {}
    for c in range(n):
        inside, outside = members[of_members == c], others[of_others == c]
        if not (len(inside) and len(outside)):
            continue
        high_in = sum(1 for value in inside if value >= median) / len(inside)
        high_out = sum(1 for value in outside if value >= median) / len(outside)
        chance = share_in * (1 - share_in) / len(inside) + share_out * (1 - share_out) / len(
            outside
        )
        chances[c] = chance / 4
        differences.append(((high_in + high_out - share_in - share_out) / 2) ** 2 - chance / 4)
    beyond = max(0.0, sum(differences) / len(differences)) if differences else 0.0
    return [beyond / (beyond + chances[c]) if c in chances and beyond else 0.0 for c in range(n)]
