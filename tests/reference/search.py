"""Counts of points below or equal to a value, one comparison after the other."""

import numpy as np


def count_below_naive(points: np.ndarray, values: np.ndarray, *, side: str) -> list[int]:
    if side == "left":
        return [sum(1 for point in points if point < value) for value in values]
    return [sum(1 for point in points if point <= value) for value in values]
