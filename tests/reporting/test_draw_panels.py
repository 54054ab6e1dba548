import json
import math
from dataclasses import replace

import numpy as np
import pytest

from pryproof.reporting.draw_panels import MANY_NAMES, draw
from pryproof.reporting.figures import POINTS as MOST
from pryproof.reporting.panel_scale import FAINT, floor
from reporting.conftest import SCRIPT, estimate
from reporting.panel_examples import BARS, CURVES, HISTOGRAM, LINEAR_ROC, PANELS, POINTS, ROC

PLOTTED = {name: panel for name, panel in PANELS.items() if name not in ("table", "images")}


@pytest.mark.parametrize("panel", PLOTTED.values(), ids=PLOTTED.keys())
def test_no_label_of_a_plot_carries_markup(panel):
    plot = draw(panel)
    shown = json.loads(plot.figure.to_json())
    labels = [trace["name"] for trace in shown["data"]]
    labels += [shown["layout"][axis]["title"].get("text", "") for axis in ("xaxis", "yaxis")]
    labels += shown["layout"]["xaxis"].get("ticktext", [])
    labels += [row[0] for trace in shown["data"] for row in trace.get("customdata", [])]
    assert labels
    assert not any("<" in label.replace("<br>", "") for label in labels)
    assert plot.title == panel.title


@pytest.mark.parametrize("panel", PLOTTED.values(), ids=PLOTTED.keys())
def test_series_differ_in_more_than_colour(panel):
    traces = [trace for trace in draw(panel).figure.data if "guess" not in trace.name]
    forms = [
        trace.marker.pattern.shape
        if trace.type == "bar"
        else (trace.line.dash, trace.text and trace.text[0])
        for trace in traces
    ]
    assert len(set(forms)) == len(traces)


def test_the_outline_of_a_histogram_has_its_counts():
    for trace, (_, counts) in zip(draw(HISTOGRAM).figure.data, HISTOGRAM.series, strict=True):
        assert np.array_equal(trace.x, HISTOGRAM.edges[[0, 0, 1, 2, 3, 4]])
        assert list(trace.y) == [0, *counts, 0]
        assert trace.line.shape == "hv"
    axis = draw(HISTOGRAM).figure.layout.xaxis
    assert axis.type == "log"
    assert axis.range == pytest.approx((-3, 1))
    assert draw(replace(HISTOGRAM, log_x=False)).figure.layout.xaxis.type is None


def test_counts_that_do_not_fit_the_edges_are_refused():
    with pytest.raises(ValueError, match="argument"):
        draw(replace(HISTOGRAM, series=(("a", np.array([1, 2])),)))


def test_every_bar_has_its_interval():
    *bars, chance = draw(BARS).figure.data
    for trace, (_, found) in zip(bars, BARS.series, strict=True):
        for place, each in enumerate(found):
            if math.isnan(each.value):
                assert math.isnan(trace.y[place])
                continue
            assert trace.y[place] == each.value
            assert trace.y[place] + trace.error_y.array[place] == pytest.approx(each.high)
            assert trace.y[place] - trace.error_y.arrayminus[place] == pytest.approx(each.low)
    assert tuple(chance.y) == (0.01, 0.01)


def test_two_groups_of_one_name_stay_two():
    found = (estimate(0.1, 0.01), estimate(0.2, 0.01))
    plot = draw(replace(BARS, groups=("a", "a"), series=(("s", found),), chance=None))
    assert tuple(plot.figure.data[0].x) == (0, 1)
    assert tuple(plot.figure.layout.xaxis.ticktext) == ("a", "a")


def test_a_roc_has_its_diagonal_on_either_scale():
    log, linear = draw(ROC).figure, draw(LINEAR_ROC).figure
    assert (log.layout.xaxis.type, log.layout.yaxis.type) == ("log", "log")
    assert linear.layout.xaxis.type is None
    for figure in (log, linear):
        assert tuple(figure.data[0].x) == tuple(figure.data[0].y)
        assert all(len(line.x) <= MOST for line in figure.data)
    assert min(log.data[1].x) > 0
    assert linear.data[1].x[0] == 0


