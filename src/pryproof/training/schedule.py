"""The learning rate over a run, as a function of progress."""

import math


def one_cycle(progress: float, *, peak: float, warmup: float = 0.25) -> float:
    """Rise linearly from a twentieth of ``peak`` to ``peak``, then fall along a cosine to zero.

    ``progress`` is the share of all steps taken, in [0, 1].

    >>> [round(one_cycle(p, peak=0.1), 4) for p in (0.0, 0.25, 0.625, 1.0)]
    [0.005, 0.1, 0.05, 0.0]
    """
    if progress < warmup:
        return peak * (0.05 + 0.95 * progress / warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
