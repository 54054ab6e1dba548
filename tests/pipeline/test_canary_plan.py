"""Halves repeat the road or share it, as asked; studies without canaries are what they were."""

import hashlib

import pytest

from pryproof.checks import ConfigurationError, TrainingError
from pryproof.pipeline import failures
from pryproof.pipeline.plan import needed, plan
from pryproof.pipeline.rows import ROWS
from pryproof.pipeline.run import keyed
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.table import STEPS
from pryproof.pipeline.task import STAGES, VERSIONS, Task

DIGEST = "d" * 64
HALVES = ("half0", "half1", "half2", "half3")
ASKED = {"halves": 4, "rows": ["ce", "fakes_transformed"], "atypical": 0, "clean": 3}


def tasks(generator: str = "per_fold", **changes) -> dict[str, Task]:
    chosen = Settings(canaries=ASKED | {"generator": generator} | changes)
    return {task.name: task for task in plan(chosen, data_digest=DIGEST)}


def closure(found: dict[str, Task], name: str) -> set[str]:
    rests: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(found[waiting.pop()].inputs.values()) - rests
        rests |= new
        waiting += new
    return rests


def folds(names: set[str]) -> set[str]:
    return {part for name in names for part in name.split("/")[1:2]}


NEWER = ("hamp_transformed",)
SHARING = [
    name for name, row in ROWS.items() if row.trains_on != "extra" and not name.startswith(NEWER)
]
GOLDEN = {  # names, keys at version 1 of each step, costs and stages: as before canaries came
    "default": ({}, "44724e76d25c560c"),
    "every row": (
        {"generate": {"amount": 0.5}, "evaluate": {"rows": SHARING, "shadow_folds": 2}},
        "2be9947a7bae2ab2",
    ),
    "strangers": (
        {
            "value": {"margin": "excess"},
            "evaluate": {"rows": ["ce", "fakes_transformed"], "shadow_folds": 3},
        },
        "5f5e4bf63ae60316",
    ),
}


@pytest.mark.parametrize("form", GOLDEN)
def test_a_study_without_canaries_has_the_tasks_and_keys_it_had(form: str, monkeypatch):
    for step in VERSIONS:  # a step that was deliberately changed must not look like another plan
        monkeypatch.setitem(VERSIONS, step, 1)
    changes, expected = GOLDEN[form]
    found = keyed(plan(Settings(**changes), data_digest=DIGEST))
    lines = [f"{each.task.name} {each.key} {each.task.cost} {each.task.stage}" for each in found]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == expected


@pytest.mark.parametrize("generator", ["per_shadow", "per_fold", "shared", "shared_public"])
def test_a_plan_is_in_an_order_it_can_be_done_in_and_has_nothing_idle(generator: str):
    found = tasks(generator)
    seen: set[str] = set()
    for task in found.values():
        assert set(task.inputs.values()) <= seen, task.name
        assert task.step in STEPS
        assert task.stage in STAGES
        seen.add(task.name)
    listed = tuple(found.values())
    assert needed(listed, stage="report") == listed
    keys = [item.key for item in keyed(listed)]
    assert len(set(keys)) == len(keys)
    drawn = [task.settings["seed"] for task in listed if "seed" in task.settings]
    assert len(set(drawn)) == len(drawn)


def test_canaries_are_judged_by_every_run_of_every_half_and_by_no_other():
    found = tasks(runs=2)["canaries"]
    assert (found.step, found.stage) == ("canaries", "evaluate")
    expected = {
        f"{row}/{half}/{run}": f"train/{half}/{row}/{run}"
        for row in ("ce", "fakes_transformed")
        for half in HALVES
        for run in (0, 1)
    }
    assert found.inputs == {"load": "load"} | expected
    assert found.settings["rows"] == ["ce", "fakes_transformed"]
    assert found.settings["generator"] == "per_fold"


@pytest.mark.parametrize("stage", ["value", "generate", "transform", "protect"])
def test_no_earlier_stage_waits_for_a_half(stage: str):
    found = needed(tuple(tasks().values()), stage=stage)
    assert not any("half" in task.name for task in found)


@pytest.mark.parametrize("generator", ["per_shadow", "per_fold"])
def test_every_half_has_a_road_of_its_own_from_valuation_to_protected_set(generator: str):
    found = tasks(generator)
    for half in HALVES:
        rests = closure(found, f"train/{half}/fakes_transformed/0")
        assert folds(rests) == {half}
        steps = {found[name].step for name in rests}
        assert steps == {
            "load",
            "train",
            "attack",
            "value",
            "generator",
            "generate",
            "transform",
            "protect",
        }
        assert f"train/{half}/relax_loss/4" in rests
        assert all(found[name].settings.get("fold", half) == half for name in rests)
        assert closure(found, f"train/{half}/ce/0") == {"load"}


def test_runs_of_a_half_share_its_road():
    found = tasks(runs=3)
    protected = {
        found[f"train/half1/fakes_transformed/{run}"].inputs["protect"] for run in range(3)
    }
    assert protected == {"protect/half1"}
    assert "train/half1/ce/2" in found
    assert "train/half1/ce/3" not in found


DONORS = {"shared": "everyone", "shared_public": "shadow0"}


