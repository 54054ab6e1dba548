"""Figure 7: what is planted is found, for each network; crashes are counted."""

import pytest

from pryproof.pipeline.rows import ROWS as KNOWN
from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figure7 import (
    CE,
    FAKES,
    FIGURE_7,
    MOVED,
    RELAXED,
    RELAXED_FAKES,
    ROWS,
    SELENA,
    WORDS,
    crashes,
)
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import size
from pryproof.reporting.panels import Bars, Table
from recipes.judged import Planted, planted
from recipes.planted import Row, around, study

TINY = size("tiny")
PAPER = {  # the paper's world, as far as one gap a row can say it
    "ce": Planted(leak=3.0),
    CE: Planted(leak=2.4, skill=0.3),
    FAKES: Planted(leak=0.9, skill=0.6),
    MOVED: Planted(leak=0.3, skill=0.2),
    RELAXED: Planted(leak=1.7, skill=0.3),
    RELAXED_FAKES: Planted(leak=1.2, skill=0.5),
    SELENA: Planted(leak=1.6, skill=0.2),
}


def verdicts(name: str, opened: dict[str, Opened]) -> dict[str, str]:
    figure = FIGURE_7[name].read(opened, TINY)
    return {each.claim.name: each.verdict for each in figure.claims}


def without_selena(change: float = 0.0, skill: float = 0.0) -> dict[str, Planted]:
    return {
        row: Planted(leak=PAPER[row].leak + change, skill=PAPER[row].skill + skill) for row in ROWS
    }


def test_the_papers_order_holds_where_it_is_planted():
    found = verdicts("fig7a", {"small": planted(PAPER)})
    for row in (FAKES, MOVED):
        assert found[f"reals-alone-riskier-than-{row.replace('_', '-')}"] == HOLDS
    for attack in ("confidence", "m-entropy"):
        assert found[f"fakes-transformed-below-relax-loss-{attack}"] == HOLDS
        assert found[f"fakes-transformed-below-selena-{attack}"] == HOLDS
    assert found["transform-safer"] == HOLDS
    assert found["transform-less-accurate"] == HOLDS


def test_it_does_not_hold_where_fakes_expose():
    exposing = PAPER | {
        CE: Planted(leak=0.5),
        FAKES: Planted(leak=2.0),
        RELAXED: Planted(leak=0.4),
        MOVED: Planted(leak=3.5, skill=0.8),
    }
    found = verdicts("fig7a", {"small": planted(exposing)})
    assert found["reals-alone-riskier-than-fakes"] == FAILS
    assert found["fakes-transformed-below-relax-loss-m-entropy"] == FAILS
    assert found["transform-safer"] == FAILS
    assert found["transform-less-accurate"] == FAILS


def test_a_larger_network_is_riskier_only_where_it_is():
    small = planted(without_selena())
    selena = study({SELENA: Row(losses=around("s", members=0.1, others=2.0, runs=1))})
    riskier = planted(without_selena(change=1.5, skill=0.8))
    found = verdicts("fig7b", {"small": small, "large": riskier, "selena": selena})
    assert found["large-riskier-fakes-transformed"] == HOLDS
    assert found["large-generalises-better-ce-crop-flip"] == HOLDS
    swapped = verdicts("fig7b", {"small": riskier, "large": small, "selena": selena})
    assert swapped["large-riskier-fakes-transformed"] == FAILS
    assert swapped["large-generalises-better-ce-crop-flip"] == FAILS


@pytest.mark.parametrize(("leak", "verdict"), [(3.0, HOLDS), (0.0, FAILS)])
def test_correctness_is_worse_with_fakes_only_where_it_is(leak: float, verdict: str):
    rows = without_selena() | {CE: Planted(leak=1.2), FAKES: Planted(leak=leak)}
    large = planted(rows)
    selena = study({SELENA: Row(losses=around("s", members=0.1, others=2.0, runs=1))})
    found = verdicts("fig7b", {"small": large, "large": large, "selena": selena})
    assert found["correctness-worse-with-fakes"] == verdict


def test_crashes_are_counted():
    table = around("s", members=0.1, others=2.0, runs=2)
    assert crashes(study({SELENA: Row(losses=table, failed=(1,))}), SELENA) == "1 of 2"
    assert crashes(study({SELENA: Row(losses=table, failed=(0, 1))}), SELENA) == "2 of 2"


def test_the_transformer_memorises_deeper_only_where_it_does():
    one = {CE: Planted(leak=0.3)}
    deep = planted(without_selena(skill=1.0))
    found = verdicts("fig7c", {"small": planted(one), "large": planted(one), "transformer": deep})
    assert found["memorises-deeper-than-small"] == HOLDS
    flat = planted(without_selena(change=-3.0, skill=-1.0))
    found = verdicts("fig7c", {"small": planted(one), "large": planted(one), "transformer": flat})
    assert found["memorises-deeper-than-large"] == FAILS


@pytest.mark.parametrize(("leak", "verdict"), [(4.0, HOLDS), (0.2, FAILS)])
def test_an_exception_is_one_where_fakes_expose(leak: float, verdict: str):
    rows = without_selena() | {CE: Planted(leak=1.5), FAKES: Planted(leak=leak)}
    found = verdicts("fig7d", {name: planted(rows) for name in ("small", "large")})
    assert found["fakes-do-not-help-large-m-entropy"] == verdict


def test_every_row_has_its_bars_and_networks_are_the_sizes():
    figure = FIGURE_7["fig7a"].read({"small": planted(PAPER)}, TINY)
    accuracy, attacks, lira = figure.panels
    assert isinstance(accuracy, Bars)
    assert isinstance(attacks, Bars)
    assert isinstance(lira, Table)
    assert accuracy.groups == attacks.groups == tuple(WORDS[row] for row in PAPER)
    assert len(attacks.series) == 4
    for name, model in zip(("small", "large"), TINY.models, strict=False):
        assert FIGURE_7["fig7b"].needs(TINY)[name].settings.train.model == model
    assert KNOWN[RELAXED_FAKES].trains_on == "fakes"
    assert KNOWN[RELAXED_FAKES].defense == "relax_loss"
