"""From settings to tasks: a pure function, so that a plan can be shown before anything is run.

A *fold* is a training set with its road: fold ``target`` trains on the members, every fold
``shadowN`` repeats the whole road on reference data nobody else trains on. Thresholds and
out-of-training expectations come from the shadows alone.
"""

from collections.abc import Iterator
from typing import Any

from pryproof import seeds
from pryproof.pipeline.margins import MARGINS
from pryproof.pipeline.rows import DRAWN, READS, ROWS, VALUES_FAKES, WITH_SAFER, Row
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import CONTROL, EARLY, FAKES, PROTECTED, STAGES, TARGET, Task


def plan(settings: Settings, *, data_digest: str) -> tuple[Task, ...]:
    """Return every task of a study, each after the tasks it needs, and none that nobody reads."""
    return needed(tuple(_Planner(settings, data_digest).tasks()), stage="report")


def first_training(settings: Settings, row: str, *, data_digest: str) -> Task:
    """Return the first training of a row on the members, whether or not the study has that row."""
    return _Planner(settings, data_digest).training(row)


def extra_reals(settings: Settings) -> float:
    """Return how many real images a member, of its own, each fold needs beside its training set.

    >>> extra_reals(Settings()), extra_reals(Settings(evaluate={"rows": ["extra@steps"]}))
    (0.0, 1.0)
    """
    asked = any(ROWS[name].trains_on == "extra" for name in settings.evaluate.rows)
    return settings.generate.amount if asked else 0.0


def needed(tasks: tuple[Task, ...], *, stage: str) -> tuple[Task, ...]:
    """Return the tasks of ``stage`` for the target fold and all they rest on, in plan order.

    From ``generate`` on, the checks of the stages between belong to it too.
    """
    by_name = {task.name: task for task in tasks}
    last = min(STAGES.index(stage), STAGES.index("evaluate"))
    stages = STAGES[min(last, STAGES.index("generate")) : last + 1]
    wanted = {t.name for t in tasks if t.stage in stages and "/shadow" not in t.name}
    waiting = list(wanted)
    while waiting:
        for name in by_name[waiting.pop()].inputs.values():
            if name not in wanted:
                wanted.add(name)
                waiting.append(name)
    return tuple(task for task in tasks if task.name in wanted)


