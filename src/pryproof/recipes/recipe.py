"""A recipe: which runs one figure needs, and how its panels and claims are read off them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import TARGET
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import Size


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a recipe needs of one study: rows with so many target runs, and single tasks.

    Runs of a row are the same in every study that agrees on what they depend on, whoever asks:
    they are trained once.
    """

    settings: Settings
    rows: Mapping[str, int] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the names of the tasks wanted, without those they rest on."""
        trainings = (
            f"train/{TARGET}/{row}/{run}" for row, runs in self.rows.items() for run in range(runs)
        )
        return (*trainings, *self.tasks)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One figure or table of the paper, or one of ours.

    ``needs`` says which studies by a name of the recipe's own; ``read`` gets them opened under
    these names. ``source`` is where the paper has it, ``claims`` how many ``read`` checks at any
    size.
    """

    name: str
    title: str
    source: str
    claims: int
    needs: Callable[[Size], Mapping[str, Need]]
    read: Callable[[Mapping[str, Opened], Size], Figure]
