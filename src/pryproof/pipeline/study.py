"""A study at work: settings and a workspace. What the command line does, from Python."""

import importlib
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from pryproof.checks import known_name
from pryproof.data.sources import digest
from pryproof.engine.local import Event
from pryproof.pipeline import content, failures, look, tables
from pryproof.pipeline.exposure import Exposure
from pryproof.pipeline.plan import needed, plan
from pryproof.pipeline.results import Results
from pryproof.pipeline.run import Keyed, OnEvent, keyed, run, training_keys
from pryproof.pipeline.settings import Machine, Settings
from pryproof.pipeline.steps.call import Call
from pryproof.pipeline.study_exposure import exposure_of
from pryproof.pipeline.summary import summary
from pryproof.pipeline.task import STAGES, TARGET
from pryproof.pipeline.verdicts import Verdicts
from pryproof.reporting.page import render
from pryproof.reporting.tables import markdown
from pryproof.store.files import encode_json, encode_table
from pryproof.store.keys import key
from pryproof.store.workspace import Stored, Workspace


def late(module: str) -> Any:  # noqa: ANN401 - a module
    """Import what takes seconds (torch) only when a verb needs it."""
    return importlib.import_module(module)


def quiet(event: Event) -> None:
    """Show nothing of what the engine does."""


def unheard(fraction: float, detail: str) -> None:
    """Show nothing of what a step does."""