def test_few_points_are_marked_and_many_are_not():
    assert draw(CURVES).figure.data[0].mode == "lines+markers"
    assert draw(LINEAR_ROC).figure.data[1].mode == "lines"


def test_a_log_plot_without_a_positive_number_is_still_a_figure():
    nothing = replace(CURVES, scale="log", series=(("zero", np.zeros(3), np.zeros(3)),))
    assert draw(nothing).figure.layout.xaxis.type == "log"
    assert len(draw(nothing).figure.data[0].x) == 0


def test_every_point_has_both_intervals_and_its_number():
    chance, *points = draw(POINTS).figure.data
    assert tuple(chance.x) == (0.001, 0.001)
    assert [point.text[0] for point in points] == ["1", "2", "4"]
    _, x, y = POINTS.points[0]
    first = points[0]
    assert (first.x[0], first.y[0]) == (x.value, y.value)
    assert first.x[0] + first.error_x.array[0] == pytest.approx(x.high)
    assert first.x[0] - first.error_x.arrayminus[0] == pytest.approx(x.low)
    assert first.y[0] + first.error_y.array[0] == pytest.approx(y.high)
    assert first.y[0] - first.error_y.arrayminus[0] == pytest.approx(y.low)


def test_a_zero_on_a_log_axis_is_an_open_marker_on_the_floor():
    zero = draw(POINTS).figure.data[2]
    assert zero.x[0] == floor(POINTS)
    assert zero.marker.symbol == "circle-open"
    assert zero.error_x.arrayminus[0] == 0
    assert zero.x[0] + zero.error_x.array[0] == pytest.approx(0.003)


def test_a_linear_axis_shows_all_intervals_and_chance():
    low, high = draw(replace(POINTS, log_x=False, chance=0.5)).figure.layout.xaxis.range
    assert low < 0
    assert high > 0.5


def test_nothing_measured_is_still_a_figure():
    lost = replace(POINTS, points=POINTS.points[2:3])
    assert len(draw(lost).figure.data) == 0
    assert "not estimable" in draw(lost).caption
    assert len(draw(replace(POINTS, points=(), chance=None, log_x=False)).figure.data) == 0
    assert len(draw(replace(BARS, groups=(), series=(), chance=None)).figure.data) == 0
    assert len(draw(replace(HISTOGRAM, series=())).figure.data) == 0


def test_much_to_show_takes_the_width_of_the_page():
    assert draw(POINTS).size == "panel"
    assert draw(replace(POINTS, points=POINTS.points * 4)).size == "wide"
    many = tuple(f"group {place}" for place in range(13))
    wide = replace(BARS, groups=many, series=(("s", (estimate(0.1, 0.01),) * 13),))
    assert (draw(BARS).size, draw(wide).size) == ("panel", "wide")


def test_room_grows_with_the_legend():
    long = replace(CURVES, series=tuple((f"{SCRIPT} {n}", *CURVES.series[0][1:]) for n in range(6)))
    assert draw(long).figure.layout.height > draw(CURVES).figure.layout.height


def test_faint_points_are_drawn_so_and_explained():
    faint = replace(POINTS, faint=frozenset({"fakes"}), faint_words="Faint is beaten.")
    _, *points = draw(faint).figure.data
    assert [point.opacity for point in points] == [1, 1, FAINT]
    assert "Faint is beaten." in draw(faint).caption
    assert "Faint" not in draw(replace(faint, faint=frozenset())).caption


def test_many_names_stand_in_two_columns_all_of_them_shown():
    def of(count: int):
        names = tuple((f"row {n}", *POINTS.points[0][1:]) for n in range(count))
        return draw(replace(POINTS, points=names)).figure.layout

    assert of(MANY_NAMES - 1).legend.orientation == "v"
    assert of(MANY_NAMES).legend.orientation == "h"  # the guess is a name too
    assert of(2 * MANY_NAMES).height < of(MANY_NAMES - 1).height + 40
    assert of(2 * MANY_NAMES).legend.maxheight == 1
