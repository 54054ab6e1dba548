"""How many of two sides reach each score, scores falling: the one sort behind every ROC.

Two ways, the same numbers. NumPy sorts each side and merges the two; with Numba, and on much data,
the sides are sorted byte by byte, which is faster than comparing, and merged while counting.
"""

import numpy as np
from jaxtyping import Float, Int64, UInt64

from pryproof.compiled import available, compiled

Members = Float[np.ndarray, " members"]
Nonmembers = Float[np.ndarray, " nonmembers"]
Points = Float[np.ndarray, " points"]
Counts = Int64[np.ndarray, " points"]
Keys = UInt64[np.ndarray, " keys"]

WORTHWHILE = 500_000  # scores from which the compiled way saves more than its start costs
SIGN = np.uint64(1 << 63)


def count(members: Members, nonmembers: Nonmembers) -> tuple[Points, Counts, Counts]:
    """Return the distinct scores after +inf, and how many members and non-members reach each.

    Both sides need an entry, and no entry may be NaN.

    >>> [found.tolist() for found in count(np.array([3.0, 2.0]), np.array([2.0, 1.0]))]
    [[inf, 3.0, 2.0, 1.0], [0, 1, 2, 2], [0, 0, 1, 2]]
    """
    if len(members) + len(nonmembers) >= WORTHWHILE and available():
        return by_bytes(members, nonmembers)
    return by_comparing(members, nonmembers)


def by_comparing(members: Members, nonmembers: Nonmembers) -> tuple[Points, Counts, Counts]:
    """Count with NumPy alone."""
    ordered = np.concatenate([members, nonmembers])
    ordered[: len(members)].sort()
    ordered[len(members) :].sort()
    order = np.argsort(ordered, kind="stable")  # of two sorted halves: one merge, in O(n)
    ordered = ordered[order]
    # members among the lowest k; sums of 32 bits are several times as fast, and wide enough
    inside = np.zeros(len(order) + 1, dtype=np.int32 if len(order) < 2**31 else np.int64)
    np.cumsum(order < len(members), out=inside[1:], dtype=inside.dtype)
    lowest = np.concatenate([[True], ordered[1:] != ordered[:-1]])  # of a run of equal scores
    below = np.append(np.flatnonzero(lowest), len(order))
    inside = inside[below].astype(np.int64)
    return (
        np.concatenate([[np.inf], ordered[below[-2::-1]]]).astype(np.float64),
        (len(members) - inside)[::-1],
        (len(nonmembers) - below + inside)[::-1],
    )


def by_bytes(members: Members, nonmembers: Nonmembers) -> tuple[Points, Counts, Counts]:
    """Count with compiled loops, on keys whose order is that of the scores."""
    sides = []
    for side in (members, nonmembers):
        keys = _keys(side)
        sides.append(compiled(_radix_sort)(keys, np.empty_like(keys)))
    points = len(members) + len(nonmembers) + 1
    keys = np.empty(points, dtype=np.uint64)
    hits, false = np.zeros(points, dtype=np.int64), np.zeros(points, dtype=np.int64)
    end = compiled(_merge)(*sides, keys, hits, false)
    scores = _scores(keys[:end])
    scores[0] = np.inf
    return scores, hits[:end], false[:end]


def _keys(scores: Float[np.ndarray, " keys"]) -> Keys:
    """Return whole numbers in the order of the scores."""
    bits = (scores.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 and 0.0 are one score
    negative = (bits.view(np.int64) >> 63).view(np.uint64)
    return bits ^ (negative | SIGN)


def _scores(keys: Keys) -> Float[np.ndarray, " keys"]:
    positive = (keys.view(np.int64) >> 63).view(np.uint64)
    return (keys ^ (~positive | SIGN)).view(np.float64)


def _radix_sort(keys: Keys, spare: Keys) -> Keys:
    """Sort by the lowest byte, then the next, and so on; return the array that holds the result."""
    n, byte = len(keys), np.uint64(255)
    counts = np.zeros((8, 256), dtype=np.int64)
    for i in range(n):
        for place in range(8):
            counts[place, (keys[i] >> np.uint64(8 * place)) & byte] += 1
    for place in range(8):
        shift, start = np.uint64(8 * place), counts[place]
        if start[(keys[0] >> shift) & byte] == n:
            continue  # all alike in this byte
        total = 0
        for digit in range(256):
            start[digit], total = total, total + start[digit]
        for i in range(n):
            digit = (keys[i] >> shift) & byte
            spare[start[digit]] = keys[i]
            start[digit] += 1
        keys, spare = spare, keys
    return keys


def _merge(
    members: UInt64[np.ndarray, " members"],
    nonmembers: UInt64[np.ndarray, " nonmembers"],
    keys: UInt64[np.ndarray, " points"],
    hits: Counts,
    false: Counts,
) -> int:
    """Walk down both sorted sides; write keys and counts from entry 1 on, and return their end."""
    i, j, end = len(members), len(nonmembers), 1
    while i > 0 or j > 0:
        if j == 0 or (i > 0 and members[i - 1] >= nonmembers[j - 1]):
            key = members[i - 1]
        else:
            key = nonmembers[j - 1]
        while i > 0 and members[i - 1] == key:
            i -= 1
        while j > 0 and nonmembers[j - 1] == key:
            j -= 1
        keys[end], hits[end], false[end] = key, len(members) - i, len(nonmembers) - j
        end += 1
    return end
