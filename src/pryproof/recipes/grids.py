"""Figures 10 and 11 of the paper: real images beside generated ones of the same classes."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Int64

from pryproof.pipeline.task import TARGET
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.provenance import images as images_of
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size
from pryproof.reporting.panels import Images

COLUMNS = 10  # classes shown, evenly spread over all
ROWS = 4  # images of each

DRAWN = {"fig10": "CIFAR-100", "fig11": "Tiny-ImageNet"}  # what the paper shows


def _needs(size: Size) -> dict[str, Need]:
    return {"base": Need(settings=size.base, tasks=("load", f"generate/{TARGET}"))}


def shown(labels: Int64[np.ndarray, " images"], classes: int) -> Int64[np.ndarray, " places"]:
    """Return the places of a grid's images, row by row, a class in every column.

    The first of each class are taken, so nobody picks; a class with fewer repeats them.

    >>> shown(np.array([0, 1, 0, 1]), 2)
    array([0, 1, 2, 3, 0, 1, 2, 3])
    """
    chosen = np.linspace(0, classes - 1, min(COLUMNS, classes)).round().astype(np.int64)
    columns = [np.flatnonzero(labels == label) for label in chosen.tolist()]
    return np.stack([np.resize(each, ROWS) for each in columns if each.size], axis=1).ravel()


def _grid(title: str, images: np.ndarray, labels: np.ndarray, names: list[str]) -> Images:
    places = shown(labels, len(names))
    return Images(
        title=title,
        images=images[places],
        captions=tuple(names[label] for label in labels[places].tolist()),
        columns=len(places) // ROWS,
    )


def _read_of(images: str) -> Callable[[Mapping[str, Opened], Size], Figure]:
    def read(opened: Mapping[str, Opened], size: Size) -> Figure:
        study = opened["base"]
        data, made = study.data, study.results[f"generate/{TARGET}"].arrays
        members = data.parts["members"]
        real = _grid("Real images", data.images[members], data.labels[members], data.classes)
        fake = _grid("Generated images", made["fakes"], made["fakes_labels"], data.classes)
        return Figure(
            panels=(real, fake),
            claims=(),
            notes=(
                (
                    f"The paper shows {images}; these images are from {images_of(size.base)}. "
                    "How far generated ones lie from real ones is for a study's check of fakes."
                ),
            ),
        )

    return read


GRIDS: dict[str, Recipe] = {
    name: Recipe(
        name=name,
        title=f"Real and generated images, {images} in the paper",
        source=f"Figure {name.removeprefix('fig')}",
        claims=0,
        needs=_needs,
        read=_read_of(images),
    )
    for name, images in DRAWN.items()
}
