import re

import pytest

from pryproof.pipeline.plan import first_training, needed, plan
from pryproof.pipeline.rows import DRAWN, PLAIN_ROWS, READS, ROWS
from pryproof.pipeline.run import keyed
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.sets import SETS
from pryproof.pipeline.steps.table import STEPS
from pryproof.pipeline.task import STAGES, VERSIONS, Task

DIGEST = "d" * 64


def tasks(**changes) -> tuple[Task, ...]:
    return plan(Settings(**changes), data_digest=DIGEST)


def closure(all_tasks: tuple[Task, ...], name: str) -> set[str]:
    """Return everything a task rests on."""
    by_name = {task.name: task for task in all_tasks}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(by_name[waiting.pop()].inputs.values()) - found
        found |= new
        waiting += new
    return found


FORMS = {
    "default": {},
    "one row": {"evaluate": {"rows": ["ce"], "runs": 1}},
    "no undefended row": {"evaluate": {"rows": ["relax_loss"]}},
    "three shadow folds": {"evaluate": {"shadow_folds": 3, "shadows": 4}},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_plan_is_pure_and_in_an_order_it_can_be_done_in(form: str):
    found = tasks(**FORMS[form])
    assert found == tasks(**FORMS[form])
    seen: set[str] = set()
    for task in found:
        assert task.name not in seen
        assert set(task.inputs.values()) <= seen, task.name
        assert task.step in STEPS
        assert task.stage in STAGES
        seen.add(task.name)


def test_every_step_has_a_version():
    assert list(VERSIONS) == list(STEPS)


def test_every_stage_has_tasks():
    assert {task.stage for task in tasks()} == set(STAGES) - {"report"}


@pytest.mark.parametrize("stage", STAGES)
def test_needed_is_closed_and_no_more_than_the_stage_rests_on(stage: str):
    found = tasks()
    part = needed(found, stage=stage)
    names = {task.name for task in part}
    assert [task.name for task in found if task.name in names] == [task.name for task in part]
    checks = {"transform": {"premise"}, "protect": {"premise", "check_fakes", "leaks"}}
    wanted = {t.name for t in found if t.stage == stage and "/shadow" not in t.name}
    if stage in ("evaluate", "report"):
        wanted = {"evaluate", "value/target/ce_early", "revalue", "migrate"}
        checks[stage] = {"premise", "check_fakes", "leaks", "protect/target"}
    wanted |= checks.get(stage, set())
    if wanted & {"check_fakes", "protect/target", "transform/target"}:
        wanted |= {"value/target/fake"}  # samples.parquet holds the fakes from generate on
    assert names == wanted.union(*(closure(found, name) for name in wanted))


@pytest.mark.parametrize("form", FORMS)
def test_a_plan_holds_nothing_that_the_report_does_not_need(form: str):
    found = tasks(**FORMS[form])
    left = {task.name for task in found} - {task.name for task in needed(found, stage="report")}
    assert left == set()


def test_valuing_needs_no_generator():
    steps = {task.step for task in needed(tasks(), stage="value")}
    assert steps == {"load", "train", "attack", "value"}


def test_two_tasks_never_share_a_key():
    found = keyed(tasks(evaluate={"shadow_folds": 2}))
    assert len({item.key for item in found}) == len(found)


@pytest.mark.parametrize("folds", [1, 2])
def test_a_shadow_rests_on_its_own_fold_only(folds: int):
    found = tasks(evaluate={"shadow_folds": folds})
    for task in found:
        owner = re.search(r"/(shadow\d)", task.name)
        if owner is None:
            continue
        assert task.settings["fold"] == owner[1]
        for name in closure(found, task.name):
            assert name == "load" or f"/{owner[1]}" in name, (task.name, name)


def test_the_target_trains_on_nothing_that_a_shadow_made():
    found = tasks()
    for task in found:
        if task.step in ("train", "attack", "generate") and "/target" in task.name:
            rests = closure(found, task.name)
            # a verdict rests on shadows only beside the vote: excess over runs that never saw it
            shadows = {name for name in rests if "/shadow" in name}
            assert not shadows or "value/target/real" in rests


def test_members_are_valued_against_runs_of_every_shadow_fold():
    value = next(t for t in tasks(evaluate={"shadow_folds": 2}) if t.name == "value/target/real")
    assert value.inputs["unseen0"] == "attack/shadow0/real"
    assert value.inputs["unseen1"] == "attack/shadow1/real"


def test_the_judge_of_fakes_saw_no_member():
    found = tasks(evaluate={"rows": ["relax_loss"]})
    check = next(task for task in found if task.name == "check_fakes")
    assert check.inputs["judge"] == "train/shadow0/ce/0"


def test_seeds_of_all_draws_differ():
    drawn = [(t.name, t.settings["seed"]) for t in tasks() if "seed" in t.settings]
    assert len({seed for _, seed in drawn}) == len(drawn)


def test_only_the_place_of_the_data_is_left_out_of_a_key():
    before, after = (
        keyed(plan(Settings(data={"source": source}), data_digest=DIGEST)) for source in ("a", "b")
    )
    assert [item.key for item in before] == [item.key for item in after]
    assert {item.task.name for item in before if item.task.where} == {"load"}


EVERY = {"generate": {"amount": 0.5}, "evaluate": {"rows": list(ROWS), "shadow_folds": 2}}


def rows_of(**changes) -> dict[tuple[str, str], Task]:
    """Return the first training of every row and fold."""
    found = {}
    for task in tasks(**changes):
        if task.step == "train" and task.name.endswith("/0"):
            _, fold, row, _ = task.name.split("/")
            found[row, fold] = task
    return found


def test_every_row_is_planned_for_every_fold_in_an_order_it_can_be_done_in():
    found, seen = tasks(**EVERY), set()
    for task in found:
        assert set(task.inputs.values()) <= seen, task.name
        seen.add(task.name)
    for name in ROWS:
        for fold in ("target", "shadow0", "shadow1"):
            assert f"train/{fold}/{name}/1" in seen
    assert found == needed(found, stage="report")
    assert len({item.key for item in keyed(found)}) == len(found)


def test_a_row_reads_what_makes_its_set_in_its_own_fold():
    for (name, fold), task in rows_of(**EVERY).items():
        if name == "values_fakes":
            continue
        places = {"value": f"value/{fold}/real", "value_fake": f"value/{fold}/fake"}
        places["extra"] = "extra"  # of all folds
        reads = READS[ROWS[name].trains_on]
        expected = {role: places.get(role, f"{role}/{fold}") for role in reads}
        assert task.inputs == {"load": "load"} | expected


def test_every_set_is_read_by_some_row():
    assert {row.trains_on for row in PLAIN_ROWS.values()} == set(READS) == set(SETS)


@pytest.mark.parametrize("name", DRAWN)
def test_runs_of_a_fold_share_a_drawn_set_and_folds_do_not(name: str):
    found = [
        task
        for task in tasks(generate={"amount": 0.5}, evaluate={"rows": [name], "runs": 2})
        if task.name.split("/")[:1] == ["train"] and task.settings["trains_on"] == name
    ]
    drawn: dict[str, set[int]] = {}
    for task in found:
        drawn.setdefault(task.settings["fold"], set()).add(task.settings["set_seed"])
        assert task.settings["amount"] == 0.5
    assert {fold: len(own) for fold, own in drawn.items()} == {"target": 1, "shadow0": 1}
    assert drawn["target"] != drawn["shadow0"]


def test_a_row_at_equal_steps_costs_a_plain_training_and_differs_in_nothing_else():
    found = rows_of(**EVERY)
    for name in ROWS:
        if not name.endswith("@steps"):
            continue
        own, plain = (found[each, "target"] for each in (name, name.removesuffix("@steps")))
        assert own.cost == 1.0
        assert own.inputs == plain.inputs
        differs = {key for key in own.settings if own.settings[key] != plain.settings[key]}
        assert differs == {"equal_steps", "seed"}
        assert ROWS[name].title.endswith("at equal steps")


def test_an_arm_of_augmentation_differs_in_the_option_alone():
    found = rows_of(**EVERY)
    for arm in ("real", "fake", "none"):
        own = found[f"fakes_transformed@augment_{arm}", "shadow0"].settings
        plain = found["fakes_transformed", "shadow0"].settings
        assert {key for key in own if own[key] != plain[key]} == {"options", "seed"}
        assert own["options"] == plain["options"] | {"augments": arm}


def test_cost_follows_the_size_of_the_set():
    cost = {row: task.cost for (row, fold), task in rows_of(**EVERY).items() if fold == "target"}
    assert cost["ce_crop_flip"] == 1.0
    assert cost["noise"] == cost["fakes"] == cost["fakes_transformed"] == 1.5
    assert cost["fakes_alone"] == 0.5
    assert cost["additive"] > cost["fakes"]


@pytest.mark.parametrize("name", ["extra", "extra@steps", "extra@augment_none"])
def test_only_rows_of_extra_reals_make_room_for_them(name: str):
    plain, more = tasks(evaluate={"rows": ["ce"]}), tasks(evaluate={"rows": ["ce", name]})
    assert not any(task.step == "extra" for task in plain)
    assert "room" not in plain[0].settings
    assert more[0].settings == plain[0].settings | {
        "room": 1.0
    }  # sizes are fitted to what there is
    assert more[1].settings == more[0].settings | {"extra": 1.0}
    assert tasks(generate={"amount": 3}, evaluate={"rows": [name]})[1].settings["extra"] == 3
    own = next(task for task in more if task.name == f"train/target/{name}/0")
    assert own.inputs == {"load": "load", "extra": "extra"}
    assert not own.settings["reference"]  # the cuts keep all images outside


@pytest.mark.parametrize("name", ["extra", "extra@steps"])
def test_a_study_of_given_sizes_shares_all_but_the_rows_of_extra_reals(name: str):
    sizes = {"members": 60, "evaluation": 60}
    rows = ["ce", "fakes", "fakes_transformed"]
    plain, more = (
        {item.task.name: item.key for item in keyed(tasks(data=sizes, evaluate={"rows": chosen}))}
        for chosen in (rows, [*rows, name])
    )
    own = {"extra", "evaluate", *(task for task in more if f"/{name}/" in task)}
    assert {task: key for task, key in more.items() if task not in own} == {
        task: key for task, key in plain.items() if task not in own
    }
    assert len(plain) > len(own) > 3


def test_without_extra_reals_the_images_keep_the_key_they_had():
    (load, *_) = keyed(plan(Settings(), data_digest=DIGEST))
    assert load.key.startswith("ebbb276729e82de5")


@pytest.mark.parametrize("row", ["noise", "additive", "filtered@steps"])
def test_the_first_training_of_a_row_is_the_planned_one_if_it_is_planned(row: str):
    chosen = Settings(evaluate={"rows": [row]})
    planned = next(t for t in tasks(evaluate={"rows": [row]}) if t.name == f"train/target/{row}/0")
    assert first_training(chosen, row, data_digest=DIGEST) == planned
    assert first_training(Settings(), row, data_digest=DIGEST) == planned


def test_only_the_targets_transform_is_judged():
    judged = {t.name: t.settings["judged"] for t in tasks() if t.step == "transform"}
    assert judged == {"transform/target": True, "transform/shadow0": False}