class _Planner:
    def __init__(self, settings: Settings, data_digest: str) -> None:
        self.settings = settings
        self.digest = data_digest
        self.shadow_folds = tuple(f"shadow{i}" for i in range(settings.evaluate.shadow_folds))

    def tasks(self) -> Iterator[Task]:
        yield self._load()
        folds = (TARGET, *self.shadow_folds)
        for fold in folds:
            yield from self._real_rows(fold)
        for fold in folds:
            ensemble = range(self.settings.value.runs)
            yield self._attack(fold, "real", [f"train/{fold}/relax_loss/{k}" for k in ensemble])
        yield self._value(TARGET, "real", self.shadow_folds)
        for fold in self.shadow_folds:
            yield self._value(fold, "real", self._strangers(fold))
        if self._has_second_null():
            count = min(self._runs(EARLY, fold) for fold in folds)  # as many strangers as runs
            for fold in folds:
                names = [f"train/{fold}/{EARLY}/{k}" for k in range(count)]
                yield self._attack(fold, EARLY, names)
            yield self._value(TARGET, EARLY, self.shadow_folds)
        for fold in folds:
            yield from self._fakes(fold)
            yield from self._fake_rows(fold)
        yield from self._checks()
        yield self._evaluate()
        yield from self._afterwards()

    def training(self, row: str) -> Task:
        return self._train(ROWS[row], TARGET, row, 0)

    def _has_second_null(self) -> bool:
        """Say whether the overlap of early-stopped runs can stand beside the ensemble's."""
        return EARLY in self.settings.evaluate.rows and self.settings.evaluate.runs >= 2

    def _seed(self, *names: str | int) -> int:
        return seeds.derive(self.settings.seed, *names)

    def _load(self) -> Task:
        data, extra = self.settings.data, extra_reals(self.settings)
        return Task(
            name="load",
            step="load",
            stage="load",
            settings={
                **data.model_dump(exclude={"source"}),
                "digest": self.digest,
                "shadow_folds": len(self.shadow_folds),
                "seed": self._seed("split"),
                # left out where no row needs it: other studies' images keep their key
                **({"extra": extra} if extra else {}),
            },
            where={"source": data.source},
        )

    def _runs(self, row: str, fold: str) -> int:
        evaluate = self.settings.evaluate
        wanted = 0
        if row in evaluate.rows:
            wanted = evaluate.runs if fold == TARGET else evaluate.shadows
        if row == "relax_loss":
            wanted = max(wanted, self.settings.value.runs)
        if row == "ce" and fold != TARGET:
            wanted = max(wanted, 1)  # the independent classifier that judges the fakes' classes
        return wanted

    def _real_rows(self, fold: str) -> Iterator[Task]:
        for name, row in ROWS.items():
            if not READS[row.trains_on]:
                for run in range(self._runs(name, fold)):
                    yield self._train(row, fold, name, run)

    def _fake_rows(self, fold: str) -> Iterator[Task]:
        for name, row in ROWS.items():
            if READS[row.trains_on]:
                for run in range(self._runs(name, fold)):
                    yield self._train(row, fold, name, run)

    def _train(self, row: Row, fold: str, name: str, run: int) -> Task:
        settings = self.settings
        options: dict[str, Any] = {"padding": settings.train.padding}
        if row.defense == "none":
            options["padding"] = 0
        options |= settings.options(row.defense)
        if row.augments != "both":
            options["augments"] = row.augments
        recipe = settings.train.model_dump(exclude={"model", "padding", "early_share", "epochs"})
        share = settings.train.early_share if row.early else 1.0
        places = {"value": f"value/{fold}/real", "value_fake": f"value/{fold}/fake"}
        reads = {role: places.get(role, f"{role}/{fold}") for role in READS[row.trains_on]}
        made: dict[str, Any] = {"trains_on": row.trains_on}
        if row.trains_on in DRAWN:  # one set for all runs of a fold, as there is one of fakes
            made |= {
                "amount": settings.generate.amount,
                "padding": settings.train.padding,
                "set_seed": self._seed("set", fold, row.trains_on),
            }
        return Task(
            name=f"train/{fold}/{name}/{run}",
            step="train",
            stage="train",
            settings={
                "fold": fold,
                "model": settings.train.model,
                **made,
                "equal_steps": row.equal_steps,
                "keeps_safer": row.trains_on in WITH_SAFER,
                "defense": row.defense,
                "options": options,
                "reference": row.reference,
                "recipe": recipe | {"epochs": max(1, round(share * settings.train.epochs))},
                "seed": self._seed("train", fold, name, run),
            },
            inputs={"load": "load"} | reads,
            cost=share * _trainings(row, settings),
        )

    def _attack(self, fold: str, source: str, runs: list[str]) -> Task:
        return Task(
            name=f"attack/{fold}/{source}",
            step="attack",
            stage="evaluate" if source == EARLY else "attack",
            settings={"fold": fold, "source": "fake" if source == "fake" else "real"},
            inputs={"load": "load"} | {f"run{k}": name for k, name in enumerate(runs)},
        )

    def _strangers(self, fold: str) -> tuple[str, ...]:
        """Return whose runs tell a shadow fold what models say of images they never saw.

        Its own valuation must repeat the target's; the target's runs serve only in default of
        other shadow folds.
        """
        if not MARGINS[self.settings.value.margin].needs_unseen:
            return ()
        return tuple(other for other in self.shadow_folds if other != fold) or (TARGET,)

    def _value(self, fold: str, source: str, unseen: tuple[str, ...]) -> Task:
        value = self.settings.value
        return Task(
            name=f"value/{fold}/{source}",
            step="value",
            stage={"real": "value", "fake": "generate", EARLY: "evaluate"}[source],
            settings={
                "fold": fold,
                "source": "fake" if source == "fake" else "real",
                **value.model_dump(exclude={"runs", "fake_runs"}),
                "seed": self._seed("value", fold, source),
            },
            inputs={"load": "load", "attack": f"attack/{fold}/{source}"}
            | {f"unseen{i}": f"attack/{other}/{source}" for i, other in enumerate(unseen)},
        )

    def _generated(self, fold: str) -> Iterator[Task]:
        settings = self.settings
        gan = {"fold": fold, "gan": settings.generate.model_dump(exclude={"amount"})}
        yield Task(
            name=f"generator/{fold}",
            step="generator",
            stage="generate",
            settings={**gan, "seed": self._seed("generate", fold)},
            inputs={"load": "load"},
            cost=8.0,
        )
        yield Task(
            name=f"generate/{fold}",
            step="generate",
            stage="generate",
            settings={
                **gan,
                "amount": settings.generate.amount,
                "seed": self._seed("fakes", fold),
            },
            inputs={"load": "load", "generator": f"generator/{fold}"},
        )

    def _fakes(self, fold: str) -> Iterator[Task]:
        settings = self.settings
        yield from self._generated(fold)
        runs = []
        for run in range(settings.value.fake_runs):
            task = self._train(VALUES_FAKES, fold, "values_fakes", run)
            runs.append(task.name)
            yield task
        yield self._attack(fold, "fake", runs)
        yield self._value(fold, "fake", ())
        real = f"value/{fold}/real"
        yield Task(
            name=f"transform/{fold}",
            step="transform",
            stage="transform",
            settings={
                "fold": fold,
                "gan": settings.transform.model_dump(),
                "judged": fold == TARGET,  # only the target's is shown
                "seed": self._seed("transform", fold),
            },
            inputs={"load": "load", "value": real, "generate": f"generate/{fold}"},
            cost=8.0,
        )
        yield Task(
            name=f"protect/{fold}",
            step="protect",
            stage="protect",
            settings={"fold": fold},
            inputs={
                "load": "load",
                "value": real,
                "generate": f"generate/{fold}",
                "value_fake": f"value/{fold}/fake",
                "transform": f"transform/{fold}",
            },
        )

    def _checks(self) -> Iterator[Task]:
        yield Task(
            name="premise",
            step="premise",
            stage="transform",
            settings={"fold": TARGET, "seed": self._seed("premise")},
            inputs={"load": "load", "value": f"value/{TARGET}/real"},
            cost=1.0,
        )
        yield Task(
            name="leaks",
            step="leaks",
            stage="protect",
            settings={"fold": TARGET, "seed": self._seed("leaks")},
            inputs={
                "load": "load",
                "generate": f"generate/{TARGET}",
                "transform": f"transform/{TARGET}",
                "reference": f"generate/{self.shadow_folds[0]}",
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
                "judge": f"train/{self.shadow_folds[0]}/ce/0",
            },
        )

    def _evaluate(self) -> Task:
        evaluate = self.settings.evaluate
        inputs = {"load": "load", "value": f"value/{TARGET}/real"}
        for name in evaluate.rows:
            for run in range(evaluate.runs):
                inputs[f"{name}/{TARGET}/{run}"] = f"train/{TARGET}/{name}/{run}"
            for fold in self.shadow_folds:
                for run in range(evaluate.shadows):
                    inputs[f"{name}/{fold}/{run}"] = f"train/{fold}/{name}/{run}"
        return Task(
            name="evaluate",
            step="evaluate",
            stage="evaluate",
            settings={
                "rows": list(evaluate.rows),
                "seed": self._seed("evaluate"),
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
                    "seed": self._seed("revalue"),
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
                settings={"rows": with_fakes, "seed": self._seed("migrate")},
                inputs={
                    "load": "load",
                    "evaluate": "evaluate",
                    "generate": f"generate/{TARGET}",
                },
                cost=0.3,
            )


def _trainings(row: Row, settings: Settings) -> float:
    """Return how many plain trainings on the members alone a row's training amounts to."""
    options = settings.options(row.defense)
    if row.equal_steps:
        return 1.0
    if row.defense == "selena":
        return 1 + float(options["teachers"] - options["unseen"])
    if row.defense == "static_copies":
        return float(options["copies"])
    several = {
        "dmp": 2.0,
        "adversarial_regularisation": 2.0,
        "dp_sgd": 3.0 * options.get("views", 1),
    }
    amount = settings.generate.amount
    sizes = {"real": 1.0, "fakes_alone": amount, "additive": 1.5 * (1 + amount)}
    return sizes.get(row.trains_on, 1 + amount) * several.get(row.defense, 1.0)
