"""From settings to tasks: a pure function, so that a plan can be shown before anything is run.

A *fold* is a training set with its road: fold ``target`` trains on the members, every fold
``shadowN`` repeats the whole road on reference data nobody else trains on. Thresholds and
out-of-training expectations come from the shadows alone. Canaries have folds of their own,
``half0`` and on: what each holds stands in ``roads``.
"""

from collections.abc import Iterator

from pryproof.pipeline.roads import Roads, extra_reals
from pryproof.pipeline.rows import ROWS
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import (
    CONTROL,
    EARLY,
    EVERYONE,
    FAKES,
    HALF,
    PROTECTED,
    SHADOW,
    STAGES,
    TARGET,
    Task,
)


def plan(settings: Settings, *, data_digest: str) -> tuple[Task, ...]:
    """Return every task of a study, each after the tasks it needs, and none that nobody reads."""
    planned = {task.name: task for task in _Planner(settings, data_digest).tasks()}  # each once
    return needed(tuple(planned.values()), stage="report")


def first_training(settings: Settings, row: str, *, data_digest: str) -> Task:
    """Return the first training of a row on the members, whether or not the study has that row."""
    return Roads(settings, data_digest).train(ROWS[row], TARGET, row, 0)


def needed(tasks: tuple[Task, ...], *, stage: str) -> tuple[Task, ...]:
    """Return the tasks of ``stage`` for the target fold and all they rest on, in plan order.

    From ``generate`` on, the checks of the stages between belong to it too.
    """
    by_name = {task.name: task for task in tasks}
    last = min(STAGES.index(stage), STAGES.index("evaluate"))
    stages = STAGES[min(last, STAGES.index("generate")) : last + 1]
    wanted = {t.name for t in tasks if t.stage in stages and not _of_another_fold(t)}
    waiting = list(wanted)
    while waiting:
        for name in by_name[waiting.pop()].inputs.values():
            if name not in wanted:
                wanted.add(name)
                waiting.append(name)
    return tuple(task for task in tasks if task.name in wanted)


def _of_another_fold(task: Task) -> bool:
    return any(f"/{word}" in task.name for word in (SHADOW, HALF, EVERYONE))


