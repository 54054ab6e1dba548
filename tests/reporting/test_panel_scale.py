import math
from dataclasses import replace

import numpy as np
import pytest

from pryproof.records import Estimate
from pryproof.reporting import panel_scale
from reporting.conftest import estimate, missing
from reporting.panel_examples import ABSENT, BARS, CURVES, HISTOGRAM, LINEAR_ROC, POINTS, ROC, ZERO


def test_a_mark_reaches_as_far_as_its_interval():
    found = panel_scale.mark(Estimate(value=0.2, low=0.1, high=0.5, n=9))
    assert (found.at, found.on_floor) == (0.2, False)
    assert found.below == pytest.approx(0.1)
    assert found.above == pytest.approx(0.3)


def test_no_part_of_a_mark_lies_below_the_floor():
    partly = panel_scale.mark(Estimate(value=0.2, low=0.0, high=0.5, n=9), 0.05)
    assert partly.at - partly.below == pytest.approx(0.05)
    wholly = panel_scale.mark(Estimate(value=0.01, low=0.0, high=0.02, n=9), 0.05)
    assert wholly == panel_scale.Mark(at=0.05, below=0.0, above=0.0, on_floor=True)


def test_what_was_not_measured_has_no_place_and_no_whisker():
    found = panel_scale.mark(ABSENT, 0.01)
    assert math.isnan(found.at)
    assert math.isnan(found.below)
    assert math.isnan(found.above)
    assert not found.on_floor
    bare = panel_scale.mark(replace(ZERO, value=0.5, low=math.nan, high=math.nan))
    assert bare.at == 0.5
    assert math.isnan(bare.below)


def test_the_floor_lies_below_every_positive_end_and_chance():
    assert panel_scale.floor(POINTS) == pytest.approx(0.001 / 3)
    assert panel_scale.floor(replace(POINTS, chance=None)) == pytest.approx(0.003 / 3)
    assert panel_scale.floor(replace(POINTS, log_x=False)) == -math.inf
    empty = replace(POINTS, points=(("zero", ZERO, ZERO),), chance=None)
    assert panel_scale.floor(empty) == pytest.approx(panel_scale.LEAST_RATE)


def test_the_least_of_curves_is_their_least_positive_number():
    assert panel_scale.least(ROC) == pytest.approx(0.001)
    nothing = replace(ROC, series=(("zero", np.zeros(3), np.zeros(3)),))
    assert panel_scale.least(nothing) == panel_scale.LEAST_RATE


def test_points_keep_their_numbers_where_one_is_missing():
    assert [place for place, *_ in panel_scale.drawable(POINTS)] == [1, 2, 4]


def test_captions_say_what_is_not_drawn_and_why():
    assert panel_scale.caption(HISTOGRAM) == panel_scale.caption(CURVES) == ""
    assert "logarithmic" in panel_scale.caption(ROC)
    assert "logarithmic" not in panel_scale.caption(LINEAR_ROC)
    assert "not estimable: vague, <script>" in panel_scale.caption(BARS)
    words = panel_scale.caption(POINTS)
    assert "lost, TPR at 0.1% FPR (fewer than 100 non-members)" in words
    assert "at or below 0.0003333" in words
    sound = replace(POINTS, points=(("a", estimate(0.5, 0.1), estimate(0.5, 0.1)),))
    assert panel_scale.caption(sound) == panel_scale.WHISKERS


def test_captions_name_estimates_without_an_interval_and_those_without_a_reason():
    bare = replace(ZERO, value=0.5, low=math.nan, high=math.nan)
    panel = replace(BARS, groups=("a", "b"), series=(("s", (bare, missing(""))),))
    words = panel_scale.caption(panel)
    assert words.endswith("Not drawn, because not estimable: b, s. Without an interval: a, s.")


def test_labels_break_between_words_only():
    assert panel_scale.wrapped("with three times as many", 10) == ["with three", "times as", "many"]
    assert panel_scale.wrapped("regularisation", 5) == ["regularisation"]
    assert panel_scale.wrapped("", 5) == [""]
    assert panel_scale.wrapped("a\u202eb", 50) == ["a\\u202eb"]


def test_the_span_holds_every_interval_and_chance():
    low, high = panel_scale.span(replace(POINTS, log_x=False, chance=0.5))
    assert low < 0.0
    assert high > 0.5
    low, high = panel_scale.span(POINTS)
    assert 0 < low < panel_scale.floor(POINTS)
    assert high > 0.25
    nothing = replace(POINTS, points=(), chance=None)
    assert panel_scale.span(replace(nothing, log_x=False)) == pytest.approx((-0.06, 1.06))
    assert panel_scale.span(nothing)[0] > 0
    alone = replace(POINTS, points=(), chance=0.5, log_x=False)
    assert panel_scale.span(alone) == pytest.approx((0.45, 0.55))
