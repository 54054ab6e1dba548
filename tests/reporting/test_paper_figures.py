import importlib
import io
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from pryproof.checks import ConfigurationError
from pryproof.reporting import paper_figures
from pryproof.reporting.panel_scale import FAINT
from pryproof.reporting.paper_figures import MANY_POINTS, paper
from reporting.conftest import estimate
from reporting.panel_examples import BARS, CURVES, HISTOGRAM, IMAGES, PANELS, POINTS, ROC, TABLE


def drawn(panel):
    """Draw a panel as far as a figure, without bytes."""
    with matplotlib.rc_context(paper_figures.STYLE):
        figure = matplotlib.figure.Figure(layout="constrained")
        paper_figures._draw(figure, panel)
    return figure


def width(png: bytes) -> int:
    return Image.open(io.BytesIO(png)).width


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())
def test_every_panel_is_an_svg_and_a_png_of_the_same_bytes_twice(panel):
    first = paper(panel)
    assert first == paper(panel)
    assert width(first["png"]) == 990  # 3.3 inches of 300 dots
    picture = Image.open(io.BytesIO(first["png"]))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert "Software" not in picture.info
    assert ElementTree.fromstring(first["svg"]).tag.endswith("svg")  # noqa: S314 - our own bytes
    assert b"<dc:date>" not in first["svg"]
    assert b"<script" not in first["svg"]


def test_other_defaults_of_the_user_change_nothing():
    before = paper(BARS)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "savefig.dpi": 50}):
        assert paper(BARS) == before
        assert matplotlib.rcParams["font.size"] == 20


def test_another_number_is_another_picture():
    other = replace(HISTOGRAM, series=(("plain", np.array([4, 3, 2, 2])), HISTOGRAM.series[1]))
    assert paper(other)["png"] != paper(HISTOGRAM)["png"]


def test_bars_have_whiskers_from_low_to_high():
    (axes,) = drawn(BARS).axes
    segments = [bars.errorbar.lines[2][0].get_segments() for bars in axes.containers[1::2]]
    assert len(segments) == len(BARS.series)
    ends = [segment[:, 1] for segment in segments[0]]
    expected = [(found.low, found.high) for found in BARS.series[0][1]]
    assert np.allclose(ends, expected)
    chance = [line for line in axes.get_lines() if line.get_label() == "a guess: 0.01"]
    assert list(chance[0].get_ydata()) == [0.01, 0.01]


def test_points_have_whiskers_both_ways():
    (axes,) = drawn(POINTS).axes
    across, up = axes.containers[0].lines[2]
    _, x, y = POINTS.points[0]
    assert np.allclose(across.get_segments()[0][:, 0], (x.low, x.high))
    assert np.allclose(up.get_segments()[0][:, 1], (y.low, y.high))
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["1", "2", "4"]


def test_faint_points_are_faint():
    (axes,) = drawn(replace(POINTS, faint=frozenset({"fakes"}))).axes
    assert [bars.lines[0].get_alpha() for bars in axes.containers] == [1, 1, FAINT]


def test_histograms_are_outlines_of_the_counts():
    (axes,) = drawn(HISTOGRAM).axes
    outlines = [patch for patch in axes.patches if not patch.get_fill()]
    for patch, (_, counts) in zip(outlines, HISTOGRAM.series, strict=True):
        values, edges, _ = patch.get_data()
        assert np.array_equal(values, counts)
        assert np.array_equal(edges, HISTOGRAM.edges)


def test_a_roc_is_drawn_on_the_scale_it_names():
    scales = [drawn(replace(ROC, scale=scale)).axes[0].get_xscale() for scale in ("log", "linear")]
    assert scales == ["log", "linear"]


def test_log_ticks_are_plain_numbers():
    figure = drawn(ROC)
    figure.draw_without_rendering()
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert {"0.01", "0.1", "1"} <= set(ticks)
    narrow = replace(CURVES, scale="log")
    figure = drawn(narrow)
    figure.draw_without_rendering()
    assert {"1", "2", "5"} <= {tick.get_text() for tick in figure.axes[0].get_xticklabels()}


def test_many_points_take_both_columns_and_so_do_their_names():
    many = replace(
        POINTS, points=tuple((f"row {n}", *POINTS.points[0][1:]) for n in range(2 * MANY_POINTS))
    )
    (legend,) = drawn(many).legends
    assert legend._ncols == 2
    (narrow,) = drawn(POINTS).legends
    assert narrow._ncols == 1
    assert drawn(many).get_size_inches()[0] > drawn(POINTS).get_size_inches()[0]


def test_wide_panels_take_both_columns():
    many = tuple(f"group {place}" for place in range(13))
    bars = replace(BARS, groups=many, series=(("s", (estimate(0.1, 0.01),) * 13),))
    table = replace(TABLE, columns=("a", "b", "c", "d"), rows=(("row", ("1", "2", "3", "4")),))
    assert width(paper(bars)["png"]) == width(paper(table)["png"]) == 2070


def test_a_name_is_no_formula():
    assert paper(replace(CURVES, title=r"$\frac{1}$", series=(("$x", *CURVES.series[0][1:]),)))


def test_nothing_measured_is_still_a_picture():
    empty = (
        replace(BARS, groups=(), series=(), chance=None),
        replace(POINTS, points=()),
        replace(POINTS, points=POINTS.points[2:3], chance=None),
        replace(HISTOGRAM, series=()),
        replace(CURVES, series=()),
        replace(CURVES, series=(), scale="log"),
        replace(TABLE, rows=()),
        replace(IMAGES, images=IMAGES.images[:0], captions=()),
    )
    for panel in empty:
        figure = drawn(panel)
        figure.draw_without_rendering()
        assert figure.get_suptitle() or figure.axes[0].get_title(loc="left")


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    found = importlib.import_module

    def absent(name):
        if name.startswith("matplotlib"):
            raise ImportError("No module named 'matplotlib'")
        return found(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ConfigurationError, match=r"pip install 'pryproof\[figures\]'"):
        paper(CURVES)


def test_the_module_is_imported_without_matplotlib_and_pyplot_never():
    code = (
        "import sys; from pryproof.reporting.paper_figures import paper;"
        "from pryproof.reporting.panels import Table;"
        "before = 'matplotlib' in sys.modules;"
        "paper(Table(title='t', columns=('a',), rows=(('r', ('x',)),)));"
        "print(before, 'matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True", "False"]
