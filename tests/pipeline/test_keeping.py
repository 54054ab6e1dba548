"""A task that dies while it trains goes on from its kept state, to the bytes it would have had."""

from dataclasses import dataclass

import numpy as np
import pytest

import pryproof as pp
from pryproof.pipeline import keeping, work
from pryproof.pipeline.keeping import InWorkspace
from pryproof.store.underway import Underway
from pryproof.training import loop
from pryproof.training.keeper import State


class DeathError(Exception):
    """The process dies here."""


@dataclass
class Deadly:
    """A keeper that keeps after every step, and dies when it has kept so many states."""

    inner: InWorkspace
    left: int

    def load(self) -> State | None:
        return self.inner.load()

    def due(self) -> bool:
        return self.inner.due()

    def save(self, state: State) -> None:
        self.inner.save(state)
        self.left -= 1
        if self.left == 0:
            raise DeathError

    def part(self, name: str) -> "Deadly":
        return Deadly(self.inner.part(name), self.left)


def task_of(study: pp.Study, name: str):
    return next(item for item in study.tasks if item.task.name == name)


@pytest.mark.parametrize("row", ["ce", "relax_loss", "fakes_transformed"])
def test_a_task_that_died_goes_on(finished: pp.Study, tmp_path, row):
    workspace = finished._workspace(create=False)
    item = task_of(finished, f"train/target/{row}/0")
    stored = {role: workspace.get(key) for role, key in item.inputs.items()}
    whole = workspace.get(item.key)
    place = Underway(workspace=tmp_path, key=item.key)
    for left in (1, 3, 4):
        with pytest.raises(DeathError):
            work.perform(item.task, stored, keep=Deadly(InWorkspace(place, every=0.0), left))
    result, _ = work.perform(item.task, stored, keep=InWorkspace(place))
    assert result.arrays.keys() == whole.arrays.keys()
    for name, value in whole.arrays.items():
        assert np.array_equal(result.arrays[name], value), name


def test_a_state_is_due_after_a_while_for_all_parts_together(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr(keeping.time, "monotonic", lambda: now)
    whole = InWorkspace(Underway(workspace=tmp_path, key="k"))
    part = whole.part("teacher0")
    assert not part.due()
    now += keeping.EVERY
    assert part.due()
    part.save(State(arrays={"x": np.zeros(1)}))
    assert not whole.due()
    assert whole.load() is None
    assert whole.part("teacher0").load().arrays["x"].shape == (1,)


def test_nothing_is_left_underway_when_a_study_is_done(finished: pp.Study):
    assert not list((finished.path / "underway").glob("*"))


def test_a_run_that_diverges_says_where_and_leaves_no_arrays(finished: pp.Study, monkeypatch):
    workspace = finished._workspace(create=False)
    item = task_of(finished, "train/target/ce/1")
    stored = {role: workspace.get(key) for role, key in item.inputs.items()}
    monkeypatch.setattr(loop.functional, "cross_entropy", _nan)
    result, _ = work.perform(item.task, stored)
    assert result.facts["failed"].startswith("the loss became nan")
    assert result.facts["where"] == "epoch 1, batch 1"
    assert not result.arrays


def _nan(logits, labels, *, reduction="mean"):
    spoiled = logits.sum(dim=1) * float("nan")
    return spoiled if reduction == "none" else spoiled.mean()
