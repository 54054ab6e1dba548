"""Reproduce figures of the paper by name: one call from the size to the claims."""

import os
import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pryproof.checks import ConfigurationError, known_name
from pryproof.pipeline.run import OnEvent
from pryproof.pipeline.settings import Machine
from pryproof.recipes import sizes
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.outcome import Reproduced, require_paper
from pryproof.recipes.recipe import Recipe
from pryproof.recipes.reproduction import Reproduction, planned, quiet, together
from pryproof.recipes.sizes import Size

__all__ = ["default_folder", "listed", "recipes", "reproduce", "require_paper", "sized"]

ALL = "all"
RUNS = "runs"  # of a histogram over runs; the other numbers of runs are settings of a study
LEAST_RUNS = 2


def _panels() -> dict[str, str]:
    """Return which recipe shows a panel that no recipe is named after: Figure 1a, b is fig1a."""
    found = {}
    for name, recipe in FIGURES.items():
        number, _, letters = recipe.source.removeprefix("Figure ").partition(", ")
        for letter in letters.split(", "):
            if re.fullmatch(r"[a-z]", letter):
                found[f"fig{number.rstrip(string.ascii_lowercase)}{letter}"] = name
    return {panel: name for panel, name in found.items() if panel not in FIGURES}


PANELS = _panels()


def reproduce(
    names: str | Sequence[str],
    *,
    size: str = "tiny",
    data: str | os.PathLike[str] | None = None,
    label: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    overrides: Iterable[str] = (),
    machine: Machine | None = None,
    on_event: OnEvent = quiet,
) -> Reproduced:
    """Train what figures of the paper need, and check what it claims of them.

    ``names`` are keys of ``recipes.figures.FIGURES``, or "all". ``size`` is "tiny" (embedded
    images), "small" or "paper" (give CIFAR-100 as ``data``; ``label`` names another column than
    the size's). ``folder`` (default ``reproduce-SIZE``) keeps every run: the same call continues,
    and a finished one trains nothing. ``overrides`` are ``key=value``, as ``train.epochs=3``, or
    ``runs=4`` for the figures that count over runs.

    Raises ConfigurationError, DataError or MachineError before anything is written where names,
    images, networks or device cannot be had. A figure too many of whose runs diverged is named in
    ``missing``, and the others are made.
    """
    recipes(names)  # an unknown name is refused before the images are looked for
    changes = tuple(overrides)
    source = None if data is None else os.fspath(data)
    made = sized(sizes.size(size, source, label=label), changes)
    chosen = recipes(names, too_dear=made.too_dear)
    work = Reproduction(
        folder if folder is not None else default_folder(size),
        size=made,
        recipes=chosen,
        machine=machine,
    )
    figures = tuple(work.run(on_event=on_event))
    return Reproduced(
        size=made,
        digest=work.digest,
        changes=changes,
        figures=figures,
        records=tuple(work.records()),
    )


def default_folder(size: str) -> Path:
    """Return the folder a reproduction at a size lies in unless another is named.

    >>> default_folder("tiny").name
    'reproduce-tiny'
    """
    return Path(f"reproduce-{size}")


def recipes(names: str | Sequence[str], *, too_dear: Sequence[str] = ()) -> tuple[Recipe, ...]:
    """Return recipes by name, each once, in the paper's order; a panel names what shows it.

    "all" leaves out those that are ``too_dear``; naming one asks for it all the same.

    >>> [recipe.name for recipe in recipes("fig1b")]
    ['fig1a']
    >>> [recipe.name for recipe in recipes(["table2", "fig1a", "table2"])]
    ['fig1a', 'table2']
    """
    given = [names] if isinstance(names, str) else names
    asked = {PANELS.get(name, name) for name in given}
    if not asked:
        raise ConfigurationError("E041", "name a figure", fix=f"fig1a, or {ALL}.")
    for name in sorted(asked):
        known_name(name, [*FIGURES, ALL], kind="figure")
    affordable = FIGURES.keys() - set(too_dear) if ALL in asked else set()
    return tuple(recipe for name, recipe in FIGURES.items() if name in asked | affordable)


def sized(made: Size, overrides: Sequence[str]) -> Size:
    """Return a size with ``key=value`` on top; what it affords follows its settings.

    A network keeps its own training unless one of its keys is given: then it trains like all.

    >>> changed = sized(sizes.size("tiny"), ["value.runs=3", "runs=4"])
    >>> changed.ensemble, changed.runs
    (3, 4)
    """
    runs = made.runs
    kept = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key.strip() == RUNS:
            runs = _runs(value)
        else:
            kept.append(override)
    base = made.base.changed(kept)
    return replace(
        made,
        base=base,
        runs=runs,
        ensemble=base.value.runs,
        judged=base.evaluate.runs,
        shadows=base.evaluate.shadows,
        models=(base.train.model, *made.models[1:]),
        training=tuple(() if _keys(own) & _keys(kept) else own for own in made.training),
    )


def _keys(overrides: Iterable[str]) -> set[str]:
    return {override.partition("=")[0].strip() for override in overrides}


def _runs(value: str) -> int:
    if not value.strip().isdecimal() or int(value) < LEAST_RUNS:
        raise ConfigurationError(
            "E043",
            f"{RUNS}: must be a whole number of at least {LEAST_RUNS}, got {value!r}",
            where="--set",
            fix=f"Write {RUNS}=4.",
        )
    return int(value)


def listed(
    names: str | Sequence[str] = ALL, *, size: str = "tiny", overrides: Iterable[str] = ()
) -> tuple[list[str], list[list[Any]], list[str]]:
    """Return columns, rows and notes of the recipes and what each needs at a size; trains nothing.

    A plain training is one run on the members alone, without fakes, copies or teachers.
    """
    chosen = recipes(names)
    made = sized(sizes.size(size, "images"), tuple(overrides))  # no image is read
    rows = [
        [recipe.name, recipe.title, recipe.source, recipe.claims, *_needed(made, (recipe,))]
        for recipe in chosen
    ]
    trainings, tasks, worth = _needed(made, chosen)
    columns = ["name", "title", "source", "claims", "trainings", "tasks", "plain trainings"]
    said = (
        f"Together, shared runs once: {trainings} trainings, {tasks} tasks, the work of {worth} "
        f"plain trainings of {made.base.train.epochs} epochs at the size {made.name}, "
        f"{sum(recipe.claims for recipe in chosen)} claims."
    )
    return columns, rows, [said]


def _needed(made: Size, chosen: Sequence[Recipe]) -> tuple[int, int, int]:
    """Return how many trainings and tasks recipes need, and the cost in plain trainings."""
    # which runs are shared does not hang on the images
    tasks = [item.task for item in together(planned(chosen, made, digest=""))]
    trainings = sum(task.step == "train" for task in tasks)
    return trainings, len(tasks), round(sum(task.cost for task in tasks))
