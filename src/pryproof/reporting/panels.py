"""Panels of a figure as plain records: every renderer draws the same numbers."""

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
    """Settings in a plane, each with its intervals and a third estimate that the legend names."""

    title: str
    x_title: str
    y_title: str
    points: tuple[tuple[str, Estimate, Estimate], ...]
    log_x: bool = False


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


Panel = Histogram | Bars | Lines | Points | Table | Images
