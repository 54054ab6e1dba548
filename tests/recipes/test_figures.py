"""Every recipe runs to its end, in one workspace, and says what it found with intervals."""

import numpy as np
import pytest

from pryproof.recipes.claims import FAILS, HOLDS, UNKNOWN
from pryproof.recipes.figures import FIGURES
from pryproof.reporting.panels import Bars, Histogram, Images, Lines, Points, Table
from recipes.nano import Whole

SILENT = {"table1", "fig3b", "fig10", "fig11"}  # what the paper only shows


def test_the_figures_and_tables_of_the_paper_are_there():
    expected = {"fig1a", "fig1c", "fig1e", "fig1g", "fig1i", "fig1k", "fig1x", "table1", "table2"}
    expected |= {"fig2a", "fig2c", "fig3a", "fig3b", "fig3d", "fig5", "fig9", "fig10", "fig11"}
    expected |= {"fig7a", "fig7b", "fig7c", "fig7d", "fig8", "conjecture1", "conjecture2"}
    assert expected <= set(FIGURES)
    assert all(name == recipe.name for name, recipe in FIGURES.items())


@pytest.mark.parametrize("name", FIGURES)
def test_every_recipe_runs_to_its_end(whole: Whole, name: str):
    figure = whole.measured[name].figure
    assert figure.panels
    assert bool(figure.claims) == (name not in SILENT)
    assert len(figure.claims) == FIGURES[name].claims
    for panel in figure.panels:
        assert isinstance(panel, Histogram | Bars | Lines | Points | Table | Images)
    for checked in figure.claims:
        found = checked.estimate
        assert checked.verdict in (HOLDS, FAILS, UNKNOWN)
        assert checked.claim.sentence.endswith(".")
        assert checked.claim.quantity
        assert found.n > 1
        assert np.isnan(found.value) or found.low <= found.value <= found.high


def test_names_of_claims_do_not_repeat(whole: Whole):
    for measured in whole.measured.values():
        names = [checked.claim.name for checked in measured.figure.claims]
        assert len(set(names)) == len(names)
