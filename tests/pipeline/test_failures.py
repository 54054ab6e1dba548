"""Runs that diverge on purpose: the study goes on without them, says so, or ends by name."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import pryproof as pp
from pipeline.tiny import digests, study
from pryproof.checks import TrainingError
from pryproof.pipeline import failures
from pryproof.pipeline.plan import plan
from pryproof.pipeline.results import Results
from pryproof.pipeline.run import Keyed
from pryproof.pipeline.steps.call import Call, Result
from pryproof.pipeline.steps.table import STEPS

LOST = ("train/target/relax_loss/2", "train/shadow0/relax_loss/2")
DIVERGING = 1e30  # a learning rate no network survives
TRAIN = STEPS["train"]
THREE = "value.runs=3"


def planted(value: pp.Study, names: Iterable[str]) -> Callable[[Call], Result]:
    """Return the step ``train``, under which the named runs of a study diverge as others do."""
    trainings = {item.task.name: item.task.settings.get("seed") for item in value.tasks}
    doomed = {trainings[name] for name in names}

    def step(call: Call) -> Result:
        if call.settings["seed"] in doomed:
            recipe = call.settings["recipe"] | {"learning_rate": DIVERGING}
            call = replace(call, settings=dict(call.settings) | {"recipe": recipe})
        return TRAIN(call)

    return step


@pytest.fixture(scope="module")
def lacking(npz: Path, tmp_path_factory: pytest.TempPathFactory) -> pp.Study:
    """Return a finished study of three valuation runs, of which the third diverged, per fold."""
    value = study(tmp_path_factory.mktemp("lacking"), npz, THREE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STEPS, "train", planted(value, LOST))
        value.report()
    return value


def results(value: pp.Study) -> Results:
    return Results(value.tasks, value._workspace(create=False))


def said(value: pp.Study) -> str:
    """Return the report as text, without Markdown's escapes."""
    return (value.path / "report.md").read_text().replace("\\", "")


def test_numbers_are_those_of_a_study_that_never_had_the_runs(
    lacking: pp.Study, finished: pp.Study
):
    mine, theirs = results(lacking), results(finished)
    names = [item.task.name for item in finished.tasks]
    assert len(names) > 30
    for name in names:
        found, expected = mine[name], theirs[name]
        assert found.facts | {"failed_runs": None} == expected.facts | {"failed_runs": None}, name
        assert found.arrays.keys() == expected.arrays.keys()
        for array, values in expected.arrays.items():
            np.testing.assert_array_equal(found.arrays[array], values, err_msg=f"{name} {array}")
    assert mine["value/target/real"].facts["runs"] == 2
    assert [row["chance"] for row in mine["value/target/real"].facts["overlap"]] == [
        row["chance"] for row in theirs["value/target/real"].facts["overlap"]
    ]


def test_every_number_names_the_runs_it_goes_without(lacking: pp.Study):
    metrics = json.loads((lacking.path / "metrics.json").read_text())
    assert sorted(metrics["failed_runs"]) == sorted(LOST)
    assert "the loss became" in metrics["failed_runs"][LOST[0]]
    stored = results(lacking)
    assert list(stored["attack/shadow0/real"].facts["failed_runs"]) == [LOST[1]]
    assert "failed_runs" not in stored["train/target/ce/0"].facts
    assert lacking.failed_runs() == metrics["failed_runs"]


def test_the_first_screen_says_which_runs_are_left_out(lacking: pp.Study):
    page = (lacking.path / "report.html").read_text()
    first = page[page.index("Read this first") :][:3000]
    text = said(lacking)
    for name in LOST:
        assert name in first
        assert name in text
    assert "members 2 of 3" in first
    assert "2 of 3 RelaxLoss runs" in text
    lines = dict(lacking.summary("value"))
    assert "diverged" in str(lacking.summary("value"))
    assert "left out" in lines
    assert any(LOST[0] in note for note in lacking.value().summary()[2])


def test_a_run_that_failed_stands_among_the_runs(lacking: pp.Study):
    rows = pq.read_table(lacking.path / "runs.parquet").to_pylist()
    failed = [row for row in rows if row["failed"]]
    assert {f"train/{row['fold']}/{row['row']}/{row['run']}" for row in failed} == set(LOST)
    assert all(np.isnan(row["train_accuracy"]) and row["last_loss"] is None for row in failed)
    assert all(row["last_loss"] is not None for row in rows if not row["failed"])


def test_nothing_is_left_out_without_a_word(finished: pp.Study):
    assert finished.failed_runs() == {}
    assert "failed_runs" not in json.loads((finished.path / "metrics.json").read_text())
    assert "diverged" not in said(finished)


def test_running_again_neither_trains_nor_hides(lacking: pp.Study, monkeypatch: pytest.MonkeyPatch):
    before = digests(lacking.path)
    monkeypatch.setitem(STEPS, "train", None)
    lacking.report()
    assert digests(lacking.path) == before
    assert LOST[0] in said(lacking)


def test_retried_runs_and_all_that_rests_on_them_are_done_anew(
    lacking: pp.Study, npz: Path, tmp_path: Path
):
    shutil.copytree(lacking.path, tmp_path / "again")
    again = study(tmp_path / "again", npz, THREE)
    again.run("value", retry_failed=True)
    assert again.failed_runs() == {}
    fresh = study(tmp_path / "fresh", npz, THREE)
    fresh.run("value")
    for name in (*LOST, "attack/shadow0/real", "value/target/real"):
        found, expected = results(again)[name], results(fresh)[name]
        assert found.facts == expected.facts
        for array, values in expected.arrays.items():
            np.testing.assert_array_equal(found.arrays[array], values)
    stale = {item.task.name for item, stored in again.state() if not stored}
    assert "evaluate" in stale  # it rested on the runs, beyond the stage that was asked for
    assert "train/target/ce/0" not in stale


