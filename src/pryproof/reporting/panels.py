"""Panels of a figure as plain records: every renderer draws the same numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int64, UInt8

from pryproof.records import Estimate


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts of samples by a quantity, a series each; a legend says what else is known of it."""

    title: str
    x_title: str
    y_title: str
    edges: Float[np.ndarray, " edges"]
    series: tuple[tuple[str, Int64[np.ndarray, " bins"]], ...]
    log_x: bool = False  # the edges are spaced that way


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Groups of bars: in every group one estimate a series."""

    title: str
    y_title: str
    groups: tuple[str, ...]
    series: tuple[tuple[str, tuple[Estimate, ...]], ...]
    chance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Curves on common axes; ``scale`` of both axes. ROC curves are drawn once on each."""

    title: str
    x_title: str
    y_title: str
    series: tuple[tuple[str, Float[np.ndarray, " points"], Float[np.ndarray, " points"]], ...]
    scale: Literal["linear", "log"] = "linear"
    diagonal: bool = False


@dataclass(frozen=True, kw_only=True)
class Points:
    """Settings in a plane: privacy along x, what it costs along y, both with their intervals.

    ``chance`` is what a guess scores on x. Points named in ``faint`` are drawn so, and
    ``faint_words`` say in a sentence what that means.
    """

    title: str
    x_title: str
    y_title: str
    points: tuple[tuple[str, Estimate, Estimate], ...]
    log_x: bool = False
    chance: float | None = None
    faint: frozenset[str] = frozenset()
    faint_words: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Estimates in rows and columns; a cell may be words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Estimate | str, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Images:
    """A grid of images, one caption each."""

    title: str
    images: UInt8[np.ndarray, "n h w c"]
    captions: tuple[str, ...]
    columns: int


Plotted = Histogram | Bars | Lines | Points
Panel = Plotted | Table | Images


def estimates(panel: Panel) -> Iterator[tuple[str, Estimate]]:
    """Walk over every estimate of a panel, each with the words that say what it is."""
    match panel:
        case Bars():
            named = (
                (f"{group}, {name}", found)
                for name, row in panel.series
                for group, found in zip(panel.groups, row, strict=True)
            )
        case Points():
            named = (
                (f"{name}, {title}", found)
                for name, *pair in panel.points
                for title, found in zip((panel.x_title, panel.y_title), pair, strict=True)
            )
        case Table():
            named = (
                (f"{name}, {column}", cell)
                for name, row in panel.rows
                for column, cell in zip(panel.columns, row, strict=True)
                if isinstance(cell, Estimate)
            )
        case _:
            return
    yield from named
