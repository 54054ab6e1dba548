"""Sizes so small that all recipes take seconds together, and what one run of them all left."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.tiny import settings, write_npz
from pryproof.engine.local import Event
from pryproof.generation import paired
from pryproof.pipeline.settings import Machine
from pryproof.recipes.figure import Figure
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Recipe
from pryproof.recipes.reproduction import Measured, Reproduction
from pryproof.recipes.sizes import Size

RUNS = 2


def nano(source: Path, *more: str) -> Size:
    """Return a size of two epochs, two runs and 80 members, with ``more`` settings on top."""
    return Size(
        name="tiny",
        base=settings(source, "train.epochs=2", *more),
        runs=RUNS,
        ensemble=RUNS,
        judged=RUNS,
        shadows=RUNS,
        models=("small_cnn", "small_resnet", "hivit_tiny"),
        halves=4,
        canaries=4,
    )


def reading(recipe: Recipe, kept: dict[str, dict[str, Opened]]) -> Recipe:
    """Return the recipe, which also keeps what it was given to read."""

    def read(opened: dict[str, Opened], size: Size) -> Figure:
        kept[recipe.name] = opened
        return recipe.read(opened, size)

    return replace(recipe, read=read)


@dataclass(frozen=True)
class Whole:
    """All recipes once, in one workspace: figures, what they were read from, jobs by name."""

    folder: Path
    size: Size
    measured: dict[str, Measured]
    opened: dict[str, dict[str, Opened]]
    jobs: list[str]


def reproduce(folder: Path, size: Size, recipes: dict[str, Recipe]) -> Whole:
    """Run recipes in a folder."""
    jobs: list[str] = []
    kept: dict[str, dict[str, Opened]] = {}

    def note(event: Event) -> None:
        if event.kind == "finished":
            jobs.append(event.job)

    made = Reproduction(
        folder,
        size=size,
        recipes=[reading(recipe, kept) for recipe in recipes.values()],
        machine=Machine(workers=0, device="cpu"),
    )
    measured = {each.recipe.name: each for each in made.run(on_event=note)}
    return Whole(folder=folder, size=size, measured=measured, opened=kept, jobs=jobs)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Return all recipes, run once."""
    folder = tmp_path_factory.mktemp("reproduction")
    # few members may leave a class on one side only, and no images to draw class by class
    quick = ("defenses.selena={teachers=3, unseen=1}", "transform.stratified=false")
    size = nano(write_npz(folder / "tiny.npz"), *quick)
    # the third network, a transformer, would take longer than all the rest: another stands in
    size = replace(size, models=(*size.models[:2], size.models[1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paired, "LEAST_HELD", 4)  # three fifths of 80 make domains of 12
        return reproduce(folder / "workspace", size, FIGURES)
