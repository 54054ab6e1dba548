"""Several recipes in one workspace: what they share is computed once, and nothing twice."""

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pryproof.checks import TrainingError
from pryproof.data.sources import digest
from pryproof.engine.local import Event
from pryproof.pipeline import failures, look
from pryproof.pipeline.plan import plan
from pryproof.pipeline.results import Results
from pryproof.pipeline.run import Keyed, OnEvent, keyed, run, training_keys
from pryproof.pipeline.settings import Machine
from pryproof.pipeline.task import Task
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size
from pryproof.store.keys import key
from pryproof.store.workspace import Workspace

LAYOUT = 1  # of such a workspace; raise it when what lies there means something else

Planned = Mapping[str, tuple[Need, tuple[Keyed, ...]]]  # a recipe's studies, by its own names


def quiet(event: Event) -> None:
    """Show nothing of what the engine does."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A recipe's figure, and the core seconds of all the runs it rests on, shared ones included.

    ``missing`` says why there is no figure, "" where there is one. ``left_out`` names the runs that
    diverged, ``warned`` the ways of training that did not do what they are there for, ``chosen``
    what was set by accuracy, a sentence each.
    """

    recipe: Recipe
    figure: Figure
    seconds: float
    tasks: int
    missing: str = ""
    left_out: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()


class Reproduction:
    """Recipes at one size on one data set; the folder keeps every run by what decides it.

    Sizes may share a folder, data sets may not.
    """

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

    @cached_property
    def digest(self) -> str:
        """The data's content digest: never a path, never a time."""
        return digest(self.size.base.data.source)

    @cached_property
    def needs(self) -> dict[str, Planned]:
        """Every recipe's studies with all their tasks, by the recipe's name."""
        return planned(self.recipes, self.size, digest=self.digest)

    def run(self, *, on_event: OnEvent = quiet) -> Iterator[Measured]:
        """Train what is missing for all recipes together, then read them one by one.

        A recipe that lacks too many runs is not made, and says why; the others go on.
        """
        wanted = together(self.needs)
        looked = self._first_look(wanted)
        workspace = Workspace.open(self.path, study=self._identity, create=True)
        with workspace.lock():
            workspace.sweep()
            if looked is not None:
                first, result, record = looked
                workspace.put(first.key, arrays=result.arrays, facts=result.facts, record=record)
            missing = self._train(workspace, on_event)
        for recipe in self.recipes:
            yield self._measured(recipe, workspace, missing.get(recipe.name, ""))

    @property
    def _identity(self) -> str:
        return key("reproduction", LAYOUT, {}, {"data": self.digest})

    def _existing(self) -> Workspace | None:
        if not (self.path / "objects").is_dir():
            return None
        return Workspace.open(self.path, study=self._identity, create=False)

    def records(self) -> list[Mapping[str, Any]]:
        """Return how every stored result of these recipes came about, each once."""
        workspace = self._existing()
        if workspace is None:
            return []
        tasks = [item for item in together(self.needs) if workspace.has(item.key)]
        return [workspace.get(item.key, names=[]).record for item in tasks]

    def _first_look(self, wanted: Sequence[Keyed]) -> tuple[Keyed, Any, Mapping[str, Any]] | None:
        """See that images, defenses and every network can be had before anything is written.

        Returns the first load task with its result and record, unless it is stored.
        """
        there = self._existing()
        missing = [item for item in wanted if there is None or not there.has(item.key)]
        if not missing:
            return None
        # imported late: torch takes seconds
        importlib.import_module("pryproof.pipeline.devices").chosen(self.machine.device)
        work: Any = importlib.import_module("pryproof.pipeline.work")
        first, *others = (item for item in wanted if item.task.stage == "load")
        trainings = [item.task for item in missing if item.task.step == "train"]
        record: Mapping[str, Any] = {}
        if first in missing:
            loaded, record = work.load_and_probe(first.task, self.size.base.train.model, trainings)
        else:
            loaded = there.get(first.key) if there is not None else None
        for item in others:
            if item in missing:
                look.describe([item.task])
        _probe_networks(trainings, loaded)
        return (first, loaded, record) if record else None

    def _train(self, workspace: Workspace, on_event: OnEvent) -> dict[str, str]:
        """Do what is missing; return which recipes cannot be made, and why."""
        missing: dict[str, str] = {}
        while left := {n: own for n, own in self.needs.items() if n not in missing}:
            tasks = together(left)
            workers, device = self.machine.workers, self.machine.device
            try:
                run(workspace, tasks, workers=workers, on_event=on_event, device=device)
                break
            except TrainingError as error:
                lost = {name: _lacks(own, tasks, workspace, error) for name, own in left.items()}
                lost = {name: why for name, why in lost.items() if why}
                if not lost:
                    raise
                missing |= lost
        return missing

    def _measured(self, recipe: Recipe, workspace: Workspace, missing: str) -> Measured:
        own = self.needs[recipe.name]
        tasks = [item for item in merged(list(own.values())) if workspace.has(item.key)]
        results = Results(tasks, workspace)
        figure = Figure(panels=(), claims=())
        if not missing:
            opened = {
                label: Opened(Results(every, workspace), need.rows)
                for label, (need, every) in own.items()
            }
            try:
                figure = recipe.read(opened, self.size)
            except TrainingError as error:
                missing = f"{error.what}, {error.where}"
        return Measured(
            recipe=recipe,
            figure=figure,
            seconds=sum(float(results.record(item.task.name)["seconds"]) for item in tasks),
            tasks=len(tasks),
            missing=missing,
            left_out=tuple(_left_out(own, workspace)),
            warned=tuple(_warned(own, workspace)),
            chosen=tuple(_chosen(own, workspace)),
        )


