"""Take classes in turn: the first image of each, then the second of each, and so on."""

import numpy as np
from jaxtyping import Int64


def turns(labels: Int64[np.ndarray, " images"]) -> Int64[np.ndarray, " images"]:
    """Return for every image how many of its class come before it.

    >>> turns(np.array([3, 3, 0, 3])).tolist()
    [0, 1, 0, 2]
    """
    turn = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = labels == label
        turn[own] = np.arange(own.sum())
    return turn
