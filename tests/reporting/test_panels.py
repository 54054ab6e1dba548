import numpy as np

from pryproof.reporting.panels import estimates
from reporting.panel_examples import ABSENT, BARS, HISTOGRAM, IMAGES, POINTS, ROC, TABLE


def test_every_estimate_is_named_by_group_series_axis_or_column():
    named = list(estimates(BARS))
    assert len(named) == 6
    assert named[2] == ("=risky, ce", BARS.series[0][1][2])
    names = [name for name, _ in estimates(POINTS)]
    assert names[:2] == ["ce, TPR at 0.1% FPR", "ce, test accuracy"]
    assert len(names) == 2 * len(POINTS.points)


def test_words_of_a_table_are_no_estimates():
    found = list(estimates(TABLE))
    assert [name.split(", ")[-1] for name, _ in found] == ["mean R", "mean R"]
    assert found[1][1] is ABSENT
    assert np.isnan(found[1][1].value)


def test_counts_curves_and_images_hold_none():
    assert [list(estimates(panel)) for panel in (HISTOGRAM, ROC, IMAGES)] == [[], [], []]
