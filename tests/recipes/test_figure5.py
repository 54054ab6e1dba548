"""Figure 5: whichever arm is planted best is the one found best."""

import pytest

from pryproof.pipeline.rows import ROWS
from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figure5 import ARMS, BOTH, FIGURE_5
from pryproof.recipes.sizes import size
from pryproof.reporting.panels import Bars
from recipes.planted import EVALUATION, Row, around, bounds, study

TINY = size("tiny")


def row(name: str, right: float) -> Row:
    """Return a row that is right on a share of images nobody trained on."""
    losses = around(name, members=0.1, others=2.0, spread=0.05)
    judged = losses[:, bounds("evaluation")]
    judged[:, : round(right * EVALUATION)] = 0.1
    return Row(losses=losses)


def verdicts(best: str) -> dict[str, str]:
    rows = {name: row(arm, 0.8 if arm == best else 0.5) for arm, (name, _) in ARMS.items()}
    figure = FIGURE_5["fig5"].read({"base": study(rows)}, TINY)
    bars = figure.panels[0]
    assert isinstance(bars, Bars)
    test = dict(zip(ARMS, bars.series[0][1], strict=True))
    assert max(test, key=lambda arm: test[arm].value) == best
    return {each.claim.name: each.verdict for each in figure.claims}


def test_both_is_best_where_it_is():
    found = verdicts(BOTH)
    assert len(found) == 3
    assert set(found.values()) == {HOLDS}


@pytest.mark.parametrize("best", [arm for arm in ARMS if arm != BOTH])
def test_another_arm_planted_best_does_not_hold(best: str):
    assert verdicts(best)[f"both-above-{best}"] == FAILS


def test_arms_differ_in_what_is_augmented_alone():
    rows = {arm: ROWS[name] for arm, (name, _) in ARMS.items()}
    assert {arm: row.augments for arm, row in rows.items()} == {arm: arm for arm in ARMS}
    assert len({(row.trains_on, row.defense) for row in rows.values()}) == 1
