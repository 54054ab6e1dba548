"""Looking without computing: what a study would use, how far it is, why a task is not stored."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pryproof.checks import known_name
from pryproof.pipeline.run import Keyed
from pryproof.pipeline.steps.load import drawn, source_of
from pryproof.pipeline.task import STAGES, Task
from pryproof.store.workspace import Workspace

Rows = list[tuple[str, str]]


def describe(tasks: Iterable[Task]) -> tuple[Rows, dict[str, Any]]:
    """Read what the first stage would, and say what it is; return shape, classes, sizes too.

    Raises DataError where the images do not suffice for the parts.
    """
    (*_, last) = (task for task in tasks if task.stage == "load")  # asks for all that others do
    asked = last.settings
    loaded = source_of(last.where, asked)
    samples = loaded.samples
    parts = drawn(samples, asked)
    members, evaluation = len(parts.members), len(parts.evaluation)
    extra, folds = sum(map(len, parts.extra)), len(parts.shadows)
    planted = asked.get("canaries", {})
    canaries = sum(count for kind, count in planted.items() if kind != "halves")
    height, width, channels = samples.images.shape[1:]
    counts = np.bincount(samples.labels, minlength=len(samples.classes))
    rows = [
        ("images", f"{len(samples)} of {width} x {height} x {channels}"),
        ("classes", f"{len(samples.classes)}, {counts.min()} to {counts.max()} images each"),
        ("members (trained on)", str(members)),
        ("evaluation (judged non-members)", str(evaluation)),
        ("reference", f"{members} outside + {folds} shadow fold(s) of {members}"),
        *([("extra reals", f"{extra}, for {folds + 1} folds")] if extra else []),
        *(
            [("canaries", f"{canaries}, each in half of {planted['halves']} sets")]
            if planted
            else []
        ),
        *[("notice", notice) for notice in loaded.notices],
    ]
    found = {
        "shape": (int(height), int(width), int(channels)),
        "classes": len(samples.classes),
        "members": members,
        "evaluation": evaluation,
        "total": members * (folds + 2) + evaluation + canaries,
        "extra": extra,
    }
    return rows, found


def progress(state: Sequence[tuple[Keyed, bool]]) -> list[tuple[str, int, int]]:
    """Count tasks and stored results by stage."""
    rows = []
    for stage in STAGES[:-1]:
        stored = [done for item, done in state if item.task.stage == stage]
        rows.append((stage, len(stored), sum(stored)))
    return rows


def why(
    state: Sequence[tuple[Keyed, bool]], workspace: Workspace | None, name: str
) -> list[tuple[str, str, str]]:
    """Compare a task with what the workspace holds under the same name: what, was, is."""
    known_name(name, [item.task.name for item, _ in state], kind="task")
    item, stored = next((item, done) for item, done in state if item.task.name == name)
    if stored:
        return [("stored", "yes", item.key)]
    earlier = _earlier(workspace, name) if workspace is not None else None
    if earlier is None:
        return [("stored", "no", "never computed in this workspace")]
    now = {"settings": item.task.settings, "inputs": item.inputs}
    rows = [("stored", "under other settings", "not under these")]
    for part, values in now.items():
        before = earlier[part]
        for key in sorted({*before, *values}):
            was, is_ = before.get(key), _plain(values.get(key))
            if was != is_:
                rows.append((f"{part}.{key}", json.dumps(was), json.dumps(is_)))
    return rows


def _plain(value: object) -> object:
    return json.loads(json.dumps(value))


def _earlier(workspace: Workspace, name: str) -> Mapping[str, Any] | None:
    for key in workspace.keys():  # noqa: SIM118 - a method, not a mapping
        record = workspace.get(key, names=[]).record
        if record["task"] == name:
            return record
    return None
