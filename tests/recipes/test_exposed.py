"""Ours 1 and 4: planted exposed members are seen behind the mean; shielded ones are counted."""

import numpy as np
import pytest

from pryproof.recipes.claims import FAILS, HOLDS, UNKNOWN
from pryproof.recipes.exposed import ADDED, CE, EXPOSED, FAKES, MOVED, migrated, tail
from pryproof.recipes.sizes import size
from pryproof.reporting.panels import Histogram, Table
from recipes.judged import Planted, planted
from recipes.nano import Whole
from recipes.planted import MEMBERS

TINY = size("tiny")
OPENED = planted(
    {
        "ce": Planted(leak=1.0),
        CE: Planted(leak=0.05, exposed=3.0),
        FAKES: Planted(leak=0.0),
        MOVED: Planted(leak=0.05, exposed=3.0),
    }
)


def test_the_mean_hides_whom_the_tail_shows():
    figure = EXPOSED["our1"].read({"base": OPENED}, TINY)
    found = {each.claim.name: each.verdict for each in figure.claims}
    assert found["mean-hides-ce-crop-flip"] == HOLDS
    assert found["most-exposed-shielded-fakes"] == HOLDS
    assert found["most-exposed-shielded-fakes-transformed"] == UNKNOWN
    assert tail(OPENED, CE).value > 0.9
    assert OPENED.attacks(CE)["lira_tpr"].value < 0.3


def test_a_shield_that_exposes_the_tail_does_not_hold():
    opened = planted(
        {
            "ce": Planted(),
            CE: Planted(leak=0.0),
            FAKES: Planted(leak=0.0, exposed=3.0),
            MOVED: Planted(leak=0.0, exposed=3.0),
        }
    )
    figure = EXPOSED["our1"].read({"base": opened}, TINY)
    found = {each.claim.name: each.verdict for each in figure.claims}
    assert found["most-exposed-shielded-fakes"] == FAILS


def test_the_exposed_tenth_is_shielded_by_one_row_and_not_by_another():
    found = migrated(OPENED, FAKES)
    assert found.net.high < 0
    assert found.shielded.value == pytest.approx(0.1, abs=0.05)
    lowered = np.argsort(found.by_sample)[: MEMBERS // 10]
    assert set(lowered) == set(range(MEMBERS // 10))
    assert migrated(OPENED, MOVED).net.low <= 0 <= migrated(OPENED, MOVED).net.high


def test_changes_are_those_of_the_migration_step(whole: Whole):
    study = whole.opened["our4"]["base"]
    stored = study.results["migrate"].arrays
    figure = whole.measured["our4"].figure
    for row in ADDED:
        assert migrated(study, row).by_sample == pytest.approx(stored[f"change.{row}"])
    table, histogram, links = figure.panels
    assert isinstance(table, Table)
    assert isinstance(links, Table)
    assert isinstance(histogram, Histogram)
    for _, counts in histogram.series:
        assert counts.sum() == study.data.size("members")