class _Planner:
    def __init__(self, settings: Settings, data_digest: str) -> None:
        self.settings = settings
        self.roads = Roads(settings, data_digest)

    def tasks(self) -> Iterator[Task]:
        roads = self.roads
        yield roads.load()
        if extra_reals(self.settings):
            yield roads.extra()
        folds = (TARGET, *roads.shadow_folds)
        for fold in folds:
            yield from roads.real_rows(fold)
        for fold in folds:
            yield roads.valuation(fold)
        yield roads.value(TARGET, "real", roads.shadow_folds)
        for fold in roads.shadow_folds:
            yield roads.value(fold, "real", roads.strangers(fold))
        if self._has_second_null():
            yield from self._second_null(folds)
        for fold in folds:
            yield from roads.fakes(fold)
            yield from roads.fake_rows(fold)
        yield from self._checks()
        yield self._evaluate()
        yield from self._afterwards()
        if self.settings.canaries.halves:
            yield from self._canaries()

    def _has_second_null(self) -> bool:
        """Say whether the overlap of early-stopped runs can stand beside the ensemble's."""
        return EARLY in self.settings.evaluate.rows and self.settings.evaluate.runs >= 2

    def _second_null(self, folds: tuple[str, ...]) -> Iterator[Task]:
        roads = self.roads
        count = min(roads.runs(EARLY, fold) for fold in folds)  # as many strangers as runs
        for fold in folds:
            names = [f"train/{fold}/{EARLY}/{k}" for k in range(count)]
            yield roads.attack(fold, EARLY, names)
        yield roads.value(TARGET, EARLY, roads.shadow_folds)

    def _checks(self) -> Iterator[Task]:
        yield Task(
            name="premise",
            step="premise",
            stage="transform",
            settings={"fold": TARGET, "seed": self.roads.seed("premise")},
            inputs={"load": "load", "value": f"value/{TARGET}/real"},
            cost=1.0,
        )
        yield Task(
            name="leaks",
            step="leaks",
            stage="protect",
            settings={"fold": TARGET, "seed": self.roads.seed("leaks")},
            inputs={
                "load": "load",
                "generate": f"generate/{TARGET}",
                "transform": f"transform/{TARGET}",
                "reference": f"generate/{self.roads.shadow_folds[0]}",
            },
            cost=2.0,
        )
        yield Task(
            name="check_fakes",
            step="check_fakes",
            stage="protect",
            settings={"fold": TARGET, "model": self.settings.train.model},
            inputs={
                "load": "load",
                "generate": f"generate/{TARGET}",
                "transform": f"transform/{TARGET}",
                "judge": f"train/{self.roads.shadow_folds[0]}/ce/0",
            },
        )

    def _evaluate(self) -> Task:
        evaluate = self.settings.evaluate
        inputs = {"load": "load", "value": f"value/{TARGET}/real"}
        for name in evaluate.rows:
            for run in range(evaluate.runs):
                inputs[f"{name}/{TARGET}/{run}"] = f"train/{TARGET}/{name}/{run}"
            for fold in self.roads.shadow_folds:
                for run in range(evaluate.shadows):
                    inputs[f"{name}/{fold}/{run}"] = f"train/{fold}/{name}/{run}"
        return Task(
            name="evaluate",
            step="evaluate",
            stage="evaluate",
            settings={
                "rows": list(evaluate.rows),
                "seed": self.roads.seed("evaluate"),
            },
            inputs=inputs,
        )

    def _afterwards(self) -> Iterator[Task]:
        """Plan what compares the members before and after: both need the row without fakes."""
        rows = self.settings.evaluate.rows
        if CONTROL not in rows:
            return
        evaluated = self._evaluate().inputs
        if PROTECTED in rows:
            compared = (f"{PROTECTED}/", f"{CONTROL}/")
            inputs = {role: n for role, n in evaluated.items() if role.startswith(compared)}
            yield Task(
                name="revalue",
                step="revalue",
                stage="evaluate",
                settings={
                    "model": self.settings.train.model,
                    **self.settings.value.model_dump(
                        include={"rule", "at_least", "share", "minimum"}
                    ),
                    "seed": self.roads.seed("revalue"),
                },
                inputs={
                    "load": "load",
                    "value": f"value/{TARGET}/real",
                    "transform": f"transform/{TARGET}",
                    **inputs,
                },
                cost=0.5,
            )
        with_fakes = [name for name in rows if name in (FAKES, PROTECTED)]
        if with_fakes:
            yield Task(
                name="migrate",
                step="migrate",
                stage="evaluate",
                settings={"rows": with_fakes, "seed": self.roads.seed("migrate")},
                inputs={
                    "load": "load",
                    "evaluate": "evaluate",
                    "generate": f"generate/{TARGET}",
                },
                cost=0.3,
            )

    def _canaries(self) -> Iterator[Task]:
        """Plan every half's road, and what judges the canaries by the halves' runs alone."""
        canaries, roads = self.settings.canaries, self.roads
        donors = {roads.donor(half) for half in roads.halves}
        for fold in sorted(donors & {EVERYONE}):
            yield from roads.whole(fold)
        for fold in roads.halves:
            yield from roads.whole(fold)
        yield Task(
            name="canaries",
            step="canaries",
            stage="evaluate",
            settings={
                "rows": list(canaries.rows),
                "generator": canaries.generator,
                "seed": roads.seed("canaries"),
            },
            inputs={"load": "load"}
            | {
                f"{name}/{fold}/{run}": f"train/{fold}/{name}/{run}"
                for name in canaries.rows
                for fold in roads.halves
                for run in range(canaries.runs)
            },
            cost=0.3,
        )
