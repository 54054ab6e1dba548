"""Panels for a paper: SVG and PNG at the width of a column, the same bytes from the same numbers.

Matplotlib is an extra, ``pip install 'pryproof[figures]'``; importing this module does not import
it. Nothing is drawn through pyplot, so no figure stays open.
"""

import importlib
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pryproof.checks import ConfigurationError
from pryproof.records import Estimate
from pryproof.reporting.cells import exact, measure, visible
from pryproof.reporting.figures import COLOURS, GUESS, thinned
from pryproof.reporting.panel_scale import FAINT, FEW, drawable, floor, least, mark, span, wrapped
from pryproof.reporting.panels import Bars, Histogram, Images, Lines, Panel, Points, Table

COLUMN, PAGE = 3.3, 6.9  # inches: one column of a paper, and both
PLOT_HEIGHT, LINE_HEIGHT, CAPTION_HEIGHT = 2.15, 0.125, 0.095  # inches
FEW_DECADES = 30  # high end over low end
LEGEND_WIDTH = 54  # characters
MANY_BARS = MANY_POINTS = 12  # more need both columns
DOTS = 300  # an inch
DASHES: tuple[Any, ...] = ("-", "--", "-.", (0, (8, 2)), (0, (8, 2, 1, 2)))  # dots are for guesses
HATCHES = ("", "////", "\\\\\\\\", "xxxx", "----", "||||", "++++", "....")
STYLE = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib: the same on every machine
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "hatch.linewidth": 0.5,
    "text.parse_math": False,  # a name may hold a dollar sign
    "svg.hashsalt": "pryproof",
    "svg.fonttype": "path",
}
GUESSED: dict[str, Any] = {"color": GUESS, "linestyle": ":", "linewidth": 0.9}
METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def paper(panel: Panel) -> dict[str, bytes]:
    """Draw a panel as the bytes of a file, by suffix: "svg" and "png" (300 dots an inch).

    Raises ConfigurationError where Matplotlib is missing.
    """
    library = _matplotlib()
    defaults = {name: value for name, value in library.rcParamsDefault.items() if name != "backend"}
    with library.rc_context({**defaults, **STYLE}):
        figure = library.figure.Figure(layout="constrained")
        _draw(figure, panel)
        return {suffix: _saved(figure, suffix) for suffix in METADATA}


def _matplotlib() -> Any:  # noqa: ANN401 - a module
    try:
        library = importlib.import_module("matplotlib")
        importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise ConfigurationError(
            "E060",
            f"figures for a paper need the package matplotlib, which cannot be imported: {error}",
            fix="Run: pip install 'pryproof[figures]'",
        ) from error
    return library


def _saved(figure: Any, suffix: str) -> bytes:  # noqa: ANN401 - of an extra
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix, dpi=DOTS, metadata=METADATA[suffix])
    return buffer.getvalue()


def _draw(figure: Any, panel: Panel) -> None:  # noqa: ANN401 - of an extra
    match panel:
        case Histogram():
            _histogram(figure, panel)
        case Bars():
            _bars(figure, panel)
        case Lines():
            _lines(figure, panel)
        case Points():
            _points(figure, panel)
        case Table():
            _table(figure, panel)
        case Images():
            _images(figure, panel)


def _axes(
    figure: Any,  # noqa: ANN401
    panel: Panel,
    names: Sequence[str],
    *,
    width: float = COLUMN,
    columns: int = 1,
) -> Any:  # noqa: ANN401 - of an extra
    """Set the figure's size, with room for one legend entry a line and column; return axes."""
    lines = sum(len(wrapped(name, LEGEND_WIDTH)) for name in names)
    height = PLOT_HEIGHT * (1 if columns == 1 else 1.4)
    figure.set_size_inches(width, height + LINE_HEIGHT * math.ceil(lines / columns))
    axes = figure.add_subplot()
    axes.set_title(_broken(panel.title))
    return axes


def _legend(figure: Any, *, columns: int = 1) -> None:  # noqa: ANN401 - of an extra
    shown = [label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]]
    if shown:
        form = {"handlelength": 2.4, "labelspacing": 0.25, "borderpad": 0, "ncols": columns}
        figure.legend(loc="outside lower left", **form)


