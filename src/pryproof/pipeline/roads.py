"""The road of one fold, task by task: what is trained, valued, made and moved on its training set.

A fold is a training set by name: ``target`` (the members), ``shadowN`` (reference data), ``halfN``
(all members and half of the canaries), ``everyone`` (all members and all canaries). Where canaries
share a generator, halves take fakes, their valuation and the transform's networks from one fold.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pryproof import seeds
from pryproof.pipeline.margins import MARGINS
from pryproof.pipeline.rows import DRAWN, READS, ROWS, VALUES_FAKES, WITH_SAFER, Row
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import CHOSEN, EARLY, EVERYONE, HALF, SHADOW, TARGET, Task

TRIED = 5.0  # trainings that a choice of RelaxLoss's target takes, about
DONORS = {"shared": EVERYONE, "shared_public": f"{SHADOW}0"}  # canaries.generator -> whose it is


def extra_reals(settings: Settings) -> float:
    """Return how many real images a member, of its own, each fold needs beside its training set.

    >>> extra_reals(Settings()), extra_reals(Settings(evaluate={"rows": ["extra@steps"]}))
    (0.0, 1.0)
    """
    asked = any(ROWS[name].trains_on == "extra" for name in settings.evaluate.rows)
    return settings.generate.amount if asked else 0.0


class Roads:
    """Every task that belongs to one fold, for any fold of a study."""

    def __init__(self, settings: Settings, data_digest: str) -> None:
        self.settings = settings
        self.digest = data_digest
        self.shadow_folds = tuple(f"{SHADOW}{i}" for i in range(settings.evaluate.shadow_folds))
        self.halves = tuple(f"{HALF}{i}" for i in range(settings.canaries.halves))

    def seed(self, *names: str | int) -> int:
        """Return the seed of a named draw of this study."""
        return seeds.derive(self.settings.seed, *names)

    def load(self) -> Task:
        """Return the task that reads the images and cuts them into parts."""
        data, extra = self.settings.data, extra_reals(self.settings)
        fitted = data.members is None or data.evaluation is None
        canaries = self.settings.canaries
        planted = {"halves": canaries.halves, **canaries.counts}
        return Task(
            name="load",
            step="load",
            stage="load",
            settings={
                **data.model_dump(exclude={"source"}),
                "digest": self.digest,
                "shadow_folds": len(self.shadow_folds),
                "seed": self.seed("split"),
                # left out where no row needs it: other studies' images keep their key
                **({"room": extra} if extra and fitted else {}),
                **({"canaries": planted} if canaries.halves else {}),
            },
            where={"source": data.source},
        )

    def extra(self) -> Task:
        """Return the task that reads further real images for the rows that train on them."""
        load = self.load()
        return replace(
            load,
            name="extra",
            step="extra",
            settings={**load.settings, "extra": self.settings.generate.amount},
        )

    def runs(self, row: str, fold: str) -> int:
        """Return how many trainings of a row a fold needs."""
        evaluate, canaries = self.settings.evaluate, self.settings.canaries
        counts = {TARGET: evaluate.runs} | dict.fromkeys(self.shadow_folds, evaluate.shadows)
        wanted = counts.get(fold, 0) if row in evaluate.rows else 0
        if fold in self.halves and row in canaries.rows:
            wanted = canaries.runs
        if row == "relax_loss":
            wanted = max(wanted, self.settings.value.runs)
        if row == "ce" and fold in self.shadow_folds:
            wanted = max(wanted, 1)  # the independent classifier that judges the fakes' classes
        return wanted

    def real_rows(self, fold: str) -> Iterator[Task]:
        """Yield the trainings that need nothing but the fold's images."""
        yield from self._rows(fold, reading=False)

    def fake_rows(self, fold: str) -> Iterator[Task]:
        """Yield the trainings on what was made of the fold's images."""
        yield from self._rows(fold, reading=True)

    def _rows(self, fold: str, *, reading: bool) -> Iterator[Task]:
        for name, row in ROWS.items():
            if ("generate" in READS[row.trains_on]) == reading:
                for run in range(self.runs(name, fold)):
                    yield from self.trained(row, fold, name, run)

    def valuation(self, fold: str) -> Task:
        """Return the cuts of the ensemble that values a fold's images."""
        ensemble = range(self.settings.value.runs)
        return self.attack(fold, "real", [f"train/{fold}/relax_loss/{k}" for k in ensemble])

    def whole(self, fold: str) -> Iterator[Task]:
        """Yield the whole road of a fold: rows, valuation, fakes and what is made of them."""
        yield from self.real_rows(fold)
        yield self.valuation(fold)
        yield self.value(fold, "real", self.strangers(fold))
        yield from self.fakes(fold)
        yield from self.fake_rows(fold)

    def donor(self, fold: str) -> str:
        """Return the fold whose fakes and transform a fold uses: its own, but for some halves."""
        shared = DONORS.get(self.settings.canaries.generator, fold)
        return shared if fold in self.halves else fold

    def _place(self, role: str, fold: str) -> str:
        """Return the task that gives a training of a fold what it reads under this role."""
        donor = self.donor(fold)
        places = {
            "value": f"value/{fold}/real",
            "value_fake": f"value/{donor}/fake",
            "generate": f"generate/{donor}",
            "extra": "extra",
        }
        return places.get(role, f"{role}/{fold}")

    def train(self, row: Row, fold: str, name: str, run: int) -> Task:
        """Return one training of a row on the set of a fold."""
        settings = self.settings
        options: dict[str, Any] = {"padding": settings.train.padding}
        if row.defense == "none":
            options["padding"] = 0
        options |= settings.options(row.defense)
        if row.augments != "both":
            options["augments"] = row.augments
        chosen = options.get("alpha") == CHOSEN
        if chosen:
            del options["alpha"]
        recipe = settings.train.model_dump(exclude={"model", "padding", "early_share", "epochs"})
        share = settings.train.early_share if row.early else 1.0
        reads = {role: self._place(role, fold) for role in READS[row.trains_on]}
        if chosen:
            reads["alpha"] = _choice(row, fold)
        made: dict[str, Any] = {"trains_on": row.trains_on}
        if row.trains_on in DRAWN:  # one set for all runs of a fold, as there is one of fakes
            made |= {
                "amount": settings.generate.amount,
                "padding": settings.train.padding,
                "set_seed": self.seed("set", fold, row.trains_on),
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
                "reference": row.reference or chosen,
                "recipe": recipe | {"epochs": max(1, round(share * settings.train.epochs))},
                "seed": self.seed("train", fold, name, run),
            },
            inputs={"load": "load"} | reads,
            cost=share * _trainings(row, settings),
        )

    def trained(self, row: Row, fold: str, name: str, run: int) -> Iterator[Task]:
        """Yield one training, after the choice of RelaxLoss's target where it needs one."""
        training = self.train(row, fold, name, run)
        if "alpha" in training.inputs:
            inputs = {role: task for role, task in training.inputs.items() if role != "alpha"}
            seed = self.seed("choose alpha", training.inputs["alpha"])
            yield replace(
                training,
                name=training.inputs["alpha"],
                step="choose_alpha",
                settings={**training.settings, "seed": seed},
                inputs=inputs,
                cost=TRIED * training.cost,
            )
        yield training

    def attack(self, fold: str, source: str, runs: list[str]) -> Task:
        """Return the task that fits the cuts of valuing runs."""
        return Task(
            name=f"attack/{fold}/{source}",
            step="attack",
            stage="evaluate" if source == EARLY else "attack",
            settings={"fold": fold, "source": "fake" if source == "fake" else "real"},
            inputs={"load": "load"} | {f"run{k}": name for k, name in enumerate(runs)},
        )

    def strangers(self, fold: str) -> tuple[str, ...]:
        """Return whose runs tell a shadow fold, or a half, what models say of images new to them.

        Its own valuation must repeat the target's; the target's runs serve only in default of
        other shadow folds.
        """
        if not MARGINS[self.settings.value.margin].needs_unseen:
            return ()
        return tuple(other for other in self.shadow_folds if other != fold) or (TARGET,)

    def value(self, fold: str, source: str, unseen: tuple[str, ...]) -> Task:
        """Return the task that values what a fold trains on, or its fakes, beside strangers."""
        value = self.settings.value
        return Task(
            name=f"value/{fold}/{source}",
            step="value",
            stage={"real": "value", "fake": "generate", EARLY: "evaluate"}[source],
            settings={
                "fold": fold,
                "source": "fake" if source == "fake" else "real",
                **value.model_dump(exclude={"runs", "fake_runs"}),
                "seed": self.seed("value", fold, source),
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
            settings={**gan, "seed": self.seed("generate", fold)},
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
                "seed": self.seed("fakes", fold),
            },
            inputs={"load": "load", "generator": f"generator/{fold}"},
        )

    def fakes(self, fold: str) -> Iterator[Task]:
        """Yield what makes and values fakes, moves images between the domains, and protects."""
        if self.donor(fold) == fold:
            yield from self._made(fold)
        else:
            yield self._moved(fold)
        yield Task(
            name=f"protect/{fold}",
            step="protect",
            stage="protect",
            settings={"fold": fold},
            inputs={"load": "load"}
            | {
                role: self._place(role, fold)
                for role in ("value", "generate", "value_fake", "transform")
            },
        )

    def _made(self, fold: str) -> Iterator[Task]:
        settings = self.settings
        yield from self._generated(fold)
        runs = []
        for run in range(settings.value.fake_runs):
            (*choice, training) = self.trained(VALUES_FAKES, fold, "values_fakes", run)
            runs.append(training.name)
            yield from (*choice, training)
        yield self.attack(fold, "fake", runs)
        yield self.value(fold, "fake", ())
        yield Task(
            name=f"transform/{fold}",
            step="transform",
            stage="transform",
            settings={
                "fold": fold,
                "gan": settings.transform.model_dump(),
                "judged": fold == TARGET,  # only the target's is shown
                "seed": self.seed("transform", fold),
            },
            inputs={"load": "load", "value": f"value/{fold}/real", "generate": f"generate/{fold}"},
            cost=8.0,
        )

    def _moved(self, fold: str) -> Task:
        donor = self.donor(fold)
        return Task(
            name=f"transform/{fold}",
            step="move",
            stage="transform",
            settings={"fold": fold, "gan": self.settings.transform.model_dump()},
            inputs={"load": "load", "transform": f"transform/{donor}"},
            cost=0.5,
        )


def _choice(row: Row, fold: str) -> str:
    """Name the task that chooses the target of RelaxLoss, or CRL, for what a row trains on."""
    defense = "" if row.defense == "relax_loss" else f"@{row.defense}"
    return f"alpha/{fold}/{row.trains_on}{defense}" + ("@steps" if row.equal_steps else "")


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
