"""The learning rate over a run, as a function of progress (the share of all steps taken)."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

Schedule = Literal["one_cycle", "cosine", "steps"]


def one_cycle(progress: float, *, peak: float, warmup: float = 0.25) -> float:
    """Rise linearly from a twentieth of ``peak`` to ``peak``, then fall along a cosine to zero.

    >>> [round(one_cycle(p, peak=0.1), 4) for p in (0.0, 0.25, 0.625, 1.0)]
    [0.005, 0.1, 0.05, 0.0]
    """
    if progress < warmup:
        return peak * (0.05 + 0.95 * progress / warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def steps(progress: float, *, peak: float, drops: Sequence[float], by: float = 0.1) -> float:
    """Multiply ``peak`` by ``by`` at each share of the run in ``drops``.

    >>> [round(steps(p, peak=0.1, drops=(0.5, 0.75)), 4) for p in (0.0, 0.49, 0.5, 0.75)]
    [0.1, 0.1, 0.01, 0.001]
    """
    return peak * by ** sum(progress >= drop for drop in drops)


def rate(
    schedule: Schedule, *, peak: float, drops: Sequence[float] = (), by: float = 0.1
) -> Callable[[float], float]:
    """Return a schedule as a function of progress; ``cosine`` warms up over a twentieth.

    >>> round(rate("cosine", peak=1.0)(0.525), 3)
    0.5
    """
    shapes: dict[Schedule, Callable[[float], float]] = {
        "one_cycle": lambda progress: one_cycle(progress, peak=peak),
        "cosine": lambda progress: one_cycle(progress, peak=peak, warmup=0.05),
        "steps": lambda progress: steps(progress, peak=peak, drops=drops, by=by),
    }
    return shapes[schedule]
