"""Our privacy risk score of one sample, by its definition."""

import numpy as np


def risk_naive(members: np.ndarray, nonmembers: np.ndarray, value: float, bins: int) -> float:
    known = sorted([*members, *nonmembers])
    edges = [known[k * len(known) // bins] for k in range(1, bins)]

    def place(each: float) -> int:
        return sum(1 for edge in edges if each >= edge)

    here = max(place(value), min(place(each) for each in known))
    inside = sum(1 for each in members if place(each) == here)
    outside = sum(1 for each in nonmembers if place(each) == here)
    pull = bins * (inside + outside) / len(known)
    share_in = (inside + pull) / (len(members) + bins)
    share_out = (outside + pull) / (len(nonmembers) + bins)
    return share_in / (share_in + share_out)
