"""Figure 8: the curve nearest to the diagonal is the one that is planted so."""

import numpy as np
import pytest

from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figure8 import CE, CURVES, FAKES, FIGURE_8, MOVED
from pryproof.recipes.sizes import size
from pryproof.reporting.panels import Lines, Table
from recipes.judged import Planted, planted

TINY = size("tiny")


def figure(**leaks: float):
    rows = {row: Planted(leak=leak) for row, leak in leaks.items()}
    return FIGURE_8["fig8"].read({"base": planted({"ce": Planted(leak=1.5)} | rows)}, TINY)


@pytest.mark.parametrize(("moved", "verdict"), [(0.02, HOLDS), (2.0, FAILS)])
def test_transformed_images_lie_nearest_only_where_they_do(moved: float, verdict: str):
    made = figure(**{CE: 0.6, FAKES: 0.3, MOVED: moved})
    found = {each.claim.name: each.verdict for each in made.claims}
    assert found["transformed-auc-below-reals-alone"] == verdict
    assert found["transformed-auc-below-fakes"] == verdict
    assert found["fakes-auc-below-reals-alone"] == HOLDS


def test_curves_rise_from_few_to_all_on_both_scales():
    made = figure(**{CE: 0.6, FAKES: 0.3, MOVED: 0.1})
    log, linear, table = made.panels
    assert isinstance(table, Table)
    assert len(table.rows) == len(CURVES)
    for panel, scale in ((log, "log"), (linear, "linear")):
        assert isinstance(panel, Lines)
        assert panel.scale == scale
        assert panel.diagonal
        for _, false, true in panel.series:
            assert (np.diff(true) >= 0).all()
            assert false[-1] == true[-1] == 1.0
