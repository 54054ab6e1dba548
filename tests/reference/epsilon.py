"""Privacy bounds by their formulas, with binomials summed term by term."""

import math


def chance_naive(n: int, k: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def tail_naive(n: int, k: int, p: float) -> float:
    """Return the chance of k or more of n."""
    return math.fsum(chance_naive(n, j, p) for j in range(k, n + 1))


def one_run_naive(guesses: int, right: int, samples: int, epsilon: float, delta: float) -> float:
    p = math.exp(epsilon) / (1 + math.exp(epsilon))
    tail, extra, within = tail_naive(guesses, right, p), 0.0, 0.0
    for i in range(1, right + 1):
        within += chance_naive(guesses, right - i, p)
        extra = max(extra, within / i)
    return min(tail + 2 * samples * delta * extra, 1.0)


def clopper_pearson_naive(hits: int, n: int, confidence: float) -> tuple[float, float]:
    """Return both ends by bisection on the binomial tails."""
    level = (1 - confidence) / 2

    def end(reached, low: float, high: float) -> float:
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return low

    low = end(lambda p: tail_naive(n, hits, p) >= level, 0.0, 1.0) if hits else 0.0
    high = end(lambda p: 1 - tail_naive(n, hits + 1, p) <= level, 0.0, 1.0) if hits < n else 1.0
    return low, high