class Study:
    """A workspace and the settings that decide what is computed in it.

    Running anything again continues: what is stored is never computed twice.
    """

    def __init__(
        self,
        workspace: str | os.PathLike[str],
        *,
        data: str | os.PathLike[str] | None = None,
        model: str | None = None,
        settings: Settings | None = None,
        machine: Machine | None = None,
    ) -> None:
        chosen = settings or Settings()
        if data is not None:
            chosen = chosen.model_copy(
                update={"data": chosen.data.model_copy(update={"source": os.fspath(data)})}
            )
        if model is not None:
            chosen = chosen.model_copy(
                update={"train": chosen.train.model_copy(update={"model": model})}
            )
        self.path = Path(workspace)
        self.settings = chosen
        self.machine = machine or Machine()

    @classmethod
    def from_toml(
        cls,
        file: str | os.PathLike[str],
        *,
        workspace: str | os.PathLike[str] | None = None,
        overrides: Iterable[str] = (),
        machine: Machine | None = None,
    ) -> "Study":
        """Open the study a TOML file describes; its workspace is ``runs/<name>`` unless named."""
        settings = Settings.from_toml(Path(file), overrides)
        return cls(workspace or Path("runs") / settings.name, settings=settings, machine=machine)

    @cached_property
    def digest(self) -> str:
        """The data's content digest: never a path, never a time."""
        return digest(self.settings.data.source)

    @cached_property
    def tasks(self) -> tuple[Keyed, ...]:
        """Every task of the study with its key, in an order they can be done in."""
        return keyed(plan(self.settings, data_digest=self.digest))

    @cached_property
    def identity(self) -> str:
        """Name the study: all its settings and the data's content, but no place."""
        values = self.settings.model_dump(mode="json")
        del values["data"]["source"]
        if not self.settings.canaries.halves:
            del values["canaries"]  # none are asked for: the study is what it was without them
        return key("study", 1, values, {"data": self.digest})

    def _workspace(self, *, create: bool) -> Workspace:
        return Workspace.open(self.path, study=self.identity, create=create)

    def upto(self, stage: str) -> tuple[Keyed, ...]:
        """Return the tasks of a stage and all they rest on."""
        known_name(stage, STAGES, kind="stage")
        tasks = tuple(item.task for item in self.tasks)
        wanted = {task.name for task in needed(tasks, stage=stage)}
        return tuple(item for item in self.tasks if item.task.name in wanted)

    def run(
        self, stage: str = "report", *, on_event: OnEvent = quiet, retry_failed: bool = False
    ) -> dict[str, Path]:
        """Do everything up to ``stage`` and return the files it wrote for the user, by name.

        Runs that diverged are left out of every number and named in each result, and too few left
        is a TrainingError. They stay stored as failed; ``retry_failed`` trains them again, and
        does anew what rests on them. On one kind of machine they fail again: there it takes other
        settings.
        """
        looked = self._first_look()
        workspace = self._workspace(create=True)
        with workspace.lock():
            workspace.sweep()
            workspace.publish("study.json", encode_json(self.settings.model_dump(mode="json")))
            if looked is not None:
                result, record = looked
                workspace.put(
                    self.tasks[0].key, arrays=result.arrays, facts=result.facts, record=record
                )
            tasks = self.upto(stage)
            if retry_failed:
                self._discard_failed(workspace)
            reused = {item.task.name for item in tasks if workspace.has(item.key)}
            workers, device = self.machine.workers, self.machine.device
            run(workspace, tasks, workers=workers, device=device, on_event=on_event)
            return self._publish(workspace, stage, reused)

    def _first_look(self) -> Any:  # noqa: ANN401 - what work.load_and_probe returns
        """Read the images, build network and defenses before anything is written, if not yet done.

        So that images, a network or a defense that cannot be used leave no workspace behind.
        """
        first, *others = (item for item in self.tasks if item.task.stage == "load")
        workspace = self._existing()
        for item in others:
            if workspace is None or not workspace.has(item.key):
                look.describe([item.task])  # further reals may not suffice where the rest does
        if workspace is not None and workspace.has(first.key):
            return None
        late("pryproof.pipeline.devices").chosen(self.machine.device)
        work = late("pryproof.pipeline.work")
        trainings = [item.task for item in self.tasks if item.task.step == "train"]
        return work.load_and_probe(first.task, self.settings.train.model, trainings)

    def _discard_failed(self, workspace: Workspace) -> None:
        """Put failed trainings and what rests on them aside, the trainings last: see ``run``."""
        tasks = [item.task for item in self.tasks]
        failed = failures.failed_among(workspace, training_keys(self.tasks))
        stale = failures.resting_on(tasks, failed)
        for item in reversed(self.tasks):
            if item.task.name in stale:
                workspace.discard(item.key)

    def failed_runs(self) -> dict[str, str]:
        """Return the training runs that diverged and are left out, and why, by task name."""
        workspace = self._existing()
        return {} if workspace is None else self._failed_in(workspace)

    def _failed_in(self, workspace: Workspace, stage: str = "report") -> dict[str, str]:
        return failures.failed_among(workspace, training_keys(self.upto(stage)))

    def _publish(self, workspace: Workspace, stage: str, reused: set[str]) -> dict[str, Path]:
        done = STAGES.index(stage)
        files: dict[str, bytes] = {}
        if done >= STAGES.index("value"):
            files["samples.parquet"] = encode_table(self._samples(workspace))
        if done >= STAGES.index("protect"):
            load, made = self._get(workspace, "load"), self._get(workspace, f"protect/{TARGET}")
            files["protected.parquet"] = encode_table(tables.protected(load, made))
        if done >= STAGES.index("evaluate"):
            files["metrics.json"] = encode_json(self._metrics(workspace))
            files["runs.parquet"] = encode_table(tables.runs(self.tasks, workspace))
        if stage == "report":
            page = content.build(self.settings, self.tasks, workspace, reused=reused)
            files["report.html"] = render(page).encode()
            files["report.md"] = markdown(page).encode()
        for name, data in files.items():
            workspace.publish(name, data)
        return {name: self.path / name for name in files}

    def _metrics(self, workspace: Workspace) -> dict[str, Any]:
        """Return what was judged: the rows, and of canaries what concerns them."""
        facts = dict(self._get(workspace, "evaluate").facts)
        if self.settings.canaries.halves:
            facts["canaries"] = self._get(workspace, "canaries").facts
        return facts

    def _get(self, workspace: Workspace, name: str) -> Stored:
        return workspace.get(next(item.key for item in self.tasks if item.task.name == name))

    def _samples(self, workspace: Workspace) -> dict[str, Any]:
        keys = {item.task.name: item.key for item in self.tasks}
        names = (f"value/{TARGET}/fake", f"generate/{TARGET}")
        fakes = [workspace.get(keys[name]) if workspace.has(keys[name]) else None for name in names]
        load, value = self._get(workspace, "load"), self._get(workspace, f"value/{TARGET}/real")
        judged = workspace.get(keys["evaluate"]) if workspace.has(keys["evaluate"]) else None
        return tables.samples(load, value, *fakes, judged=judged)

    def value(self, *, on_event: OnEvent = quiet) -> Verdicts:
        """Value every member: safe, vague or risky, with the evidence."""
        path = self.run("value", on_event=on_event)["samples.parquet"]
        workspace = self._workspace(create=False)
        found = self._get(workspace, f"value/{TARGET}/real")
        return Verdicts(
            table=self._samples(workspace),
            ranks=found.arrays["rank"],
            unseen_ranks=found.arrays.get("unseen_rank"),
            margin=str(found.facts["margin"]),
            rule=str(found.facts["rule"]),
            asked=self.settings.value.rule,
            share=self.settings.value.share,
            notes=tuple(self._failures(workspace, "value")),
            path=path,
            case=self._exposure(workspace, found),
        )

    def _failures(self, workspace: Workspace, stage: str) -> list[str]:
        tasks = [item.task for item in self.upto(stage)]
        return failures.said(tasks, self._failed_in(workspace, stage))

    def _exposure(self, workspace: Workspace, value: Stored) -> Exposure:
        """Judge the verdicts by the ensemble's runs, each left out of the vote in turn."""
        item = next(item for item in self.tasks if item.task.name == f"value/{TARGET}/real")
        inputs = {role: workspace.get(key) for role, key in item.inputs.items()}
        call = Call(settings=item.task.settings, inputs=inputs, where={}, progress=unheard)
        return exposure_of(call, value)

    def protect(self, *, on_event: OnEvent = quiet) -> Path:
        """Generate, transform, and compose the protected training set; return its Parquet file."""
        return self.run("protect", on_event=on_event)["protected.parquet"]

    def export(
        self,
        folder: str | os.PathLike[str],
        *,
        what: str = "all",
        form: str = "parquet",
        mixture: str = "replacement",
        on_event: OnEvent = quiet,
        retry_failed: bool = False,
    ) -> Path:
        """Write a training set with its data card to a folder that is empty or not there.

        ``mixture`` names the set: "replacement" is the protected one, any other is that of the row
        of this name, such as "additive". ``what`` is "all" of it, "reals", "fakes" or
        "transformed"; ``form`` is "parquet", "folder", "webdataset" or "npz". Does what is left to
        do for it. No export is anonymised: read its card.
        """
        giving, place = late("pryproof.pipeline.study_export"), Path(folder)
        asked = {"what": what, "form": form, "mixture": mixture}
        giving.refuse(self.settings, place, **asked)
        self.run(giving.stage_of(mixture), on_event=on_event, retry_failed=retry_failed)
        return Path(giving.export_set(self.settings, self._results(), place, **asked))

    def export_generator(
        self,
        folder: str | os.PathLike[str],
        *,
        on_event: OnEvent = quiet,
        retry_failed: bool = False,
    ) -> Path:
        """Write the TAC-GAN's weights (safetensors) and its card to such a folder; see ``export``.

        It learned from the members and may repeat them: keep it as secret as they are.
        """
        giving, place = late("pryproof.pipeline.study_export"), Path(folder)
        giving.refuse_content(place)
        self.run("generate", on_event=on_event, retry_failed=retry_failed)
        return Path(giving.export_generator(self.settings, self._results(), place))

    def _results(self) -> Results:
        return Results(self.tasks, self._workspace(create=False))

    def evaluate(self, *, on_event: OnEvent = quiet) -> Path:
        """Train and attack every row of the comparison; return ``metrics.json``."""
        return self.run("evaluate", on_event=on_event)["metrics.json"]

    def report(self, *, on_event: OnEvent = quiet) -> Path:
        """Do what is left and write the report; return ``report.html``."""
        return self.run("report", on_event=on_event)["report.html"]

    def state(self) -> list[tuple[Keyed, bool]]:
        """Return every task and whether its result is stored; creates nothing."""
        workspace = self._existing()
        if workspace is None:
            return [(item, False) for item in self.tasks]
        return [(item, workspace.has(item.key)) for item in self.tasks]

    def _existing(self) -> Workspace | None:
        return self._workspace(create=False) if (self.path / "objects").is_dir() else None

    def progress(self) -> list[tuple[str, int, int]]:
        """Return stage, tasks, stored results."""
        return look.progress(self.state())

    def why(self, task: str) -> list[tuple[str, str, str]]:
        """Say what differs between a task and what the workspace holds under its name."""
        return look.why(self.state(), self._existing(), task)

    def check(self) -> list[tuple[str, str]]:
        """Read images, settings and network; train nothing."""
        rows, found = look.describe(item.task for item in self.tasks)
        model = self.settings.train.model
        network = late("pryproof.models.resolve").build(
            model, classes=found["classes"], shape=found["shape"], seed=0
        )
        size = sum(p.numel() for p in network.parameters())
        return [
            *rows,
            ("network", f"{model}, {size:,} parameters"),
            ("tasks", str(len(self.tasks))),
        ]

    def forecast(self) -> tuple[list[str], list[list[Any]], list[str]]:
        """Return columns, rows and notes of the plan: steps, stored, seconds, megabytes."""
        forecast = late("pryproof.pipeline.forecast")
        _, found = look.describe(item.task for item in self.tasks)
        sizes = forecast.Sizes(**found)
        (device, *_) = late("pryproof.pipeline.devices").chosen(self.machine.device)
        speeds = forecast.probe(self.settings, sizes, device=device)
        stored = {item.task.name for item, done in self.state() if done}
        rows, left = [], 0.0
        for name, tasks in forecast.by_step([item.task for item in self.tasks]).items():
            times = [forecast.seconds(task, self.settings, sizes, speeds) for task in tasks]
            todo = [t for t, task in zip(times, tasks, strict=True) if task.name not in stored]
            size = sum(forecast.megabytes(task, self.settings, sizes, speeds) for task in tasks)
            left += sum(todo)
            rows.append(
                [name, len(tasks), len(tasks) - len(todo), round(sum(todo)), round(size, 1)]
            )
        workers = self.machine.workers
        least = left / max(1, workers) / 60
        notes = [
            f"About {left / 60:.1f} core minutes are left, {least:.1f} with {workers} worker(s).",
            f"About {forecast.memory(sizes, workers=workers):.0f} MB of memory.",
        ]
        return ["step", "tasks", "stored", "seconds left", "MB"], rows, notes

    def costs(self) -> dict[str, float]:
        """Return the core seconds of every stage whose results are stored, all folds together."""
        results = self._results()
        stages = content.stages(self.tasks, results, reused=set())
        return {stage.name: stage.seconds for stage in stages}

    def summary(self, stage: str) -> list[tuple[str, str]]:
        """Say what a finished stage found, a line each."""
        workspace = self._workspace(create=False)
        left_out = [("left out", line) for line in self._failures(workspace, stage)]
        return left_out + summary(Results(self.tasks, workspace), self.settings, stage)
