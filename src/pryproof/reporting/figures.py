"""The plots of the page: privacy against accuracy, ROC of the headline attack, training curves.

Colours of text, grid and axes are left to the page's style sheet, so that one figure serves light,
dark and paper. A row has one number and one colour in every plot; the number is in the tables too.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from pryproof.records import Estimate
from pryproof.reporting.cells import percent, visible
from pryproof.reporting.comparison import ATTACKS
from pryproof.reporting.content import Curve, Row

# Each has a contrast above 4.5 to white (the number in the marker) and above 3 to the dark page.
COLOURS = (
    "#2f6fd6", "#c2452d", "#0f7f78", "#8a55c7", "#98660a",
    "#b83a7e", "#4f7d1f", "#5b6b82", "#1f7fa8", "#a65a35",
)  # fmt: skip
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
POINTS = 400
GUESS = "#8a8f98"
TRANSPARENT = "rgba(0,0,0,0)"
RATES = {
    "type": "log",
    "tickvals": [1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1],
    "ticktext": ["0.01%", "0.1%", "0.3%", "1%", "3%", "10%", "30%", "100%"],
}
ROC_CAPTION = (
    "Both axes are logarithmic: an attacker who must not be wrong works on the left. Lower is more "
    f"private; on the dotted line the attack only guesses. A line has at most {POINTS} points."
)


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure with its heading, what it shows in words, and its size ("wide" or "panel")."""

    title: str
    caption: str
    figure: go.Figure
    size: str


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a curve is drawn, and its name in the legend, escaped."""

    label: str
    colour: str
    dash: str


def comparison(rows: Sequence[Row]) -> Plot:
    """Draw LiRA TPR at 1% FPR (log) against test accuracy, both with their intervals."""
    measured = [(place, row) for place, row in enumerate(rows) if _drawable(row)]
    chance = ATTACKS["lira_tpr"].chance
    floor = _floor([row.attacks["lira_tpr"] for _, row in measured], chance)
    figure = base_figure(height=460)
    guess_line(figure, x=[0.0, 1.0], y=[chance, chance], name="a guess: 1%")
    for place, row in measured:
        _point(figure, place, row, floor=floor)
    figure.update_xaxes(title_text="Test accuracy", tickformat=".0%", range=_span(measured))
    figure.update_yaxes(
        title_text="LiRA TPR at 1% FPR",
        range=[math.log10(floor), 0.05],
        **RATES,
    )
    absent = [row.title for row in rows if not _drawable(row)]
    words = [
        "Down and to the right is better: private and accurate. Bars are the table's intervals.",
        f"What lies at or below {percent(floor)} is drawn there, as an open marker.",
    ]
    if absent:
        words.append(f"Not drawn, because not estimable: {', '.join(absent)}.")
    return Plot(
        title="Privacy against accuracy", caption=" ".join(words), figure=figure, size="wide"
    )


def curves(lines: Sequence[Curve], rows: Sequence[Row]) -> list[Plot]:
    """Draw one panel per title, ROC first; a curve named as a row has its number and colour."""
    titles = dict.fromkeys(curve.title for curve in lines)
    panels = [[curve for curve in lines if curve.title == title] for title in titles]
    panels.sort(key=lambda panel: panel[0].kind != "roc")
    styles = _styles(lines, rows)
    return [
        _roc(panel, styles) if panel[0].kind == "roc" else _training(panel, styles)
        for panel in panels
    ]


def thinned(
    x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], *, log: bool
) -> tuple[Float[np.ndarray, " kept"], Float[np.ndarray, " kept"]]:
    """Keep at most ``POINTS`` of the points that can be drawn: finite, and positive on log axes.

    They are kept evenly along the axis of x, and always the first and the last.

    >>> thinned(np.arange(1e5), np.arange(1e5), log=False)[0].size <= POINTS
    True
    """
    shown = np.isfinite(x) & np.isfinite(y)
    if log:
        shown &= (x > 0) & (y > 0)
    x, y = x[shown], y[shown]
    if x.size <= POINTS:
        return x, y
    kept = _even(np.log(x) if log else x)
    return x[kept], y[kept]


def _even(along: Float[np.ndarray, " points"]) -> Int[np.ndarray, " kept"]:
    grid = np.linspace(along.min(), along.max(), POINTS - 1)
    order = np.argsort(along, kind="stable")
    found = order[np.searchsorted(along[order], grid)]
    return np.unique(np.concatenate([found, [0, along.size - 1]]))[:POINTS]


def _point(figure: go.Figure, place: int, row: Row, *, floor: float) -> None:
    """Add one defense: a numbered marker with the intervals of both its estimates."""
    accuracy, leak = row.test_accuracy, row.attacks["lira_tpr"]
    colour = COLOURS[place % len(COLOURS)]
    height = max(leak.value, floor)
    open_marker = leak.value <= floor
    figure.add_scatter(
        x=[accuracy.value],
        y=[height],
        error_x=_bars(accuracy.value, accuracy.low, accuracy.high, colour),
        error_y=_bars(height, max(leak.low, floor), max(leak.high, floor), colour),
        mode="markers+text",
        text=[str(place + 1)],
        textfont={"color": colour if open_marker else "white", "size": 13},
        marker={
            "size": 24,
            "color": colour,
            "symbol": "circle-open" if open_marker else "circle",
            "line": {"width": 2, "color": colour},
        },
        name=_label(place, row),
        customdata=[
            [f"{safe_text(row.title)}<br>test accuracy {_words(accuracy)}<br>TPR {_words(leak)}"]
        ],
        hovertemplate="%{customdata[0]}<extra></extra>",
        cliponaxis=False,
    )


def _roc(panel: Sequence[Curve], styles: Mapping[str, Style]) -> Plot:
    figure = base_figure(height=460)
    shown = [(curve.name, thinned(curve.x, curve.y, log=True)) for curve in panel]
    least = min((float(min(x.min(), y.min())) for _, (x, y) in shown if x.size), default=1e-3)
    guess_line(figure, x=[least, 1.0], y=[least, 1.0], name="a guess")
    for name, points in shown:
        _line(figure, styles[name], points, shape="hv")
    span = [math.log10(least), 0.02]
    figure.update_xaxes(title_text=safe_text(panel[0].x_title), range=span, **RATES)
    figure.update_yaxes(title_text=safe_text(panel[0].y_title), range=span, **RATES)
    return Plot(title=panel[0].title, caption=ROC_CAPTION, figure=figure, size="wide")


def _training(panel: Sequence[Curve], styles: Mapping[str, Style]) -> Plot:
    figure = base_figure(height=280)
    for curve in panel:
        _line(figure, styles[curve.name], thinned(curve.x, curve.y, log=False))
    figure.update_xaxes(title_text=safe_text(panel[0].x_title))
    figure.update_yaxes(title_text=safe_text(panel[0].y_title))
    figure.update_layout(showlegend=len(panel) > 1)
    return Plot(title=panel[0].title, caption="", figure=figure, size="panel")


def _line(
    figure: go.Figure,
    style: Style,
    points: tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]],
    *,
    shape: str = "linear",
) -> None:
    figure.add_scatter(
        x=points[0],
        y=points[1],
        mode="lines",
        line={"width": 2, "color": style.colour, "dash": style.dash, "shape": shape},
        name=style.label,
        hovertemplate="%{fullData.name}<br>%{x:.4~g}, %{y:.4~g}<extra></extra>",
    )


def _styles(lines: Sequence[Curve], rows: Sequence[Row]) -> dict[str, Style]:
    """Give a curve the number and colour of the row of its name, and every other a free colour."""
    styles = {
        name: _style(place, _label(place, row))
        for place, row in enumerate(rows)
        for name in (row.name, row.title)
    }
    free = dict.fromkeys(curve.name for curve in lines if curve.name not in styles)
    return styles | {
        name: _style(len(rows) + place, safe_text(name)) for place, name in enumerate(free)
    }


def _style(place: int, label: str) -> Style:
    dash = DASHES[place // len(COLOURS) % len(DASHES)]
    return Style(label=label, colour=COLOURS[place % len(COLOURS)], dash=dash)


def _label(place: int, row: Row) -> str:
    return f"{place + 1}  {safe_text(row.title)}"


def base_figure(*, height: int) -> go.Figure:
    """Make an empty figure without colours of its own."""
    figure = go.Figure()
    axis = {
        "showline": True,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "title": {"standoff": 10, "font": {"size": 13}},
    }
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 8, "r": 16, "t": 12, "b": 8},
        paper_bgcolor=TRANSPARENT,
        plot_bgcolor=TRANSPARENT,
        font={"size": 13, "family": "system-ui, sans-serif"},
        legend={
            "orientation": "h",
            "y": -60 / (height - 100),
            "yanchor": "top",
            "x": 0,
            "xanchor": "left",
        },
        hoverlabel={"font": {"color": "white"}},
        dragmode=False,
        xaxis=axis,
        yaxis=axis,
    )
    return figure


def guess_line(figure: go.Figure, *, x: list[float], y: list[float], name: str) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": GUESS, "width": 1.5, "dash": "dot"},
        name=name,
        legendrank=2000,  # after everything measured
        hoverinfo="skip",
    )


def _bars(value: float, low: float, high: float, colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(high - value, 0.0)],
        "arrayminus": [max(value - low, 0.0)],
        "color": colour,
        "thickness": 1.5,
        "width": 5,
    }


def _drawable(row: Row) -> bool:
    leak, accuracy = row.attacks["lira_tpr"], row.test_accuracy
    return math.isfinite(
        leak.low + leak.value + leak.high + accuracy.low + accuracy.value + accuracy.high
    )


def _floor(leaks: Sequence[Estimate], chance: float) -> float:
    """Choose the lower end of the log axis: a third below the least positive end of an interval."""
    ends = [end for leak in leaks for end in (leak.low, leak.value) if end > 0]
    return max(min([chance, *ends]) / 3, 1e-4)


def _span(measured: Sequence[tuple[int, Row]]) -> list[float] | None:
    """Choose the range of the accuracy axis: all intervals with some air."""
    if not measured:
        return None
    low = min(row.test_accuracy.low for _, row in measured)
    high = max(row.test_accuracy.high for _, row in measured)
    air = 0.08 * max(high - low, 0.05)
    return [max(low - air, -0.02), min(high + air, 1.02)]


def _words(estimate: Estimate) -> str:
    return f"{percent(estimate.value)} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


def safe_text(text: str) -> str:
    """Escape a text for plotly, which reads a subset of HTML in every label."""
    return html.escape(visible(text), quote=False)
