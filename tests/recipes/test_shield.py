"""Ours 5: one split alone chooses; another judges, on images the first never had."""

import dataclasses

import numpy as np
import pytest

from pryproof.pipeline.rows import ROWS
from pryproof.recipes import shield
from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.opened import Opened
from pryproof.recipes.shield import (
    BASELINES,
    CE,
    GRID,
    HELD,
    JUDGED,
    MASKED,
    MOVED,
    NONE,
    SHIELD,
    TUNED,
    VALUED,
    accurate,
    chosen,
    untouched,
)
from pryproof.recipes.sizes import size
from pryproof.store.workspace import Stored
from recipes.judged import Planted, planted
from recipes.nano import Whole
from recipes.planted import Made

TINY = size("tiny")


def renamed(opened: Opened) -> Opened:
    """Return the study on images of other names."""
    load = opened.results["load"]
    facts = dict(load.facts) | {"ids": [f"other {name}" for name in load.facts["ids"]]}
    load = Stored(arrays=load.arrays, facts=facts, record={})
    return Opened(Made(opened.results._values | {"load": load}), opened.rows)


def worlds(leaks: dict[int, float], *, judged: dict[int, float] | None = None, skill=0.0):
    """Return both splits; ``leaks`` by cell of the grid, the last as the first; baselines at 1."""
    leaks = {4: leaks[0]} | leaks
    judged = judged and {4: judged[0]} | judged
    found = {}
    for split, own in ((TUNED, leaks), (JUDGED, judged or leaks)):
        for valued in VALUED:
            rows = {
                each.row: Planted(leak=own[cell], skill=skill)
                for cell, each in enumerate(GRID)
                if each.valued == valued
            }
            rows |= dict.fromkeys(BASELINES, Planted(leak=1.0)) if valued == "plain" else {}
            opened = planted(rows)
            found[f"{split}-{valued}"] = renamed(opened) if split == JUDGED else opened
    return found


def verdicts(opened: dict[str, Opened]) -> dict[str, str]:
    figure = SHIELD["our5"].read(opened, TINY)
    return {each.claim.name: each.verdict for each in figure.claims}


def test_a_shield_that_shields_holds():
    opened = worlds({0: 0.9, 1: 0.8, 2: 0.7, 3: 0.02})
    assert chosen(opened) == GRID[3]
    found = verdicts(opened)
    assert found["safer-than-ce-crop-flip"] == found["safer-than-early-stopping"] == HOLDS


def test_it_says_where_nobody_would_use_a_candidate(monkeypatch):
    opened = worlds({0: 0.9, 1: 0.8, 2: 0.7, 3: 0.02})
    assert accurate(opened) == GRID
    assert NONE not in SHIELD["our5"].read(opened, TINY).notes
    monkeypatch.setattr(shield, "ACCEPTABLE", -2.0)  # better by more than can be
    assert accurate(opened) == ()
    assert chosen(opened) == GRID[3]
    assert SHIELD["our5"].read(opened, TINY).notes[0] == NONE


def test_a_choice_that_only_looked_good_does_not():
    flattering = {0: 0.9, 1: 0.02, 2: 0.9, 3: 0.9}
    opened = worlds(flattering, judged=dict.fromkeys(range(4), 2.5))
    assert chosen(opened) == GRID[1]
    assert verdicts(opened)["safer-than-ce-crop-flip"] == FAILS


def test_safety_bought_with_accuracy_is_not_called_accurate():
    found = verdicts(worlds(dict.fromkeys(range(4), 0.02), skill=-1.0))
    assert found["as-accurate-as-ce-crop-flip"] == FAILS


def test_what_judges_does_not_choose():
    leaks = {0: 0.9, 1: 0.02, 2: 0.9, 3: 0.9}
    best = chosen(worlds(leaks))
    assert best == chosen(worlds(leaks, judged={0: 0.0, 1: 3.0, 2: 0.0, 3: 0.0})) == GRID[1]


def test_splits_are_disjoint_by_seed_and_by_sample(whole: Whole):
    needs = SHIELD["our5"].needs(whole.size)
    seeds = {
        split: {need.settings.seed for name, need in needs.items() if name.startswith(split)}
        for split in (TUNED, JUDGED)
    }
    assert all(len(own) == 1 for own in seeds.values())
    assert seeds[TUNED].isdisjoint(seeds[JUDGED] | {whole.size.base.seed})
    opened = whole.opened["our5"]
    data = opened[f"{JUDGED}-plain"].data
    tuned = opened[f"{TUNED}-plain"].data
    used = {name for place in tuned.parts.values() for name in tuned.ids[place]}
    for part in ("members", "evaluation"):
        kept = untouched(opened, part)
        names = np.array(data.ids[data.parts[part]])
        assert used.isdisjoint(names[kept].tolist())
        assert used.issuperset(names[~kept].tolist())
        assert kept.any()
    for split in (TUNED, JUDGED):
        ids = [opened[f"{split}-{valued}"].data.ids for valued in VALUED]
        assert ids[0] == ids[1]


def test_numbers_rest_on_untouched_images_alone(whole: Whole):
    opened = whole.opened["our5"]
    count = {part: int(untouched(opened, part).sum()) for part in ("members", "evaluation")}
    claims = {each.claim.name: each.estimate for each in whole.measured["our5"].figure.claims}
    assert claims["safer-than-ce-crop-flip"].n == sum(count.values())
    assert claims["as-accurate-as-ce-crop-flip"].n == count["evaluation"]


def test_the_grid_crosses_two_choices():
    crossed = {(each.valued, each.row) for each in GRID if each.row != MASKED}
    assert len(crossed) == len(GRID) - 1 == 4
    assert {ROWS[row].trains_on for row in (MOVED, HELD, MASKED)} == {"protected"}
    needs = SHIELD["our5"].needs(TINY)
    excess = needs[f"{TUNED}-excess"].settings
    assert excess.value.margin == "excess"
    assert excess.transform.conditional
    assert not needs[f"{TUNED}-plain"].settings.transform.conditional
    with pytest.raises(dataclasses.FrozenInstanceError):
        GRID[0].row = CE
