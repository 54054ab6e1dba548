import math
from dataclasses import replace

import numpy as np

from pryproof.records import Estimate
from pryproof.reporting import figures
from pryproof.reporting.content import Content


def test_every_estimable_row_is_a_point_with_both_intervals(content: Content):
    plot = figures.comparison(content.rows)
    points = plot.figure.data[1:]
    assert [point.text[0] for point in points] == ["1", "2", "3", "4"]
    for point, row in zip(points, content.rows, strict=False):
        leak, accuracy = row.attacks["lira_tpr"], row.test_accuracy
        assert (point.x[0], point.y[0]) == (accuracy.value, leak.value)
        assert math.isclose(point.x[0] + point.error_x.array[0], accuracy.high)
        assert math.isclose(point.x[0] - point.error_x.arrayminus[0], accuracy.low)
        assert math.isclose(point.y[0] + point.error_y.array[0], leak.high)
        assert math.isclose(point.y[0] - point.error_y.arrayminus[0], leak.low)
    assert "not estimable: SELENA" in plot.caption


def test_chance_is_drawn_at_one_percent_on_a_log_axis(content: Content):
    figure = figures.comparison(content.rows).figure
    assert tuple(figure.data[0].y) == (0.01, 0.01)
    assert figure.layout.yaxis.type == "log"


def test_a_zero_stands_on_the_floor_with_an_open_marker(content: Content):
    row = content.rows[0]
    zero = Estimate(value=0.0, low=0.0, high=0.003, n=1000)
    point = figures.comparison(
        [replace(row, attacks={**row.attacks, "lira_tpr": zero})]
    ).figure.data[1]
    assert point.y[0] > 0
    assert point.error_y.arrayminus[0] == 0
    assert point.marker.symbol == "circle-open"


def test_no_row_at_all_is_still_a_figure():
    assert len(figures.comparison([]).figure.data) == 1
    assert figures.curves([], []) == []


def test_roc_comes_first_with_its_diagonal_on_log_axes(content: Content):
    plots = figures.curves(content.curves, content.rows)
    roc = plots[0].figure
    assert len(plots) == 4
    assert tuple(roc.data[0].x) == tuple(roc.data[0].y)
    assert (roc.layout.xaxis.type, roc.layout.yaxis.type) == ("log", "log")
    assert all(np.all(np.asarray(line.x) > 0) for line in roc.data)


def test_a_row_keeps_its_colour_and_number_in_every_plot(content: Content):
    points = figures.comparison(content.rows).figure.data[1:]
    lines = figures.curves(content.curves, content.rows)[0].figure.data[1:]
    assert [line.line.color for line in lines[:4]] == [point.marker.color for point in points]
    assert [line.name for line in lines[:4]] == [point.name for point in points]


def test_labels_carry_no_markup(content: Content):
    for plot in figures.curves(content.curves, content.rows):
        assert not any("<" in line.name for line in plot.figure.data)


def test_thinning_keeps_ends_and_order_and_drops_what_cannot_be_drawn():
    x = np.concatenate([[0.0, np.nan], np.geomspace(1e-4, 1, 5000)])
    kept, values = figures.thinned(x, 2 * x, log=True)
    assert 100 < kept.size <= figures.POINTS
    assert (kept[0], kept[-1]) == (x[2], x[-1])
    assert np.all(np.diff(kept) > 0)
    assert np.array_equal(values, 2 * kept)
    assert figures.thinned(np.array([0.0]), np.array([0.0]), log=True)[0].size == 0
