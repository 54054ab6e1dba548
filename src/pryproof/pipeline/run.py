"""Plan + store + engine: finished keys are skipped, so running again is resuming."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pryproof.engine.local import Event, Job, execute
from pryproof.pipeline.plan import VERSIONS, Task
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


def run(workspace: Workspace, tasks: Sequence[Keyed], *, workers: int, on_event: OnEvent) -> None:
    """Do what is not yet stored. Tasks must be closed under their inputs and in plan order."""
    missing = [item for item in tasks if not workspace.has(item.key)]
    waiting = {item.task.name for item in missing}
    # imported late: torch takes seconds, and a finished study needs none of it
    if not missing:
        return
    work = importlib.import_module("pryproof.pipeline.work").work
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
    execute(jobs, workers=workers, on_event=on_event, preload=["pryproof.pipeline.work"])
