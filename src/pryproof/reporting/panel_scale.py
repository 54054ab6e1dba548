"""What page and paper share of a panel: places of marks, ends of log axes, what is missing.

A logarithmic axis has no zero: what lies at or below its lower end is drawn there, and said to be.
"""

import math
import textwrap
from dataclasses import dataclass

from pryproof.records import Estimate
from pryproof.reporting.cells import exact, visible
from pryproof.reporting.figures import ROC_CAPTION, thinned
from pryproof.reporting.panels import Bars, Histogram, Lines, Plotted, Points, estimates

FEW = 20  # points of a line that are marked each
LEAST_RATE = 1e-3  # the lower end where nothing positive was measured
LINEAR_ROC = "On the dotted line the attack only guesses; lower is more private."
WHISKERS = "Whiskers are intervals."
FAINT = 0.25  # opacity


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An estimate as it is drawn: its place, and how far its interval reaches to either side."""

    at: float
    below: float
    above: float
    on_floor: bool


def mark(found: Estimate, floor: float = -math.inf) -> Mark:
    """Place an estimate on an axis that ends at ``floor``; NaN stays NaN, and is not drawn.

    >>> mark(Estimate(value=0.0, low=0.0, high=0.5, n=9), 0.25)
    Mark(at=0.25, below=0.0, above=0.25, on_floor=True)
    """
    at = found.value if math.isnan(found.value) else max(found.value, floor)
    below, above = at - found.low, found.high - at
    return Mark(
        at=at,
        below=below if math.isnan(below) else min(max(below, 0.0), at - floor),
        above=above if math.isnan(above) else max(above, 0.0),
        on_floor=found.value <= floor,
    )


def floor(panel: Points) -> float:
    """Choose the lower end of x: a third below the least positive number on a log axis."""
    if not panel.log_x:
        return -math.inf
    numbers = [end for _, x, _ in panel.points for end in (x.low, x.value)]
    positive = [end for end in (*numbers, panel.chance or 0.0) if end > 0]
    return min(positive, default=3 * LEAST_RATE) / 3


def span(panel: Points) -> tuple[float, float]:
    """Choose the range of x: all intervals and chance with some air, a log axis from its floor."""
    ends = [end for _, _, x, _ in drawable(panel) for end in (x.low, x.value, x.high)]
    ends = [end for end in (*ends, panel.chance) if end is not None and math.isfinite(end)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    if panel.log_x:
        return floor(panel) / 1.2, max(high, 3 * floor(panel)) * 1.2
    air = 0.06 * (high - low) or 0.05
    return low - air, high + air


def least(panel: Lines) -> float:
    """Return the least number that a log plot of the curves shows, for both axes."""
    shown = (thinned(x, y, log=True) for _, x, y in panel.series)
    return min((float(min(x.min(), y.min())) for x, y in shown if x.size), default=LEAST_RATE)


def drawable(panel: Points) -> tuple[tuple[int, str, Estimate, Estimate], ...]:
    """Return the points that have a place, each with its number in the figure."""
    return tuple(
        (place, name, x, y)
        for place, (name, x, y) in enumerate(panel.points, start=1)
        if not math.isnan(x.value + y.value)
    )


def caption(panel: Plotted) -> str:
    """Say how a plot is to be read, and what of it could not be drawn."""
    match panel:
        case Histogram():
            return ""
        case Lines():
            words = ROC_CAPTION if panel.scale == "log" else LINEAR_ROC
            return words if panel.diagonal else ""
        case Bars():
            return " ".join([WHISKERS, *_missing(panel)])
        case Points():
            faint = [panel.faint_words] if panel.faint and panel.faint_words else []
            return " ".join([WHISKERS, *faint, *_on_floor(panel), *_missing(panel)])


def _on_floor(panel: Points) -> list[str]:
    end = floor(panel)
    low = any(x.value <= end for _, _, x, _ in drawable(panel))
    return [f"What lies at or below {exact(end)} is drawn there, as an open marker."] if low else []


def _missing(panel: Bars | Points) -> list[str]:
    """Name what was not measured, and what was measured without an interval."""
    absent, bare = [], []
    for name, found in estimates(panel):
        if math.isnan(found.value):
            absent.append(f"{name} ({found.method})" if found.method else name)
        elif math.isnan(found.low + found.high):
            bare.append(name)
    words = [("Not drawn, because not estimable", absent), ("Without an interval", bare)]
    return [f"{what}: {'; '.join(names)}." for what, names in words if names]


def wrapped(text: str, width: int) -> list[str]:
    """Break a label between words, at ``width`` characters; hidden characters are escaped."""
    return textwrap.wrap(visible(text), width, break_long_words=False) or [""]
