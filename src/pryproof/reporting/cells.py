"""Cells and tables, the form that HTML and Markdown share, and how numbers are written in them."""

import math
import unicodedata
from dataclasses import dataclass

from pryproof.records import Estimate

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

SIGNS = {
    "above": ("▲", "above chance"),
    "below": ("▼", "below chance"),
    "within": ("○", "chance not excluded"),
    "best": ("★", "best of the column"),
    "yes": ("✓", "yes"),
    "no": ("✗", "no"),
    "open": ("–", "not judged"),  # noqa: RUF001 - a dash as a sign, not as a letter
}


@dataclass(frozen=True, kw_only=True)
class Strip:
    """An interval on a logarithmic axis from 0.1% to 100%; all places in percent of the width."""

    low: float
    value: float
    high: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What stands in one cell: text, a smaller second line, and signs (keys of ``SIGNS``).

    ``badge`` is the number that stands for the row in the plots, 0 for none.
    """

    text: str
    detail: str = ""
    signs: tuple[str, ...] = ()
    strip: Strip | None = None
    badge: int = 0


@dataclass(frozen=True, kw_only=True)
class Column:
    """A table column: its head, what it rests on, what it means, and whether it holds numbers."""

    title: str
    note: str = ""
    explanation: str = ""
    number: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with its caption; the first cell of every row is the row's head."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def visible(text: str) -> str:
    r"""Write control, format and surrogate characters as escapes: no name may hide or turn text.

    >>> visible("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in HIDDEN else char
        for char in text
    )


def percent(share: float) -> str:
    """Write a share in percent with one decimal.

    >>> percent(0.3386), percent(float("nan"))
    ('33.9%', 'not estimable')
    """
    return "not estimable" if math.isnan(share) else f"{100 * share:.1f}%"


def share(estimate: Estimate, *, signs: tuple[str, ...] = (), strip: Strip | None = None) -> Cell:
    """Write an estimated share in percent, its interval below; NaN with the reason.

    >>> share(Estimate(value=0.339, low=0.31, high=0.37, n=500)).detail
    '[31.0, 37.0]'
    """
    if math.isnan(estimate.value):
        return Cell(text="not estimable", detail=estimate.method)
    detail = f"[{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        detail = f"no interval: {estimate.method}"
    return Cell(text=percent(estimate.value), detail=detail, signs=signs, strip=strip)


def measure(estimate: Estimate, unit: str = "") -> Cell:
    """Write an estimate in its own unit with four significant digits; "%" makes it a share.

    >>> cell = measure(Estimate(value=0.1234567, low=0.1, high=0.2, n=9), "nats")
    >>> cell.text, cell.detail
    ('0.1235', '[0.1, 0.2] nats')
    """
    if unit == "%" or math.isnan(estimate.value):
        return share(estimate)
    interval = f"[{exact(estimate.low)}, {exact(estimate.high)}] {unit}"
    return Cell(text=exact(estimate.value), detail=interval.rstrip())


def exact(number: float) -> str:
    """Write a number with four significant digits.

    >>> exact(0.031249), exact(float("nan"))
    ('0.03125', 'not estimable')
    """
    return "not estimable" if math.isnan(number) else f"{number:.4g}"


def count(number: int) -> str:
    """Write a count with separated thousands.

    >>> count(12500)
    '12,500'
    """
    return f"{number:,}"


def duration(seconds: float) -> str:
    """Write seconds as a person would say them.

    >>> duration(4.26), duration(75), duration(3 * 3600 + 120)
    ('4.3 s', '1 min 15 s', '3 h 2 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def against(estimate: Estimate, chance: float) -> str:
    """Say where the interval lies: wholly "above" or "below" chance, or "within"; "" for NaN.

    >>> against(Estimate(value=0.1, low=0.05, high=0.2, n=100), 0.01)
    'above'
    """
    if math.isnan(estimate.value) or math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    if estimate.low > chance:
        return "above"
    return "below" if estimate.high < chance else "within"


def strip(estimate: Estimate, chance: float) -> Strip | None:
    """Place an interval on the logarithmic axis of a strip; None when not measured."""
    if not against(estimate, chance):
        return None
    places = (_place(at) for at in (estimate.low, estimate.value, estimate.high, chance))
    low, value, high, at_chance = places
    return Strip(low=low, value=value, high=high, chance=at_chance)


def _place(rate: float) -> float:
    """Map 0.1% .. 100% to 0 .. 100 by orders of magnitude; what is smaller stands at 0."""
    return round(100 * (1 + math.log10(min(max(rate, 1e-3), 1.0)) / 3), 2)
