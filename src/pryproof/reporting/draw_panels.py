"""Panels as plots of the page: the form of the report's figures, a legend under every plot.

Series differ in colour and in dash or hatching, so that nothing hangs on telling colours apart.
"""

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from pryproof.records import Estimate
from pryproof.reporting.cells import count, exact
from pryproof.reporting.figures import (
    COLOURS,
    RATES,
    Plot,
    base_figure,
    guess_line,
    safe_text,
    thinned,
)
from pryproof.reporting.panel_scale import (
    FAINT,
    FEW,
    caption,
    drawable,
    floor,
    least,
    mark,
    span,
    wrapped,
)
from pryproof.reporting.panels import Bars, Histogram, Lines, Plotted, Points

HATCHES = ("", "/", "\\", "x", "-", "|", "+", ".")
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot")  # dots are for guesses
PLOT_HEIGHT, LINE_HEIGHT, AXIS_HEIGHT = 230, 19, 34  # pixels
LEGEND_WIDTH, GROUPS_WIDTH, GROUP_WIDTH = 44, 40, 10  # characters: all groups, the least of one
MANY_BARS, MANY_POINTS = 12, 8  # more need the width of the page
MANY_NAMES = 12  # more stand in two columns below a plot that wide
TWO_COLUMNS = {"orientation": "h", "entrywidth": 300, "entrywidthmode": "pixels"}


def draw(panel: Plotted) -> Plot:
    """Draw a panel; one with much to show is as wide as the page."""
    match panel:
        case Histogram():
            return _histogram(panel)
        case Bars():
            return _bars(panel)
        case Lines():
            return _lines(panel)
        case Points():
            return _points(panel)


def _histogram(panel: Histogram) -> Plot:
    """Draw the outline of every series, lightly filled."""
    figure = go.Figure()
    for place, (name, counts) in enumerate(panel.series):
        bins = zip(panel.edges[:-1], panel.edges[1:], counts, strict=True)
        words = [f"{exact(low)} to {exact(high)}: {count(int(n))}" for low, high, n in bins]
        colour = _colour(place)
        figure.add_scatter(
            x=panel.edges[[0, *range(panel.edges.size)]],
            y=[0, *counts.tolist(), 0],
            mode="lines",
            line={"width": 2, "color": colour, "dash": _dash(place), "shape": "hv"},
            fill="tozeroy",
            fillcolor=f"rgba({', '.join(str(part) for part in bytes.fromhex(colour[1:]))}, 0.14)",
            name=_label(name),
            customdata=[[text] for text in (words[0], *words, words[-1])] if words else [],
            hovertemplate="%{customdata[0]}<extra></extra>",
        )
    ends = panel.edges[[0, -1]]
    axis = _log_axis(*ends) if panel.log_x else {"range": ends.tolist()}
    names = [name for name, _ in panel.series]
    return _finished(panel, figure, names, x=axis, y={"rangemode": "tozero"})


def _bars(panel: Bars) -> Plot:
    """Draw groups of bars with whiskers, at numbered places: two groups may have one name."""
    figure = go.Figure()
    size = "wide" if len(panel.groups) * len(panel.series) > MANY_BARS else "panel"
    for place, (name, found) in enumerate(panel.series):
        marks = [mark(each) for each in found]
        figure.add_bar(
            x=list(range(len(panel.groups))),
            y=[each.at for each in marks],
            error_y=_whiskers([each.below for each in marks], [each.above for each in marks]),
            marker={
                "color": _colour(place),
                "pattern": {"shape": HATCHES[place % len(HATCHES)], "solidity": 0.2, "size": 7},
                "line": {"width": 0},
            },
            name=_label(name),
            customdata=[
                [f"{safe_text(group)}<br>{_words(each)}"]
                for group, each in zip(panel.groups, found, strict=True)
            ],
            hovertemplate="%{customdata[0]}<extra>%{fullData.name}</extra>",
        )
    names = [name for name, _ in panel.series]
    last = len(panel.groups) - 0.5
    if panel.chance is not None:
        names.append("a guess")
        guess_line(figure, x=[-0.5, last], y=[panel.chance] * 2, name=_guessed(panel.chance))
    width = max(GROUPS_WIDTH // max(len(panel.groups), 1), GROUP_WIDTH)
    axis = {
        "tickvals": list(range(len(panel.groups))),
        "ticktext": [_broken(group, width) for group in panel.groups],
        "range": [-0.5, last],
        "autotickangles": [0, 90],  # a slanting label that leaves the plot is not drawn
        "showgrid": False,
    }
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.08)
    return _finished(panel, figure, names, x=axis, y={"rangemode": "tozero"}, size=size)


