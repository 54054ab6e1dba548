import re

import pytest

from pryproof.pipeline.plan import STAGES, VERSIONS, Task, needed, plan
from pryproof.pipeline.run import keyed
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.table import STEPS

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
    checks = {"transform": {"premise"}, "protect": {"premise", "check_fakes"}}
    wanted = {t.name for t in found if t.stage == stage and "/shadow" not in t.name}
    if stage in ("evaluate", "report"):
        wanted = {"evaluate", "value/target/ce_early"}
        checks[stage] = {"premise", "check_fakes", "protect/target"}
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