def _histogram(figure: Any, panel: Histogram) -> None:  # noqa: ANN401 - of an extra
    axes = _axes(figure, panel, [name for name, _ in panel.series])
    for place, (name, counts) in enumerate(panel.series):
        style = {"color": _colour(place), "linestyle": _dash(place)}
        axes.stairs(counts, panel.edges, label=_broken(name), linewidth=1.0, **style)
        axes.stairs(counts, panel.edges, fill=True, alpha=0.12, color=_colour(place))
    axes.set(xlabel=_broken(panel.x_title), ylabel=_broken(panel.y_title))
    axes.set_ylim(bottom=0)
    if panel.log_x:
        axes.set_xscale("log")
    axes.set_xlim(*panel.edges[[0, -1]])
    if panel.log_x:
        _plain_ticks(axes.xaxis)
    _legend(figure)


def _bars(figure: Any, panel: Bars) -> None:  # noqa: ANN401 - of an extra
    names = [name for name, _ in panel.series]
    width = PAGE if len(panel.groups) * len(panel.series) > MANY_BARS else COLUMN
    axes = _axes(figure, panel, [*names, "a guess"], width=width)
    thick = 0.8 / max(len(names), 1)
    for place, (name, found) in enumerate(panel.series):
        marks = [mark(each) for each in found]
        axes.bar(
            np.arange(len(found)) + thick * (place - (len(names) - 1) / 2),
            [each.at for each in marks],
            0.92 * thick,
            yerr=[[each.below for each in marks], [each.above for each in marks]],
            color=_colour(place),
            edgecolor="white",
            linewidth=0,
            hatch=HATCHES[place % len(HATCHES)],
            label=_broken(name),
            error_kw={"elinewidth": 0.8, "capsize": 1.8, "capthick": 0.8, "ecolor": "#222222"},
        )
    if panel.chance is not None:
        axes.axhline(panel.chance, label=f"a guess: {exact(panel.chance)}", **GUESSED)
    letters = max(int(12 * width) // max(len(panel.groups), 1), 7)
    axes.set_xticks(range(len(panel.groups)), [_broken(group, letters) for group in panel.groups])
    axes.set_ylabel(_broken(panel.y_title))
    _legend(figure)


def _lines(figure: Any, panel: Lines) -> None:  # noqa: ANN401 - of an extra
    axes = _axes(figure, panel, [*(name for name, _, _ in panel.series), "a guess"])
    log = panel.scale == "log"
    start = least(panel) if log else 0.0
    if log:
        axes.set(xscale="log", yscale="log")
    if panel.diagonal:
        axes.plot([start, 1], [start, 1], label="a guess", **GUESSED)
        axes.set(xlim=(start, 1.05 if log else 1), ylim=(start, 1.05 if log else 1.01))
    for place, (name, x, y) in enumerate(panel.series):
        shown = thinned(np.asarray(x, np.float64), np.asarray(y, np.float64), log=log)
        axes.plot(
            *shown,
            color=_colour(place),
            linestyle=_dash(place),
            drawstyle="steps-post" if panel.diagonal else "default",
            marker="o" if shown[0].size <= FEW and not panel.diagonal else "",
            markersize=2.5,
            label=_broken(name),
        )
    for axis in (axes.xaxis, axes.yaxis) if log else ():
        _plain_ticks(axis)
    axes.set(xlabel=_broken(panel.x_title), ylabel=_broken(panel.y_title))
    _legend(figure)


def _points(figure: Any, panel: Points) -> None:  # noqa: ANN401 - of an extra
    shown = drawable(panel)
    columns, width = (2, PAGE) if len(shown) > MANY_POINTS else (1, COLUMN)
    names = [*(name for _, name, _, _ in shown), "a guess"]
    axes = _axes(figure, panel, names, width=width, columns=columns)
    end = floor(panel)
    axes.set(xscale="log" if panel.log_x else "linear", xlim=span(panel))
    if panel.chance is not None:
        axes.axvline(panel.chance, label=f"a guess: {exact(panel.chance)}", **GUESSED)
    for place, name, x, y in shown:
        across, up = mark(x, end), mark(y)
        colour = _colour(place - 1)
        axes.errorbar(
            across.at,
            up.at,
            xerr=[[across.below], [across.above]],
            yerr=[[up.below], [up.above]],
            fmt="o",
            color=colour,
            markersize=7.5,
            markerfacecolor="white" if across.on_floor else colour,
            elinewidth=0.8,
            capsize=1.8,
            alpha=FAINT if name in panel.faint else 1.0,
            label=_broken(f"{place}  {name}"),
        )
        axes.annotate(
            str(place),
            (across.at, up.at),
            ha="center",
            va="center_baseline",
            fontsize=5.5,
            color=colour if across.on_floor else "white",
            zorder=5,
        )
    if panel.log_x:
        _plain_ticks(axes.xaxis)
    axes.set(xlabel=_broken(panel.x_title), ylabel=_broken(panel.y_title))
    _legend(figure, columns=columns)


def _table(figure: Any, panel: Table) -> None:  # noqa: ANN401 - of an extra
    """Write rows and columns as text between rules; more than three columns take both columns."""
    wide = len(panel.columns) > 3
    first = 0.24 if wide else 0.34
    ends = first + (1 - first) * (np.arange(len(panel.columns)) + 1) / max(len(panel.columns), 1)
    rows = [[[], *(wrapped(title, 14) for title in panel.columns)]]
    rows += [[wrapped(name, 24), *_cells(row)] for name, row in panel.rows]
    heights = [max(len(lines) for lines in row) + 0.7 for row in rows]
    figure.set_size_inches(PAGE if wide else COLUMN, LINE_HEIGHT * (sum(heights) + 2.2))
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(sum(heights) + 0.2, 0))
    axes.set_axis_off()
    axes.set_title(_broken(panel.title))
    down = 0.0
    for row, height in zip(rows, heights, strict=True):
        for end, lines in zip((0.0, *ends), row, strict=True):
            for line, text in enumerate(lines, start=1):
                axes.text(end, down + line, text, ha="right" if end else "left", va="baseline")
        down += height
        axes.axhline(down - 0.3, color=GUESS, linewidth=0.4)


