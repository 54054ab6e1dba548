"""Overlap (the paper's Eq. 1) and the unanimous vote, counted sample by sample."""

import numpy as np


def common_naive(ranks: np.ndarray, first: int, last: int) -> int:
    """Count the samples whose rank lies in first..last, both included, in every run."""
    count = 0
    for x in range(ranks.shape[1]):
        if all(first <= ranks[run][x] <= last for run in range(len(ranks))):
            count += 1
    return count


def verdicts_naive(ranks: np.ndarray, share: float) -> list[str]:
    samples = ranks.shape[1]
    size = int(share * samples)
    words = []
    for x in range(samples):
        column = [ranks[run][x] for run in range(len(ranks))]
        if all(rank <= size for rank in column):
            words.append("safe")
        elif all(rank > samples - size for rank in column):
            words.append("risky")
        else:
            words.append("vague")
    return words