def _lines(panel: Lines) -> Plot:
    """Draw curves; those with few points mark each of them, a curve with a diagonal has steps."""
    figure = go.Figure()
    log = panel.scale == "log"
    names = [name for name, _, _ in panel.series]
    start = least(panel) if log else 0.0
    if panel.diagonal:
        names.append("a guess")
        guess_line(figure, x=[start, 1.0], y=[start, 1.0], name="a guess")
    for place, (name, x, y) in enumerate(panel.series):
        shown = thinned(np.asarray(x, np.float64), np.asarray(y, np.float64), log=log)
        figure.add_scatter(
            x=shown[0],
            y=shown[1],
            mode="lines+markers" if shown[0].size <= FEW and not panel.diagonal else "lines",
            line={
                "width": 2,
                "color": _colour(place),
                "dash": _dash(place),
                "shape": "hv" if panel.diagonal else "linear",
            },
            name=_label(name),
            hovertemplate="%{x:.4~g}, %{y:.4~g}<extra>%{fullData.name}</extra>",
        )
    axes = [_axis(panel, part) for part in (1, 2)]
    return _finished(panel, figure, names, x=axes[0], y=axes[1])


def _axis(panel: Lines, part: int) -> dict[str, Any]:
    """Choose the axis of x (1) or y (2): both of a ROC end at 1."""
    if panel.diagonal:
        if panel.scale == "log":
            return {**RATES, "range": [math.log10(least(panel)), 0.02]}
        return {"range": [-0.01, 1.01]}
    if panel.scale == "linear":
        return {}
    shown = [thinned(x, y, log=True)[part - 1] for _, x, y in panel.series]
    numbers = np.concatenate([np.ones(0), *shown])
    return _log_axis(numbers.min(), numbers.max()) if numbers.size else {"type": "log"}


def _points(panel: Points) -> Plot:
    """Draw a numbered marker with both intervals for every point; the legend has the names."""
    figure = go.Figure()
    end = floor(panel)
    shown = drawable(panel)
    names = [f"{place}  {name}" for place, name, _, _ in shown]
    if panel.chance is not None and shown:
        names.append("a guess")
        heights = [each for _, _, _, y in shown for each in (y.low, y.value, y.high)]
        ends = [float(np.nanmin(heights)), float(np.nanmax(heights))]
        guess_line(figure, x=[panel.chance] * 2, y=ends, name=_guessed(panel.chance))
    for label, (place, name, x, y) in zip(names, shown, strict=False):
        across, up = mark(x, end), mark(y)
        colour = _colour(place - 1)
        figure.add_scatter(
            x=[across.at],
            y=[up.at],
            error_x={**_whiskers([across.below], [across.above]), "color": colour},
            error_y={**_whiskers([up.below], [up.above]), "color": colour},
            mode="markers+text",
            text=[str(place)],
            textfont={"size": 11, "color": colour if across.on_floor else "white"},
            marker={
                "size": 20,
                "color": colour,
                "symbol": "circle-open" if across.on_floor else "circle",
                "line": {"width": 2, "color": colour},
            },
            opacity=FAINT if name in panel.faint else 1.0,
            name=_label(label),
            customdata=[
                ["<br>".join((safe_text(name), _said(panel.x_title, x), _said(panel.y_title, y)))]
            ],
            hovertemplate="%{customdata[0]}<extra></extra>",
            cliponaxis=False,
        )
    axis = _log_axis(*span(panel)) if panel.log_x else {"range": list(span(panel))}
    size = "wide" if len(shown) > MANY_POINTS else "panel"
    return _finished(panel, figure, names, x=axis, y={}, size=size)


