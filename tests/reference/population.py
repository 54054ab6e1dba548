"""Attack-P: comparing a sample's loss with every stranger's."""

import numpy as np


def population_naive(losses: np.ndarray, strangers: np.ndarray) -> list[float]:
    scores = []
    for loss in losses:
        higher = sum(1.0 if other > loss else 0.5 if other == loss else 0.0 for other in strangers)
        scores.append(higher / len(strangers))
    return scores
