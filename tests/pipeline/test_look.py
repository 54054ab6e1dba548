from pathlib import Path

import pytest

import pryproof as pp
from pipeline.tiny import study
from pryproof.checks import ConfigurationError, DataError
from pryproof.pipeline import look
from pryproof.store.workspace import Workspace


def changed(finished: pp.Study, npz: Path, word: str) -> tuple[list, Workspace]:
    """Return the state of a study with a change, seen from the workspace of the unchanged one."""
    workspace = Workspace.open(finished.path, study=finished.identity, create=False)
    tasks = study(finished.path, npz, word).tasks
    return [(item, workspace.has(item.key)) for item in tasks], workspace


def test_why_names_the_setting_that_changed(finished: pp.Study, npz: Path):
    state, workspace = changed(finished, npz, "relax_loss.alpha=0.5")
    rows = look.why(state, workspace, "train/target/relax_loss/0")
    assert rows[0] == ("stored", "under other settings", "not under these")
    assert [(what, "0.5" in now) for what, _, now in rows[1:]] == [("settings.options", True)]
    assert look.why(state, workspace, "train/target/ce/0")[0][:2] == ("stored", "yes")


def test_why_names_the_inputs_that_changed(finished: pp.Study, npz: Path):
    state, workspace = changed(finished, npz, "relax_loss.alpha=0.5")
    rows = look.why(state, workspace, "attack/target/real")
    assert [what for what, _, _ in rows[1:]] == ["inputs.run0", "inputs.run1"]


def test_progress_counts_what_a_change_leaves(finished: pp.Study, npz: Path):
    state, _ = changed(finished, npz, "transform.steps=5")
    counts = {stage: (tasks, stored) for stage, tasks, stored in look.progress(state)}
    assert counts["value"] == (2, 2)
    assert counts["transform"] == (3, 1)  # the premise does not depend on the transform
    assert counts["evaluate"] == (6, 3)  # the early-stopped runs' agreement stays


def test_an_unknown_task_is_named(finished: pp.Study):
    with pytest.raises(ConfigurationError, match=r"no task .*Did you mean evaluate\?"):
        finished.why("evalute")


def test_sizes_that_are_not_given_are_what_the_data_afford(npz: Path):
    rows, found = described({"source": str(npz)})
    assert dict(rows)["members (trained on)"] == "90"  # 180 of each class, in four parts
    assert "extra reals" not in dict(rows)
    sizes = {"members": 90, "evaluation": 90, "total": 360, "extra": 0}
    assert found == {"shape": (16, 16, 1), "classes": 2, **sizes}


def described(data: dict[str, object], *rows: str) -> tuple[list[tuple[str, str]], dict]:
    chosen = pp.Settings(data=data, evaluate={"rows": rows or ["ce"]})
    return look.describe(item.task for item in pp.Study("w", settings=chosen).tasks)


def test_extra_reals_are_made_room_for_and_counted(npz: Path):
    rows, found = described({"source": str(npz)}, "ce", "extra@steps")
    assert dict(rows)["members (trained on)"] == "60"  # 180 of each class, in six parts
    assert dict(rows)["extra reals"] == "120, for 2 folds"
    assert (found["total"], found["extra"]) == (240, 120)


def test_too_few_images_are_told_by_looking(npz: Path):
    with pytest.raises(DataError, match=r"E038.*members=90 and evaluation=90 fit"):
        described({"source": str(npz), "members": 100})
    with pytest.raises(
        DataError, match=r"E038.*members=60 and evaluation=60 with 1 extra a member"
    ):
        described({"source": str(npz), "members": 90, "evaluation": 90}, "extra")
