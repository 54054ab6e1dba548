"""Plan + store + engine: finished keys are skipped, so running again is resuming."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

from pryproof.engine.local import Event, Job, execute
from pryproof.pipeline import failures
from pryproof.pipeline.task import VERSIONS, Task
from pryproof.store.keys import key
from pryproof.store.workspace import Workspace

OnEvent = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Keyed:
    """A task, the key of its result, and the keys of what it reads."""

    task: Task
    key: str
    inputs: Mapping[str, str]


def keyed(tasks: Sequence[Task]) -> tuple[Keyed, ...]:
    """Give every task its key: a hash of its step, settings and inputs' keys, never of a place."""
    found: dict[str, str] = {}
    result = []
    for task in tasks:
        inputs = {role: found[name] for role, name in task.inputs.items()}
        found[task.name] = key(task.step, VERSIONS[task.step], task.settings, inputs)
        result.append(Keyed(task=task, key=found[task.name], inputs=inputs))
    return tuple(result)


def run(
    workspace: Workspace,
    tasks: Sequence[Keyed],
    *,
    workers: int,
    on_event: OnEvent,
    device: str = "cpu",
) -> None:
    """Do what is not yet stored. Tasks must be closed under their inputs and in plan order.

    ``device`` is that of ``settings.Machine``; workers are dealt over what it names. A training
    that diverges is left out; TrainingError as soon as too few are left of what it is needed for.
    """
    missing = [item for item in tasks if not workspace.has(item.key)]
    waiting = {item.task.name for item in missing}
    # imported late: torch takes seconds, and a finished study needs none of it
    if not missing:
        return
    watch = _Failures(workspace, tasks, on_event)
    work = importlib.import_module("pryproof.pipeline.work").work
    places = importlib.import_module("pryproof.pipeline.devices").chosen(device)
    jobs = [
        Job(
            name=item.task.name,
            call=work,
            arguments=(workspace, item.task, item.key, dict(item.inputs)),
            after=tuple(name for name in item.task.inputs.values() if name in waiting),
            cost=item.task.cost,
        )
        for item in missing
    ]
    preload = ["pryproof.pipeline.work"]
    execute(jobs, workers=workers, on_event=watch, preload=preload, places=places)


def training_keys(tasks: Sequence[Keyed]) -> dict[str, str]:
    """Return the keys of all trainings by name."""
    return {item.task.name: item.key for item in tasks if item.task.step == "train"}


@final
class _Failures:
    """Passes events on, tells of a training that diverged, and ends a study that lacks too many."""

    def __init__(self, workspace: Workspace, tasks: Sequence[Keyed], on_event: OnEvent) -> None:
        self._workspace, self._on_event = workspace, on_event
        self._tasks = [item.task for item in tasks]
        self._keys = training_keys(tasks)
        self._failed = failures.failed_among(workspace, self._keys)
        failures.refuse_too_few(self._tasks, self._failed)

    def __call__(self, event: Event) -> None:
        if event.kind == "finished" and event.job in self._keys:
            mine = {event.job: self._keys[event.job]}
            if failed := failures.failed_among(self._workspace, mine):
                why = failed[event.job]
                self._on_event(replace(event, kind="failed", detail=f"left out: {why}"))
                self._failed |= failed
                failures.refuse_too_few(self._tasks, self._failed)
                return
        self._on_event(event)
