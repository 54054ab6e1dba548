"""The quantile attack without features: the sorted non-members of every class."""

import math

from reference.loss_trace import quantile_naive


def quantile_attack_naive(phi, labels, strangers, their_labels) -> list[float]:
    scores = []
    for value, label in zip(phi, labels, strict=True):
        same = [z for z, c in zip(strangers, their_labels, strict=True) if c == label]
        whole = list(strangers)
        alike = same if len(same) >= 20 else whole
        middle, high = (quantile_naive(alike, share) for share in (0.5, 0.9))
        if high == middle:
            high = middle + quantile_naive(whole, 0.9) - quantile_naive(whole, 0.5)
        spread = high - middle
        scores.append((value - middle) / (spread if spread else 1.0) if spread >= 0 else math.nan)
    return scores
