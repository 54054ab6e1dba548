"""Figure 1: planted memorisation is found, and claims are turned down where it is not there."""

import numpy as np
import pytest

from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure1 import FIGURE_1, PANELS, VARIANTS
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import size
from pryproof.reporting.panels import Histogram
from recipes.nano import Whole, nano
from recipes.planted import MEMBERS, Row, around, study

SEEN = {"members": 0.05, "others": 2.0}  # learned by heart
BLURRED = {"members": 1.5, "others": 1.8, "spread": 0.6}  # hardly


def read(name: str, opened: dict[str, Opened]) -> dict[str, str]:
    figure = FIGURE_1[name].read(opened, size("tiny"))
    return {each.claim.name: each.verdict for each in figure.claims}


def pair(name: str, first: Row, second: Row) -> dict[str, Opened]:
    """Return the studies of a panel with its two arms planted."""
    comparison = PANELS[name][2]
    rows: dict[str, dict[str, Row]] = {}
    for arm, row in ((comparison.first, first), (comparison.second, second)):
        rows.setdefault(arm.study, {})[arm.row] = row
    return {label: study(own) for label, own in rows.items()}


def row(name: str, world: dict[str, float]) -> Row:
    return Row(losses=around(name, runs=8, **world))


@pytest.mark.parametrize("name", ["fig1a", "fig1e", "fig1g", "fig1i"])
def test_a_planted_fall_holds_and_a_planted_rise_does_not(name: str):
    first, second = row("first", SEEN), row("second", BLURRED)
    claim = PANELS[name][2].rates.name
    assert read(name, pair(name, first, second))[claim] == HOLDS
    assert read(name, pair(name, second, first))[claim] == FAILS


def test_memory_that_comes_back_holds():
    first, second = row("first", BLURRED), row("second", SEEN)
    assert set(read("fig1k", pair("fig1k", first, second)).values()) >= {HOLDS}
    verdicts = read("fig1k", pair("fig1k", first, second))
    assert verdicts["copies-recover-memory"] == verdicts["copies-lower-losses"] == HOLDS


def test_more_than_half_are_exposed_only_where_they_are():
    seen, blurred = row("first", SEEN), row("second", BLURRED)
    assert read("fig1a", pair("fig1a", seen, blurred))["half-exposed"] == HOLDS
    hidden = Row(losses=around("hidden", members=2.0, others=2.0, spread=0.0))
    hidden.losses[:, MEMBERS // 4 : MEMBERS] *= 1.1  # cuts find a quarter at most
    assert read("fig1a", pair("fig1a", hidden, blurred))["half-exposed"] == FAILS


def test_spread_and_losses_have_directions_of_their_own():
    narrow = Row(losses=around("narrow", members=0.1, others=2.0, spread=0.05))
    wide = Row(losses=around("wide", members=0.1, others=2.0, spread=0.05))
    wide.losses[:, : MEMBERS // 2] *= 8
    verdicts = read("fig1a", pair("fig1a", narrow, wide))
    assert verdicts["augmentation-raises-losses"] == HOLDS
    assert verdicts["augmentation-spreads-losses"] == HOLDS
    turned = read("fig1a", pair("fig1a", wide, narrow))
    assert turned["augmentation-raises-losses"] == FAILS
    assert turned["augmentation-spreads-losses"] == FAILS


def test_twice_the_members_are_compared_with_augmentation_on_the_members_of_both():
    half, full = row("half", SEEN), row("full", {"members": 0.3, "others": 2.0})
    studies = {
        "half": study({"ce": half}),
        "base": study({"ce": full, "ce_crop_flip": row("augmented", BLURRED)}),
    }
    assert read("fig1c", studies)["augmentation-does-more"] == HOLDS


def test_histograms_count_every_member_once(whole: Whole):
    for name in FIGURE_1:
        figure: Figure = whole.measured[name].figure
        rates, losses = figure.panels[:2]
        assert isinstance(rates, Histogram)
        assert isinstance(losses, Histogram)
        for panel in (rates, losses):
            assert len({counts.sum() for _, counts in panel.series}) <= 2
            assert all(counts.sum() in (40, 80) for _, counts in panel.series)
            assert np.all(np.diff(panel.edges) > 0)
        assert len(rates.edges) == whole.size.runs + 2


def test_half_of_the_members_are_among_all(whole: Whole):
    half, full = (whole.opened["fig1c"][study].data for study in ("half", "base"))
    ids = [set(data.ids[data.parts["members"]]) for data in (half, full)]
    assert len(ids[0]) == len(ids[1]) // 2
    assert ids[0] < ids[1]


def test_members_that_r_is_said_of_are_trained_on_and_reference_images_are_not(whole: Whole):
    for studies in whole.opened.values():
        for opened in studies.values():
            parts = [set(opened.data.ids[place]) for place in opened.data.parts.values()]
            assert sum(map(len, parts)) == len(set.union(*parts))


def test_a_variant_changes_what_its_name_says(whole: Whole):
    base = nano(whole.folder.parent / "tiny.npz").base
    changes = {name: vary(base) for name, vary in VARIANTS.items()}
    assert changes["base"] == base
    assert changes["half"].data.members == base.data.members // 2
    assert changes["quadruple"].generate.amount == 3
    assert changes["eightfold"].defenses.static_copies.copies == 8
