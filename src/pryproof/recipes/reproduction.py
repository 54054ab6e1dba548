"""Several recipes in one workspace: what they share is computed once, and nothing twice."""

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pryproof.data.sources import digest
from pryproof.engine.local import Event
from pryproof.pipeline.plan import Task, plan
from pryproof.pipeline.results import Results
from pryproof.pipeline.run import Keyed, OnEvent, keyed, run
from pryproof.pipeline.settings import Machine, Settings
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size
from pryproof.store.keys import key
from pryproof.store.workspace import Workspace

LAYOUT = 1  # of such a workspace; raise it when what lies there means something else


def quiet(event: Event) -> None:
    """Show nothing of what the engine does."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A recipe's figure, and the core seconds of all the runs it rests on, shared ones included."""

    recipe: Recipe
    figure: Figure
    seconds: float
    tasks: int


class Reproduction:
    """Recipes at one size on one data set; the folder keeps every run by what decides it."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        size: Size,
        recipes: Sequence[Recipe],
        machine: Machine | None = None,
    ) -> None:
        self.path = Path(folder)
        self.size = size
        self.recipes = tuple(recipes)
        self.machine = machine or Machine()
        self._digests: dict[str, str] = {}

    def _digest(self, source: str) -> str:
        if source not in self._digests:
            self._digests[source] = digest(source)
        return self._digests[source]

    def _planned(self, settings: Settings) -> tuple[Keyed, ...]:
        return keyed(plan(settings, data_digest=self._digest(settings.data.source)))

    def run(self, *, on_event: OnEvent = quiet) -> Iterator[Measured]:
        """Train what is missing for all recipes together, then read them one by one."""
        needs = {
            recipe.name: {
                label: (need, self._planned(need.settings))
                for label, need in recipe.needs(self.size).items()
            }
            for recipe in self.recipes
        }
        wanted = merged([pair for own in needs.values() for pair in own.values()])
        workspace = self._open(wanted)
        with workspace.lock():
            workspace.sweep()
            run(workspace, wanted, workers=self.machine.workers, on_event=on_event)
        for recipe in self.recipes:
            own = needs[recipe.name]
            opened = {
                label: Opened(Results(planned, workspace), need.rows)
                for label, (need, planned) in own.items()
            }
            tasks = merged(list(own.values()))
            results = Results(tasks, workspace)
            yield Measured(
                recipe=recipe,
                figure=recipe.read(opened, self.size),
                seconds=sum(float(results.record(item.task.name)["seconds"]) for item in tasks),
                tasks=len(tasks),
            )

    def _open(self, wanted: Sequence[Keyed]) -> Workspace:
        """Open the workspace; see first that images, networks and defenses can be had."""
        source = self.size.base.data.source
        identity = key("reproduction", LAYOUT, {}, {"data": self._digest(source)})
        if not (self.path / "objects").is_dir():
            work: Any = importlib.import_module("pryproof.pipeline.work")  # torch takes seconds
            first = next(item.task for item in wanted if item.task.step == "load")
            trainings = [item.task for item in wanted if item.task.step == "train"]
            work.load_and_probe(first, self.size.base.train.model, trainings)
        return Workspace.open(self.path, study=identity, create=True)


def merged(needs: Sequence[tuple[Need, Sequence[Keyed]]]) -> tuple[Keyed, ...]:
    """Return every task that is wanted or rested on, once, each under a name of its own.

    A task that two studies share has one key, and is kept under the name it has in the first; one
    that differs gets a number after its name.
    """
    named: dict[str, Keyed] = {}  # by key
    taken: dict[str, int] = {}
    for need, planned in needs:
        for item in _closed(need.names(), planned):
            if item.key in named:
                continue
            count = taken[item.task.name] = taken.get(item.task.name, 0) + 1
            name = item.task.name if count == 1 else f"{item.task.name}#{count}"
            inputs = {role: named[each].task.name for role, each in item.inputs.items()}
            named[item.key] = replace(item, task=_renamed(item.task, name, inputs))
    return tuple(named.values())


def _closed(names: Sequence[str], planned: Sequence[Keyed]) -> Iterator[Keyed]:
    """Yield the named tasks and all they rest on, in plan order."""
    by_name = {item.task.name: item for item in planned}
    wanted, waiting = set(names), list(names)
    while waiting:
        for name in by_name[waiting.pop()].task.inputs.values():
            if name not in wanted:
                wanted.add(name)
                waiting.append(name)
    return (item for item in planned if item.task.name in wanted)


def _renamed(task: Task, name: str, inputs: Mapping[str, str]) -> Task:
    return replace(task, name=name, inputs=inputs)
