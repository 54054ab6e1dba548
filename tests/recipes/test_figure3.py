"""Figure 3: agreement that was planted is found, and agreement on difficulty is told from it."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure3 import ENSEMBLES, FIGURE_3, common
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import size
from pryproof.reporting.panels import Bars
from pryproof.valuation.overlap import overlap
from recipes.planted import MEMBERS, Row, around, bounds, study

TINY = size("tiny")
ORDER = seeds.generator(0, "order").permutation(MEMBERS) / MEMBERS  # whom all runs would agree on


def table(name: str, *, agreement: float) -> np.ndarray:
    """Draw losses whose order over members is a common one, weighed against each run's own."""
    draws = seeds.generator(0, "agreement", name)
    losses = around(name, members=1.0, others=20.0, runs=TINY.ensemble, spread=0.01)
    losses[:, bounds("shadow0")] = 1.0  # far below the images outside: cuts hardly differ
    own = draws.uniform(size=(TINY.ensemble, MEMBERS))
    losses[:, bounds("members")] = np.exp(agreement * ORDER + (1 - agreement) * own)
    return losses


def row(name: str, *, agreement: float, strangers: float) -> Row:
    return Row(
        losses=table(name, agreement=agreement),
        shadow_losses=table(f"{name} strangers", agreement=strangers),
    )


def opened(*, ce: float, relaxed: float, strangers: float) -> dict[str, Opened]:
    """Return the figure's studies with planted agreement."""
    rows: dict[str, dict[str, Row]] = {}
    for each in ENSEMBLES:
        agreement = relaxed if each.row == "relax_loss" else ce
        name = f"{each.study} {each.row}"
        rows.setdefault(each.study, {})[each.row] = row(
            name, agreement=agreement, strangers=strangers
        )
    return {name: study(own) for name, own in rows.items()}


def read(name: str, **planted: float) -> Figure:
    return FIGURE_3[name].read(opened(**planted), TINY)


def verdicts(name: str, **planted: float) -> dict[str, str]:
    return {each.claim.name: each.verdict for each in read(name, **planted).claims}


def test_agreement_through_relax_loss_alone_holds_beside_everything():
    assert set(verdicts("fig3a", ce=0.0, relaxed=0.95, strangers=0.0).values()) == {HOLDS}


def test_ensembles_swapped_do_not_hold():
    found = verdicts("fig3a", ce=0.95, relaxed=0.0, strangers=0.0)
    for suffix in ("25", "50", "25-augmented", "50-augmented"):
        assert found[f"relax-loss-beyond-ce-{suffix}"] == FAILS
    assert found["relax-loss-beyond-early-50"] == FAILS


def test_agreement_on_difficulty_alone_is_not_taken_for_exposure():
    found = verdicts("fig3a", ce=0.0, relaxed=0.9, strangers=0.97)
    assert found["relax-loss-beyond-ce-25"] == found["relax-loss-beyond-chance-25"] == HOLDS
    assert found["relax-loss-beyond-strangers-25"] != HOLDS
    assert found["relax-loss-beyond-strangers-50"] != HOLDS


def test_the_mean_of_the_common_is_the_overlap_ratio():
    ranks = np.stack([seeds.generator(run, "common").permutation(40) + 1 for run in range(3)])
    for share in (0.1, 0.25, 0.5):
        assert common(ranks, share).mean() == pytest.approx(overlap(ranks, 0.0, share).ratio.value)
    one_run = [set(np.flatnonzero(row <= 20)) for row in ranks]
    assert set(np.flatnonzero(common(ranks, 0.5)[0])) == set.intersection(*one_run)


def test_the_bars_stand_beside_chance_and_strangers():
    bars = read("fig3a", ce=0.0, relaxed=0.9, strangers=0.5).panels[0]
    assert isinstance(bars, Bars)
    assert len(bars.series) == 2 * len(ENSEMBLES)
    assert bars.groups[1] == "safest 25% (chance 0.0039)"


def test_common_safe_members_stand_where_they_were_planted():
    found = verdicts("fig3d", ce=0.95, relaxed=0.95, strangers=0.0)
    assert found["safe-in-ce-too"] == found["safe-in-ce-beyond-strangers"] == HOLDS
    found = verdicts("fig3d", ce=0.95, relaxed=0.95, strangers=0.95)
    assert found["safe-in-ce-too"] == HOLDS
    assert found["safe-in-ce-beyond-strangers"] != HOLDS


def test_common_safe_members_that_ce_calls_risky_do_not_hold():
    studies = opened(ce=0.95, relaxed=0.95, strangers=0.0)
    for each in studies.values():
        for run in each.runs("relax_loss"):
            run.arrays["signal.log_mentropy"][bounds("members")] *= -1  # the order turned round
    figure = FIGURE_3["fig3d"].read(studies, TINY)
    found = {claim.claim.name: claim.verdict for claim in figure.claims}
    assert found["safe-in-ce-too"] == found["safe-in-ce-too-augmented"] == FAILS


def test_accuracies_are_shown_and_nothing_is_claimed():
    figure = read("fig3b", ce=0.5, relaxed=0.5, strangers=0.5)
    assert figure.claims == ()
    bars = figure.panels[0]
    assert isinstance(bars, Bars)
    assert [title for title, _ in bars.series] == ["train", "test"]
    assert all(found.value == 0.0 for found in bars.series[1][1])


def test_relax_loss_is_measured_with_and_without_augmentation():
    needs = FIGURE_3["fig3a"].needs(TINY)
    assert needs["plain"].settings.train.padding == 0
    assert needs["augmented"].settings.train.padding > 0
    assert "relax_loss" in needs["plain"].rows
    assert "relax_loss" in needs["augmented"].rows
