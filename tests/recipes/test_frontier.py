"""Frontier and controls: the planted order is found, every baseline drawn, parts fit the data."""

import pytest

from pryproof.pipeline.plan import plan
from pryproof.pipeline.rows import PLAIN_ROWS, READS, ROWS
from pryproof.pipeline.run import keyed
from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.frontier import (
    CE,
    CHOICES,
    CONTROLS,
    EARLY,
    EQUAL_STEPS,
    EVERY,
    FAKES,
    FRONTIER,
    MOVED,
    NOISE,
    NOISIER,
    STUDY,
    TUNED,
)
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import SIZES, size
from pryproof.reporting.panels import Points, Table
from recipes.judged import Planted, planted

TINY = size("tiny")


def worlds(moved: Planted, others: Planted) -> dict[str, Opened]:
    rows = dict.fromkeys((*EVERY, "dp_sgd"), others) | {MOVED: moved}
    private = {"dp_sgd": Planted(leak=0.0, skill=-1.0)}
    tuned = dict.fromkeys(CHOICES, others)
    return {STUDY: planted(rows | private), NOISIER: planted(private), TUNED: planted(tuned)}


@pytest.fixture(scope="module")
def safe() -> dict[str, Opened]:
    return worlds(Planted(leak=0.02), Planted(leak=1.0))


@pytest.fixture(scope="module")
def leaky() -> dict[str, Opened]:
    return worlds(Planted(leak=3.5, skill=-1.0), Planted(leak=0.1))


def verdicts(name: str, opened: dict[str, Opened]) -> dict[str, str]:
    figure = FRONTIER[name].read(opened, TINY)
    return {each.claim.name: each.verdict for each in figure.claims}


def test_a_method_beyond_all_controls_holds(safe: dict[str, Opened]):
    found = verdicts("our3", safe)
    for row in CONTROLS:
        assert found[f"fakes-transformed-safer-than-{row.replace('_', '-')}"] == HOLDS


def test_a_method_that_leaks_more_than_its_controls_does_not(leaky: dict[str, Opened]):
    found = verdicts("our3", leaky)
    for row in CONTROLS:
        assert found[f"fakes-transformed-safer-than-{row.replace('_', '-')}"] == FAILS
    found = verdicts("frontier", leaky)
    assert found["fakes-transformed-safer-than-early-stopping"] == FAILS
    assert found["fakes-transformed-as-accurate-as-early-stopping"] == FAILS


def test_noise_that_protects_and_costs_is_seen_as_such(safe: dict[str, Opened]):
    found = verdicts("our2", safe)
    for noise in NOISE.values():
        assert found[f"dp-sgd-{noise:g}-safer-than-ce-crop-flip"] == HOLDS
        assert found[f"fakes-transformed-as-accurate-as-dp-sgd-{noise:g}"] == HOLDS


def test_the_dull_baselines_stand_on_the_frontier(safe: dict[str, Opened]):
    figure = FRONTIER["frontier"].read(safe, TINY)
    plane, worst, table = figure.panels
    assert isinstance(plane, Points)
    assert isinstance(worst, Points)
    assert isinstance(table, Table)
    shown = [name for name, *_ in plane.points]
    assert {ROWS[row].title for row in (CE, EARLY, "extra", *EQUAL_STEPS)} <= set(shown)
    assert len(shown) == len(set(shown)) == len(table.rows) == len(worst.points)
    assert FAKES in EVERY
    assert table.columns[-2:] == ("core time of one model", "beaten by")
    costs = {name: cells[-2] for name, cells in table.rows}
    assert costs[ROWS[CE].title] == "1x"
    assert costs[ROWS["selena"].title] == "2x"


def test_every_defense_there_is_stands_on_the_frontier():
    trained = {ROWS[row].defense for row in (*EVERY, "dp_sgd")}
    assert trained == {row.defense for row in PLAIN_ROWS.values()} - {"static_copies"}
    assert {ROWS[row].trains_on for row in EVERY} == set(READS)


def test_all_rows_share_one_load_and_fit_the_data():
    for name, (images, kinds) in {
        "tiny": (6000, 10),
        "small": (60_000, 20),
        "paper": (60_000, 100),
    }.items():
        made = size(name, None if name == "tiny" else "images")
        needs = [need for recipe in FRONTIER.values() for need in recipe.needs(made).values()]
        loads = {str(plan(need.settings, data_digest="0")[0].settings) for need in needs}
        assert len(loads) == 1
        data = needs[0].settings.data
        assert data.members % kinds == data.evaluation % kinds == 0
        copies = 26 if name != "tiny" else 0  # images of CIFAR-100 that stand in it twice
        assert 5 * data.members + data.evaluation <= images - min(copies, 10) * kinds
    assert set(SIZES) == {"tiny", "small", "paper"}


def test_where_the_data_have_room_the_papers_rows_are_not_trained_again():
    made = size("small", "images")
    trained = {
        name: {
            item.task.name: item.key
            for study, need in FIGURES[name].needs(made).items()
            if study not in (NOISIER, TUNED)
            for item in keyed(plan(need.settings, data_digest="0"))
            if item.task.step == "train"
        }
        for name in ("fig7a", "frontier")
    }
    paper, ours = trained["fig7a"], trained["frontier"]
    shared = {"ce_crop_flip", "fakes", "fakes_transformed", "relax_loss"}
    assert shared <= {name.split("/")[2] for name in paper.keys() & ours.keys()}
    assert all(paper[name] == ours[name] for name in paper.keys() & ours.keys())
