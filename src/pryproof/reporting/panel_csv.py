"""The numbers of a panel as CSV text, one line a number or estimate, every name made harmless."""

import csv
import io
import math
from collections.abc import Iterable, Iterator

from pryproof.records import Estimate
from pryproof.reporting.cells import visible
from pryproof.reporting.panels import Bars, Histogram, Images, Lines, Panel, Points, Table

Field = str | float | int
FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001 - spreadsheets read the full-width forms alike
ESTIMATE = ("value", "low", "high", "n", "runs", "confidence", "method")
NOTHING = ("",) * len(ESTIMATE)


def panel_csv(panel: Panel) -> str:
    """Write what a panel shows, all points of a line included; of images the captions only.

    The heads are the panel's own titles of its axes. A number that was not measured is an empty
    field, and its method says why. Names that a spreadsheet would run get a quote in front.

    >>> bars = Bars(title="A", y_title="accuracy", groups=("=1+1",), series=(("ce", (
    ...     Estimate(value=0.5, low=0.25, high=0.75, n=4, method="Wilson"),)),))
    >>> print(panel_csv(bars), end="")
    group,series,accuracy: value,low,high,n,runs,confidence,method
    '=1+1,ce,0.5,0.25,0.75,4,1,0.95,Wilson
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_field(field) for field in row] for row in _rows(panel))
    return text.getvalue()


def _rows(panel: Panel) -> Iterable[tuple[Field, ...]]:
    match panel:
        case Histogram():
            return _histogram(panel)
        case Bars():
            return _bars(panel)
        case Lines():
            return _lines(panel)
        case Points():
            return _points(panel)
        case Table():
            return _table(panel)
        case Images():
            return (("image", "caption"), *enumerate(panel.captions, start=1))


def _histogram(panel: Histogram) -> Iterator[tuple[Field, ...]]:
    yield "series", f"{panel.x_title}: from", f"{panel.x_title}: to", panel.y_title
    for name, counts in panel.series:
        bins = zip(panel.edges[:-1], panel.edges[1:], counts, strict=True)
        for low, high, count in bins:
            yield name, float(low), float(high), int(count)


def _bars(panel: Bars) -> Iterator[tuple[Field, ...]]:
    yield "group", "series", f"{panel.y_title}: value", *ESTIMATE[1:]
    for name, found in panel.series:
        for group, estimate in zip(panel.groups, found, strict=True):
            yield group, name, *_estimate(estimate)


def _lines(panel: Lines) -> Iterator[tuple[Field, ...]]:
    yield "series", panel.x_title, panel.y_title
    for name, x, y in panel.series:
        for across, up in zip(x, y, strict=True):
            yield name, float(across), float(up)


def _points(panel: Points) -> Iterator[tuple[Field, ...]]:
    heads = [f"{title}: {part}" for title in (panel.x_title, panel.y_title) for part in ESTIMATE]
    yield "point", *heads
    for name, x, y in panel.points:
        yield name, *_estimate(x), *_estimate(y)


def _table(panel: Table) -> Iterator[tuple[Field, ...]]:
    yield "row", "column", "words", *ESTIMATE
    for name, cells in panel.rows:
        for column, cell in zip(panel.columns, cells, strict=True):
            words = (cell, *NOTHING) if isinstance(cell, str) else ("", *_estimate(cell))
            yield name, column, *words


def _estimate(found: Estimate) -> tuple[Field, ...]:
    numbers = (float(found.value), float(found.low), float(found.high))
    return (*numbers, found.n, found.runs, float(found.confidence), found.method)


def _field(field: Field) -> str:
    """Write a number exactly, NaN as nothing, and words so that no spreadsheet runs them."""
    if isinstance(field, str):
        shown = visible(field)
        return f"'{shown}" if shown.lstrip().startswith(FORMULA) else shown
    return "" if math.isnan(field) else repr(field)