def planned(recipes: Sequence[Recipe], size: Size, *, digest: str) -> dict[str, Planned]:
    """Return every recipe's studies with all their tasks, by the recipe's name.

    ``digest`` is that of the images' content, on which all keys rest.
    """
    return {
        recipe.name: {
            label: (need, keyed(plan(need.settings, data_digest=digest)))
            for label, need in recipe.needs(size).items()
        }
        for recipe in recipes
    }


def together(needs: Mapping[str, Planned]) -> tuple[Keyed, ...]:
    """Return every task that recipes want or rest on, once."""
    return merged([pair for own in needs.values() for pair in own.values()])


def _probe_networks(trainings: Sequence[Task], loaded: Any) -> None:  # noqa: ANN401 - result or stored
    """Build every network once, so that none fails after hours."""
    build: Any = importlib.import_module("pryproof.models.resolve").build
    height, width, channels = loaded.arrays["images"].shape[1:]
    for model in dict.fromkeys(task.settings["model"] for task in trainings):
        build(model, classes=len(loaded.facts["classes"]), shape=(height, width, channels), seed=0)


def _lacks(own: Planned, tasks: Sequence[Keyed], workspace: Workspace, error: TrainingError) -> str:
    """Say what a recipe lacks after an error; nothing where it does without what failed."""
    failed = {item.key for item in tasks if item.task.name == error.where.partition(", ")[0]}
    for need, every in own.values():
        closed = list(_closed(need.names(), every))
        if failed & {item.key for item in closed}:
            return f"{error.what}, {error.where}"
        lost = failures.failed_among(workspace, training_keys(closed))
        try:
            failures.refuse_too_few([item.task for item in closed], lost)
        except TrainingError as found:
            return f"{found.what}, {found.where}"
    return ""


def _left_out(own: Planned, workspace: Workspace) -> Iterator[str]:
    """Say which runs of a figure diverged, by study where it has several."""
    for label, (need, every) in own.items():
        closed = list(_closed(need.names(), every))
        lost = failures.failed_among(workspace, training_keys(closed))
        for line in failures.said([item.task for item in closed], lost):
            yield f"Study {label}: {line}" if len(own) > 1 else line


def _warned(own: Planned, workspace: Workspace) -> Iterator[str]:
    """Say which ways of training warn, as of a RelaxLoss that never binds, and in how many runs."""
    for label, (need, every) in own.items():
        by_row: dict[str, list[str | None]] = {}
        for item in _closed(need.names(), every):
            if item.task.step == "train" and workspace.has(item.key):
                facts = workspace.get(item.key, names=[]).facts
                row = item.task.name.split("/")[2]
                by_row.setdefault(row, []).append(facts.get("warning"))
        for row, found in by_row.items():
            said = [words for words in found if words]
            if said:
                line = f"{row}, {len(said)} of {len(found)} runs: {said[0]}"
                yield f"Study {label}: {line}" if len(own) > 1 else line


def _chosen(own: Planned, workspace: Workspace) -> Iterator[str]:
    """Say which targets of RelaxLoss were chosen by accuracy, by training set."""
    for label, (need, every) in own.items():
        found = [
            f"{item.task.name.partition('/')[2]} {workspace.get(item.key, names=[]).facts['alpha']}"
            for item in _closed(need.names(), every)
            if item.task.step == "choose_alpha" and workspace.has(item.key)
        ]
        if found:
            line = f"RelaxLoss's alpha, chosen by accuracy: {', '.join(found)}."
            yield f"Study {label}: {line}" if len(own) > 1 else line


def merged(needs: Sequence[tuple[Need, Sequence[Keyed]]]) -> tuple[Keyed, ...]:
    """Return every task that is wanted or rested on, once, each under a name of its own.

    A task that two studies share has one key, and is kept under the name it has in the first; one
    that differs gets a number after its step: load#2, train#2/target/ce/0.
    """
    named: dict[str, Keyed] = {}  # by key
    taken: dict[str, int] = {}
    for need, planned in needs:
        for item in _closed(need.names(), planned):
            if item.key in named:
                continue
            count = taken[item.task.name] = taken.get(item.task.name, 0) + 1
            step, slash, rest = item.task.name.partition("/")
            name = item.task.name if count == 1 else f"{step}#{count}{slash}{rest}"
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