def test_too_few_runs_end_the_study_by_name(
    npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    value = study(tmp_path / "w", npz)
    lost = ["train/target/relax_loss/0", "train/shadow0/ce/1"]
    events = []
    monkeypatch.setitem(STEPS, "train", planted(value, lost))
    with pytest.raises(TrainingError, match="too few runs are left") as caught:
        value.run("evaluate", on_event=events.append)
    assert caught.value.exit_code == 7
    told = [(event.job, event.detail) for event in events if event.kind == "failed"]
    assert told[0][0] in lost
    assert told[0][1].startswith("left out: the loss became")
    monkeypatch.setitem(STEPS, "train", None)  # again: nothing is tried that cannot succeed
    with pytest.raises(TrainingError, match=r"needs 2, 1 of 2 are left.*value\.runs"):
        value.run("evaluate")
    monkeypatch.setitem(STEPS, "train", TRAIN)
    value.run("value", retry_failed=True)
    assert value.failed_runs() == {}


def test_what_a_study_can_do_without_is_left_out_and_said(
    npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = 'evaluate.rows=["ce","ce_early"]'
    value = study(tmp_path / "w", npz, rows, "evaluate.shadows=3", "value.fake_runs=3")
    lost = ["train/target/ce_early/1", "train/shadow0/ce/0", "train/target/values_fakes/1"]
    monkeypatch.setitem(STEPS, "train", planted(value, lost))
    value.report()
    stored = results(value)
    assert "agreement needs 2 runs, 1 of 2" in stored["attack/target/ce_early"].facts["failed"]
    assert "failed" in stored["value/target/ce_early"].facts
    assert stored["check_fakes"].facts["failed"] == "the run that was to judge the fakes diverged"
    ce, early = stored["evaluate"].facts["rows"]
    assert (ce["runs"], ce["shadows"]) == (2, 2)
    assert (early["runs"], early["shadows"]) == (1, 3)
    assert stored["value/target/fake"].facts["runs"] == 2
    text = said(value)
    for name in (*lost, "Not made: check_fakes", "Not made: attack/target/ce_early"):
        assert name in text
    assert "CE runs stopped early" not in text


def test_only_divergence_is_survived(npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(call: Call) -> Result:
        raise TrainingError("E072", "a kept state must be of this run")

    monkeypatch.setitem(STEPS, "train", broken)
    value = study(tmp_path / "w", npz)
    with pytest.raises(TrainingError, match=r"E072.*train/(target|shadow0)/"):
        value.run("value")
    assert value.failed_runs() == {}


def tasks(*changes: str) -> tuple:
    return plan(pp.Settings().changed(changes), data_digest="d")


def test_a_vote_asks_for_as_many_runs_as_must_agree():
    lost = {"train/target/relax_loss/0": "why"}
    failures.refuse_too_few(tasks(), lost)
    failures.refuse_too_few(tasks("value.rule='m_of_k'", "value.at_least=4"), lost)
    with pytest.raises(TrainingError, match="valuation of target's members needs 5, 4 of 5"):
        failures.refuse_too_few(tasks("value.rule='m_of_k'", "value.at_least=5"), lost)


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (["train/target/dmp/0", "train/target/dmp/1"], "row dmp of target needs 1, 0 of 2"),
        (["train/shadow1/dmp/0"], "row dmp of shadow1 needs 2, 1 of 2"),
        (["train/shadow0/values_fakes/0"], "valuation of shadow0's fakes needs 2, 1 of 2"),
    ],
)
def test_what_lacks_runs_is_named_with_all_that_failed(lost: list[str], words: str):
    small = (
        'evaluate.rows=["ce","dmp","fakes_transformed"]',
        "evaluate.runs=2",
        "evaluate.shadow_folds=2",
    )
    all_tasks = tasks(*small, "value.fake_runs=2")
    failed = dict.fromkeys([*lost, "train/target/ce/0"], "the loss became nan")
    with pytest.raises(TrainingError, match=words) as caught:
        failures.refuse_too_few(all_tasks, failed)
    assert all(name in str(caught.value) for name in failed)


def test_a_target_run_or_an_early_one_may_fail():
    lost = {"train/target/ce/0": "why", "train/target/ce_early/0": "why"}
    failures.refuse_too_few(tasks("evaluate.runs=2"), lost)
    assert failures.said(tasks("evaluate.runs=2"), {}) == []
    counted = failures.said(tasks("evaluate.runs=2"), lost)[1]
    assert "row ce of target 1 of 2" in counted
    assert "early-stopped runs 1 of 2" in counted


def test_what_rests_on_a_run_is_found_through_all_that_is_between():
    found = failures.resting_on(tasks(), {"train/target/relax_loss/0"})
    assert {"attack/target/real", "protect/target", "train/target/fakes_transformed/0"} <= found
    assert "evaluate" in found
    assert not {"load", "train/target/ce/0", "generate/target"} & found


def test_the_keys_do_not_know_of_failures(lacking: pp.Study, npz: Path, tmp_path: Path):
    fresh: tuple[Keyed, ...] = study(tmp_path, npz, THREE).tasks
    assert [item.key for item in fresh] == [item.key for item in lacking.tasks]