@pytest.mark.parametrize("generator", DONORS)
def test_a_shared_generator_makes_the_fakes_of_all_halves(generator: str):
    found, donor = tasks(generator), DONORS[generator]
    for half in HALVES:
        protect = found[f"protect/{half}"]
        assert protect.inputs == {
            "load": "load",
            "value": f"value/{half}/real",
            "generate": f"generate/{donor}",
            "value_fake": f"value/{donor}/fake",
            "transform": f"transform/{half}",
        }
        train = found[f"train/{half}/fakes_transformed/0"]
        assert train.inputs["generate"] == f"generate/{donor}"
        moved = found[f"transform/{half}"]
        assert moved.step == "move"
        assert moved.inputs == {"load": "load", "transform": f"transform/{donor}"}
        assert f"generator/{half}" not in found
        assert folds(closure(found, train.name)) == {half, donor}
    assert found[f"generator/{donor}"].settings["fold"] == donor


def test_a_fold_of_everyone_is_planned_for_the_shared_generator_alone():
    for generator in ("per_fold", "shared_public"):
        assert not any("everyone" in name for name in tasks(generator))
    assert not any("everyone" in name for name in tasks("shared", rows=["ce"]))


def test_rows_on_reals_alone_need_no_generator():
    found = tasks(rows=["ce", "relax_loss"])
    steps = {task.step for task in found.values() if "half" in task.name}
    assert steps == {"train"}
    assert "train/half0/relax_loss/0" in found
    assert "train/half0/relax_loss/1" not in closure(found, "canaries")


def test_kinds_and_halves_are_part_of_the_images_key_and_rows_are_not():
    plain, more = tasks()["load"], tasks(rows=["ce"], runs=2)["load"]
    assert plain == more
    counts = {"clean": 3, "mislabelled": 50, "near_duplicate": 50, "atypical": 0}
    assert plain.settings["canaries"] == {"halves": 4} | counts
    assert "canaries" not in plan(Settings(), data_digest=DIGEST)[0].settings
    keys = {keyed(tuple(tasks(**change).values()))[0].key for change in ({}, {"clean": 4})}
    assert len(keys) == 2


@pytest.mark.parametrize("margin", ["excess", "lira"])
def test_margins_that_need_strangers_take_the_shadow_folds(margin: str):
    chosen = Settings(canaries=ASKED, value={"margin": margin}, evaluate={"shadow_folds": 2})
    found = {task.name: task for task in plan(chosen, data_digest=DIGEST)}
    value = found["value/half2/real"].inputs
    assert (value["unseen0"], value["unseen1"]) == ("attack/shadow0/real", "attack/shadow1/real")


def test_a_study_goes_on_with_more_than_half_of_a_rows_halves_and_with_no_fewer():
    found = tuple(tasks(rows=["ce"]).values())
    lost = {f"train/half{number}/ce/0": "the loss became nan" for number in (0, 3)}
    failures.refuse_too_few(found, dict(list(lost.items())[:1]))
    with pytest.raises(TrainingError, match=r"E073.*row ce of the canaries needs 3, 2 of 4 are"):
        failures.refuse_too_few(found, lost)


REFUSED = {
    "canaries.halves=5": ("canaries.halves", "must be even and at least 4", "got 5"),
    "canaries.halves=2": ("canaries.halves", "must be even and at least 4", "got 2"),
    "canaries.halves=-4": ("canaries.halves", "greater than or equal to 0", "got -4"),
    "canaries.runs=0": ("canaries.runs", "greater than or equal to 1", "got 0"),
    "canaries.clean=-1": ("canaries.clean", "greater than or equal to 0", "got -1"),
    'canaries.rows=["ce","cee"]': ("canaries.rows.1", "There is no such row".lower(), "'ce"),
    'canaries.rows=["ce","ce"]': ("canaries.rows", "each row is named once", "got"),
    "canaries.rows=[]": ("canaries.rows", "at least 1 item", "got"),
    'canaries.rows=["extra@steps"]': (
        "canaries.rows",
        "a half has no further real images for the row extra@steps",
        "got",
    ),
    "canaries.generator=shred": ("canaries.generator", "'shared'", "Did you mean shared?"),
    "canaries={halves=4, clean=0, mislabelled=0, near_duplicate=0, atypical=0}": (
        "canaries",
        "must be at least one of some kind, or halves = 0",
        "got",
    ),
    "canaries={halves=4, runs=2, generator='per_shadow'}": (
        "canaries",
        "per_shadow gives every run a road of its own, so runs must be 1",
        "got",
    ),
}


@pytest.mark.parametrize("word", REFUSED)
def test_what_cannot_be_meant_is_one_clear_line(word: str):
    key, what, more = REFUSED[word]
    with pytest.raises(ConfigurationError, match=r"^PRYPROOF-E04\d - ") as caught:
        Settings.from_overrides([word])
    said = str(caught.value)
    assert key in said
    assert what in said
    assert more in said
    assert "\n" not in said


def test_without_halves_nothing_else_of_canaries_matters():
    plain = Settings()
    idle = Settings(canaries={"clean": 3, "rows": ["ce"], "generator": "shared"})
    before, after = (keyed(plan(each, data_digest=DIGEST)) for each in (plain, idle))
    assert [item.key for item in before] == [item.key for item in after]
