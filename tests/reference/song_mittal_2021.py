"""The values, cuts and risk scores of Song and Mittal's script, one sample after another."""

import numpy as np


def values_naive(p: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Compute on whole tables, in the float type of ``p``; higher = more likely a member."""
    rows = np.arange(len(labels))
    minus_log = -np.log(np.maximum(p, 1e-30))
    minus_log_rest = -np.log(np.maximum(1 - p, 1e-30))
    weights, logs = np.copy(p), np.copy(minus_log_rest)  # in the order of the input
    weights[rows, labels] = (1 - p)[rows, labels]
    logs[rows, labels] = minus_log[rows, labels]
    return {
        "correctness": (np.argmax(p, axis=1) == labels).astype(p.dtype),
        "confidence": p[rows, labels],
        "entropy": -np.sum(p * minus_log, axis=1),
        "modified_entropy": -np.sum(weights * logs, axis=1),
    }


def threshold_naive(members: np.ndarray, nonmembers: np.ndarray) -> float:
    if not (len(members) and len(nonmembers)):
        return 0.0
    cut, best = 0.0, 0.0
    for value in [*members, *nonmembers]:
        above = np.sum(members >= value) / (len(members) + 0.0)
        below = np.sum(nonmembers < value) / (len(nonmembers) + 0.0)
        accuracy = 0.5 * (above + below)
        if accuracy > best:
            cut, best = float(value), accuracy
    return cut


def risk_scores_naive(
    members: np.ndarray, nonmembers: np.ndarray, judged: np.ndarray, bins: int = 5
) -> list[float]:
    """Score samples of one class, of which both sides are known."""
    floor = members.dtype.type(1e-10)
    sides = [np.where(side <= floor, floor, side) for side in (members, nonmembers)]
    least, most = (pick(np.concatenate(sides)) for pick in (np.min, np.max))
    edges = np.logspace(np.log10(least), np.log10(most), bins + 1)
    shares = []
    for side in sides:
        weights = np.ones_like(side) / float(len(side))
        shares.append(np.histogram(side, edges, weights=weights)[0].astype(float))
    return [_score(shares[0], shares[1], _bin(edges, value)) for value in judged]


def _bin(edges: np.ndarray, value: float) -> int:
    if value >= edges[-1]:
        return len(edges) - 2
    if value <= edges[0]:
        return 0
    return int(np.argwhere(edges <= value)[-1][0])


def _score(inside: np.ndarray, outside: np.ndarray, place: int) -> float:
    for step in range(len(inside)):
        for near in (place - step, place + step):
            if 0 <= near < len(inside) and inside[near] + outside[near] != 0:
                return float(inside[near] / (inside[near] + outside[near]))
    return float("nan")
