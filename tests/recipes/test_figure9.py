"""Figure 9: generated images are called poor where they are planted so, and only there."""

import pytest

from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figure9 import ALONE, BOTH, FIGURE_9, MULTIPLES, REAL
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import size
from pryproof.reporting.panels import Bars
from recipes.planted import EVALUATION, Row, around, bounds, study

TINY = size("tiny")


def row(name: str, right: float) -> Row:
    losses = around(name, members=0.1, others=2.0, spread=0.05)
    losses[:, bounds("evaluation")][:, : round(right * EVALUATION)] = 0.1
    return Row(losses=losses)


def studies(*, alone: float, real: float, both: float) -> dict[str, Opened]:
    made = {f"{multiple}x": {ALONE: row(f"{multiple}", alone)} for multiple in MULTIPLES}
    made["1x"] |= {REAL: row("real", real), BOTH: row("both", both)}
    return {name: study(rows) for name, rows in made.items()}


def verdicts(**right: float) -> dict[str, str]:
    figure = FIGURE_9["fig9"].read(studies(**right), TINY)
    return {each.claim.name: each.verdict for each in figure.claims}


def test_the_papers_world_holds():
    assert set(verdicts(alone=0.2, real=0.7, both=0.75).values()) == {HOLDS}


def test_good_generated_images_are_not_called_poor():
    found = verdicts(alone=0.8, real=0.7, both=0.75)
    assert found["generated-alone-worse"] == FAILS
    assert found["generated-alone-very-poor"] == FAILS


def test_a_harmful_addition_is_not_called_acceptable():
    assert verdicts(alone=0.2, real=0.8, both=0.5)["generated-beside-reals-acceptable"] == FAILS


def test_worse_is_not_yet_very_poor():
    found = verdicts(alone=0.6, real=0.8, both=0.8)
    assert found["generated-alone-worse"] == HOLDS
    assert found["generated-alone-very-poor"] == FAILS


def test_a_bar_for_every_quantity_and_for_reals():
    figure = FIGURE_9["fig9"].read(studies(alone=0.2, real=0.7, both=0.75), TINY)
    bars = figure.panels[0]
    assert isinstance(bars, Bars)
    assert len(bars.groups) == len(MULTIPLES) + 2
    values = [found.value for found in bars.series[0][1]]
    assert values == pytest.approx([0.2] * len(MULTIPLES) + [0.7, 0.75])


def test_quantities_are_multiples_of_the_members():
    needs = FIGURE_9["fig9"].needs(TINY)
    amounts = {name: need.settings.generate.amount for name, need in needs.items()}
    assert amounts == {f"{multiple}x": multiple for multiple in MULTIPLES}
