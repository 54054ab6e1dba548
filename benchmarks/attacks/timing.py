"""Time pieces of work on one core: CPU seconds, medians, and the memory they take on top."""

import gc
import math
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Work = Callable[[], object]

LEAST_SECONDS = 0.5  # repeat quick work until so much CPU time is spent
MOST_REPEATS = 9
PATIENCE = 4.0  # a peer that takes longer than this is measured once


@dataclass(frozen=True, kw_only=True)
class Case:
    """Our work beside peers' work on the same arrays; ``bar`` is the ratio to reach, by peer.

    ``reads`` are the arrays whose bytes the work cannot do without reading; ``most_seconds`` and
    ``most_megabytes`` are absolute bars. ``growth`` runs ours on n, 2n, 4n ... samples.
    """

    name: str
    ours: Work
    peers: dict[str, Work] = field(default_factory=dict)
    bar: dict[str, float] = field(default_factory=dict)
    reads: Sequence[object] = ()
    most_reads: float | None = None
    most_seconds: float | None = None
    most_megabytes: float | None = None
    growth: Callable[[int], Work] | None = None
    sizes: Sequence[int] = ()
    note: str = ""


def cpu_seconds(work: Work, *, patience: float = math.inf) -> list[float]:
    """Return the CPU seconds of several runs, after one that warms up caches and compiles.

    Work that takes longer than ``patience`` the first time is not done again.
    """
    started = time.process_time()
    work()
    first = time.process_time() - started
    if first > patience:
        return [first]
    seconds: list[float] = []
    while len(seconds) < MOST_REPEATS and (len(seconds) < 3 or sum(seconds) < LEAST_SECONDS):
        gc.collect()
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return seconds


def median(work: Work, *, patience: float = math.inf) -> float:
    """Return the median of ``cpu_seconds``."""
    return statistics.median(cpu_seconds(work, patience=patience))


def extra_megabytes(work: Work) -> float:
    """Return the most memory that was allocated at once during the work, its result included."""
    gc.collect()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def read(arrays: Sequence[object]) -> Work:
    """Return the work of merely reading the arrays: one sum over their bytes as whole words."""

    def reading() -> float:
        return sum(float(array.reshape(-1).view("u8").sum()) for array in arrays)

    return reading
