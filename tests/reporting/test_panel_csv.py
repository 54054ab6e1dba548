import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from pryproof.reporting.panel_csv import panel_csv
from reporting.conftest import missing
from reporting.panel_examples import BARS, CURVES, HISTOGRAM, IMAGES, PANELS, POINTS, ROC, TABLE


def read(panel) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(panel_csv(panel))))


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())
def test_every_row_has_a_field_for_every_head_and_is_written_alike_twice(panel):
    rows = list(csv.reader(io.StringIO(panel_csv(panel))))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1
    assert panel_csv(panel) == panel_csv(panel)
    assert "\r" not in panel_csv(panel)


def test_a_histogram_has_edges_and_counts():
    rows = read(HISTOGRAM)
    assert len(rows) == 8
    assert [int(row["members"]) for row in rows[:4]] == [4, 3, 2, 1]
    low, high = "cross entropy (nats): from", "cross entropy (nats): to"
    edges = [float(row[low]) for row in rows[:4]] + [float(rows[3][high])]
    assert np.array_equal(edges, HISTOGRAM.edges)


def test_an_estimate_comes_back_exactly():
    rows = read(BARS)
    for row, found in zip(rows[:3], BARS.series[0][1], strict=True):
        assert float(row["TPR: value"]) == found.value
        assert (float(row["low"]), float(row["high"])) == (found.low, found.high)
        assert (int(row["n"]), int(row["runs"])) == (found.n, found.runs)
        assert float(row["confidence"]) == found.confidence
        assert row["method"] == found.method


def test_what_was_not_measured_is_an_empty_field_with_its_reason():
    lost = read(BARS)[4]
    assert (lost["TPR: value"], lost["low"], lost["high"]) == ("", "", "")
    assert lost["method"] == "fewer than 100 non-members"


def test_lines_keep_all_their_points():
    rows = read(ROC)
    assert len(rows) == 2 * 1001
    assert np.array_equal([float(row["TPR"]) for row in rows[:1001]], ROC.series[0][2])


def test_points_have_both_estimates_and_tables_their_words():
    row = read(POINTS)[0]
    assert float(row["TPR at 0.1% FPR: low"]) == POINTS.points[0][1].low
    assert float(row["test accuracy: high"]) == POINTS.points[0][2].high
    rows = read(TABLE)
    assert (rows[0]["column"], rows[0]["words"]) == ("mean R", "")
    assert (rows[1]["words"], rows[1]["value"]) == ("risky", "")


def test_images_leave_their_captions_alone():
    assert len(read(IMAGES)) == len(IMAGES.captions)
    assert set(read(IMAGES)[0]) == {"image", "caption"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", " =", "\t=", "\u00a0-"])
def test_no_given_name_is_a_formula(start):
    name = f"{start}cmd|' /C calc'!A0"
    estimate = missing(name)
    shown = (
        replace(BARS, y_title=name, groups=(name,), series=((name, (estimate,)),)),
        replace(POINTS, x_title=name, y_title=name, points=((name, estimate, estimate),)),
        replace(HISTOGRAM, x_title=name, y_title=name, series=((name, HISTOGRAM.series[0][1]),)),
        replace(CURVES, x_title=name, y_title=name, series=((name, *CURVES.series[0][1:]),)),
        replace(TABLE, columns=(name,), rows=((name, (name,)),)),
        replace(IMAGES, captions=(name,)),
    )
    for panel in shown:
        fields = [field for row in csv.reader(io.StringIO(panel_csv(panel))) for field in row]
        assert any("cmd" in field for field in fields)
        assert not any(field.lstrip().startswith(tuple("=+-@\uff1d")) for field in fields)


def test_a_negative_number_stays_a_number():
    fall = replace(BARS.series[0][1][0], value=-0.25, low=-0.5, high=math.inf)
    row = read(replace(BARS, groups=("a",), series=(("s", (fall,)),)))[0]
    assert (row["TPR: value"], row["low"], row["high"]) == ("-0.25", "-0.5", "inf")