def _finished(
    panel: Plotted,
    figure: go.Figure,
    names: Sequence[str],
    *,
    x: dict[str, Any],
    y: dict[str, Any],
    size: str = "panel",
) -> Plot:
    """Give a figure the page's form: titles, and room below for one legend entry a line."""
    columns = 2 if size == "wide" and len(names) > MANY_NAMES else 1
    lines = [len(wrapped(name, LEGEND_WIDTH)) for name in names]
    rows = sum(max(lines[i : i + columns]) for i in range(0, len(lines), columns))
    below = [panel_x(panel), *x.get("ticktext", ())]
    axis = max(len(wrapped(text, LEGEND_WIDTH)) + text.count("<br>") for text in below)
    base = 1.4 * PLOT_HEIGHT if size == "wide" else PLOT_HEIGHT
    room = AXIS_HEIGHT + LINE_HEIGHT * (axis + rows)
    figure.update_layout(base_figure(height=int(base + room)).layout)
    figure.update_layout(
        margin={"b": room},
        legend={
            **({"orientation": "v"} if columns == 1 else TWO_COLUMNS),
            "maxheight": 1,  # of the plot: all of it is shown, none is scrolled to
            "itemsizing": "constant",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
            "font": {"size": 12},
        },
        showlegend=True,
        font={"size": 12},
    )
    figure.update_xaxes(title_text=_broken(panel_x(panel), LEGEND_WIDTH), **x)
    figure.update_yaxes(title_text=_broken(panel.y_title, LEGEND_WIDTH), **y)
    return Plot(title=panel.title, caption=caption(panel), figure=figure, size=size)


def panel_x(panel: Plotted) -> str:
    """Return the title of x: groups of bars say themselves what they are."""
    return "" if isinstance(panel, Bars) else panel.x_title


def _log_axis(low: float, high: float) -> dict[str, Any]:
    """Choose a log axis over a span, with a tick every decade where there are several."""
    ends = [math.log10(low), math.log10(max(high, low * 10))]
    ticks = {"dtick": 1, "minor": {"dtick": "D1", "ticks": "outside", "ticklen": 3}}
    # plotly writes powers a fourth larger than other ticks
    powers = {"exponentformat": "power", "tickfont": {"size": 10}}
    return {"type": "log", "range": ends, **ticks, **powers}


def _whiskers(below: Sequence[float], above: Sequence[float]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": list(above),
        "arrayminus": list(below),
        "color": "#8a8f98",
        "thickness": 1.5,
        "width": 4,
    }


def _words(found: Estimate) -> str:
    """Write an estimate for the hover box."""
    interval = f"[{exact(found.low)}, {exact(found.high)}]"
    return f"{exact(found.value)} {interval}, n {count(found.n)}, runs {count(found.runs)}"


def _said(title: str, found: Estimate) -> str:
    return f"{safe_text(title)}: {_words(found)}"


def _guessed(chance: float) -> str:
    return f"a guess: {exact(chance)}"


def _label(name: str) -> str:
    return _broken(name, LEGEND_WIDTH)


def _broken(text: str, width: int) -> str:
    """Break and escape a label for plotly, which reads a subset of HTML."""
    return "<br>".join(html.escape(line, quote=False) for line in wrapped(text, width))


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _dash(place: int) -> str:
    return DASHES[place % len(DASHES)]
