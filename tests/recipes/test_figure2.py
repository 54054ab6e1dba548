"""Figure 2: a planted breakdown is told from a planted outlier effect, both ways."""

import pytest

from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figure2 import FIGURE_2, LARGE, QUANTITIES, SMALL, less, moves
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import size
from pryproof.records import Estimate
from pryproof.valuation.breakdown import BREAKDOWN, OUTLIER
from recipes.planted import MEMBERS, Row, around, study

TINY = size("tiny")
STAYS = {0.5: (0.02, 3.0), 1.0: (0.02, 2.6), 2.0: (0.02, 2.2), 4.0: (0.02, 1.8)}
BREAKS = {0.5: (0.02, 3.0), 1.0: (0.3, 2.6), 2.0: (0.7, 2.2), 4.0: (1.4, 1.8)}


def planted(word: str, losses: dict[float, tuple[float, float]]) -> dict[str, Opened]:
    """Return a network's studies with mean losses of members and others by quantity."""
    rows: dict[str, dict[str, Row]] = {}
    for multiple, (variant, row) in QUANTITIES.items():
        members, others = losses[multiple]
        rows.setdefault(f"{word}-{variant}", {})[row] = Row(
            losses=around(f"{word}{multiple}", members=members, others=others, runs=2),
            trained_on=round(multiple * MEMBERS),
        )
    return {name: study(own) for name, own in rows.items()}


def verdicts(name: str, opened: dict[str, Opened]) -> dict[str, str]:
    return {each.claim.name: each.verdict for each in FIGURE_2[name].read(opened, TINY).claims}


def test_the_papers_world_holds():
    opened = planted("small", BREAKS) | planted("large", STAYS)
    assert set(verdicts("fig2a", opened).values()) == {HOLDS}
    assert set(verdicts("fig2c", opened).values()) == {HOLDS}
    assert moves(opened, TINY, SMALL).found.verdict == BREAKDOWN
    assert moves(opened, TINY, LARGE).found.verdict == OUTLIER


def test_networks_swapped_do_not_hold():
    opened = planted("small", STAYS) | planted("large", BREAKS)
    small, large = verdicts("fig2a", opened), verdicts("fig2c", opened)
    assert small["small-train-moves"] != HOLDS
    assert small["small-train-rises"] != HOLDS
    assert large["large-train-stays"] == FAILS
    assert large["small-moves-further"] == FAILS


def test_quantities_in_turned_order_do_not_rise():
    turned = dict(zip(BREAKS, reversed(BREAKS.values()), strict=True))
    assert verdicts("fig2a", planted("small", turned))["small-train-rises"] == FAILS


def test_least_and_most_are_compared():
    found = moves(planted("small", BREAKS), TINY, SMALL).found
    assert found.sizes == (MEMBERS // 2, 4 * MEMBERS)
    assert found.train.value == pytest.approx(1.38, abs=0.1)


def test_a_difference_keeps_both_intervals():
    first = Estimate(value=2.0, low=1.5, high=2.6, n=9)
    second = Estimate(value=1.0, low=0.8, high=1.4, n=7)
    found = less(first, second)
    assert (found.value, found.low, found.high, found.n) == (1.0, pytest.approx(0.1), 1.8, 7)


def test_every_network_trains_on_the_same_quantities():
    needs = FIGURE_2["fig2c"].needs(TINY)
    by_network = {
        word: {
            study.removeprefix(f"{word}-"): dict(need.rows)
            for study, need in needs.items()
            if study.startswith(word)
        }
        for word in ("small", "large")
    }
    assert by_network["small"] == by_network["large"]
    models = {study: need.settings.train.model for study, need in needs.items()}
    assert models["small-base"] == TINY.models[SMALL]
    assert models["large-base"] == TINY.models[LARGE]