def _cells(row: Sequence[Estimate | str]) -> list[list[str]]:
    """Write every cell as lines: the number above its interval."""
    lines = []
    for given in row:
        if isinstance(given, str):
            lines.append(wrapped(given, 16))
        else:
            cell = measure(given)
            lines.append([cell.text, *wrapped(cell.detail, 18)])
    return lines


def _images(figure: Any, panel: Images) -> None:  # noqa: ANN401 - of an extra
    """Set the images in a grid, each above its caption."""
    columns = max(panel.columns, 1)
    rows = max(math.ceil(len(panel.images) / columns), 1)
    _, high, wide, channels = panel.images.shape
    captions = [wrapped(caption, max(60 // columns, 5)) for caption in panel.captions]
    below = CAPTION_HEIGHT * (max((len(lines) for lines in captions), default=0) + 0.5)
    tile = COLUMN / columns - 0.08
    figure.set_size_inches(COLUMN, rows * (tile * high / wide + below) + 0.25)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.01, wspace=0.02, hspace=0.0)
    figure.suptitle(_broken(panel.title), fontsize=STYLE["axes.titlesize"], ha="left", x=0.01)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    shown = zip(panel.images, captions, strict=True)
    for axes, (image, caption) in zip(grid, shown, strict=False):
        axes.imshow(image[:, :, 0] if channels == 1 else image, cmap="gray", vmin=0, vmax=255)
        below_it = {"xy": (0.5, 0), "xytext": (0, -2), "textcoords": "offset points"}
        text = "\n".join(caption)
        axes.annotate(
            text, xycoords="axes fraction", ha="center", va="top", fontsize=5.5, **below_it
        )


def _plain_ticks(axis: Any) -> None:  # noqa: ANN401 - of an extra
    """Write the ticks of a log axis as plain numbers, three a decade where it has few decades."""
    low, high = axis.get_view_interval()
    if high < FEW_DECADES * low:
        axis.get_major_locator().set_params(subs=(1, 2, 5))
    axis.set_major_formatter(lambda value, _: exact(value))
    axis.set_minor_formatter("")


def _broken(text: str, width: int = LEGEND_WIDTH) -> str:
    return "\n".join(wrapped(visible(text), width))


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _dash(place: int) -> Any:  # noqa: ANN401 - a name or lengths
    return DASHES[place % len(DASHES)]
