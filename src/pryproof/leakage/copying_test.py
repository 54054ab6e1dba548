"""The data-copying test C_T (Meehan, Chaudhuri and Dasgupta 2020): fakes near the train set.

In each cell of the space, distances to the nearest train image are compared: those of fakes with
those of held-out real images, by the z of a Mann-Whitney test. C_T is the mean of z over cells,
weighted by their held-out images. Cells keep apart what one average would cancel: copies in one
place, and a lack of fakes in another.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64, Int64

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.distances.nearest import nearest
from pryproof.evaluation.crossed import auc_of
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import area, refuse_unusable, steps
from pryproof.intervals import two_sided
from pryproof.records import Estimate

Fakes = Float[np.ndarray, "fakes width"]
Train = Float[np.ndarray, "train width"]
HeldOut = Float[np.ndarray, "held width"]
Distances = Float64[np.ndarray, "..."]
Project = Callable[[Float[np.ndarray, "..."]], Float64[np.ndarray, "..."]]

CELLS, COMPONENTS = 3, 64
LEAST = 20  # fakes, and held-out images, that a cell needs
ROUNDS = 100  # of k-means, at most
STARTS = 5  # of k-means, of which the tightest is kept


@dataclass(frozen=True, kw_only=True)
class CopyingTest:
    """C_T, and what it rests on, cell by cell; z of a cell with too few images is NaN.

    ``ct`` is in standard errors of single cells: well below 0 = fakes lie closer to the train set
    than unseen reals do (copying), well above 0 = further (poor fakes). Its interval is what chance
    alone would add: where it holds 0, nothing is shown. ``z`` is C_T over its standard error, near
    standard normal if fakes are drawn as the reals are. Smooth fakes lie closer to all images, and
    read as copies: ``control`` is C_T with train and held-out images exchanged, which sees no
    copies. Only a ``ct`` well below ``control`` shows copying. ``closer`` is the chance that a fake
    of no cell in particular lies closer to the train set than a held-out real does; 0.5 = no sign.
    """

    ct: Estimate
    control: Estimate
    z: float
    closer: Estimate
    cell_z: Float64[np.ndarray, " cells"]
    cell_fakes: Int64[np.ndarray, " cells"]
    cell_held_out: Int64[np.ndarray, " cells"]


def copying_test(
    fakes: Fakes,
    train: Train,
    held_out: HeldOut,
    *,
    seed: int,
    cells: int = CELLS,
    components: int = COMPONENTS,
    confidence: float = 0.95,
) -> CopyingTest:
    """Test features of fakes for copies of ``train``; ``seed`` fixes where the cells begin.

    The axes are the principal components of ``train``; the cells are those of k-means on it.
    """
    refuse_unusable(fakes=fakes, train=train, held_out=held_out)
    _refuse_cells(cells, min(len(train), len(held_out)))
    tested = [
        _tested(fakes, *reals, cells=cells, components=components, seed=seed, confidence=confidence)
        for reals in ((train, held_out), (held_out, train))
    ]
    return replace(tested[0], control=tested[1].ct)


def _tested(
    fakes: Fakes,
    train: Train,
    held_out: HeldOut,
    *,
    cells: int,
    components: int,
    seed: int,
    confidence: float,
) -> CopyingTest:
    """Return the test without its control."""
    project = principal_components(train, most=components)
    sides = [project(side) for side in (fakes, train, held_out)]
    centres = k_means(sides[1], cells, seed=seed)
    to_train = [nearest(side, sides[1]).distance[:, 0] for side in (sides[0], sides[2])]
    cell = [_assigned(side, centres)[0] for side in (sides[0], sides[2])]
    counts = [np.bincount(side, minlength=cells) for side in cell]
    found = np.array(
        [
            mann_whitney_z(to_train[0][cell[0] == each], to_train[1][cell[1] == each])
            if min(counts[0][each], counts[1][each]) >= LEAST
            else np.nan
            for each in range(cells)
        ]
    )
    ct, z = _weighted(found, counts[1], len(fakes) + len(held_out), confidence)
    scores = -np.concatenate(to_train)[None]
    is_fake = (np.arange(scores.shape[1]) < len(fakes))[None]
    return CopyingTest(
        ct=ct,
        control=not_estimable("not asked"),
        z=z,
        closer=auc_of(scores, is_fake, ~is_fake, confidence=confidence),
        cell_z=found,
        cell_fakes=counts[0],
        cell_held_out=counts[1],
    )


def mann_whitney_z(first: Distances, second: Distances) -> float:
    """Return the z of the first side's ranks, with correction for ties; < 0 = first is smaller.

    0 where all values are equal.

    >>> round(mann_whitney_z(np.array([1.0, 2.0]), np.array([3.0, 4.0])), 4)
    -1.5492
    """
    n, m = len(first), len(second)
    together = n + m
    _, ties = np.unique(np.concatenate([first, second]), return_counts=True)
    tied = float(np.sum(ties.astype(np.float64) ** 3 - ties)) / (together * (together - 1))
    variance = n * m / 12 * (together + 1 - tied)
    if variance <= 0:
        return 0.0
    return (area(steps(first, second)) - 0.5) * n * m / float(np.sqrt(variance))


def principal_components(train: Train, *, most: int) -> Project:
    """Return the projection on the directions in which ``train`` varies most, about its mean."""
    centre = train.mean(axis=0, dtype=np.float64)
    centred = train - centre
    _, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    basis = directions[:, ::-1][:, :most]
    return lambda side: (side - centre) @ basis


def k_means(
    points: Float64[np.ndarray, "points width"], cells: int, *, seed: int
) -> Float64[np.ndarray, "cells width"]:
    """Return the centres of the tightest of several runs, each begun by k-means++.

    A cell that loses all its points keeps its centre.
    """
    best, least = points[:cells], np.inf
    for start in range(STARTS):
        centres = _begin(points, cells, seeds.generator(seed, "k-means", start))
        total = np.inf
        for _ in range(ROUNDS):
            cell, squares = _assigned(points, centres)
            spread = float(squares.sum())
            centres = np.array(
                [
                    points[cell == each].mean(axis=0) if np.any(cell == each) else centres[each]
                    for each in range(cells)
                ]
            )
            if spread >= total * (1 - 1e-9):
                break
            total = spread
        if total < least:
            best, least = centres, total
    return best


def _begin(
    points: Float64[np.ndarray, "points width"], cells: int, draw: np.random.Generator
) -> Float64[np.ndarray, "cells width"]:
    """Draw points as centres, each with a chance by its squared distance to those before it."""
    chosen = [int(draw.integers(len(points)))]
    while len(chosen) < cells:
        reached = np.cumsum(_assigned(points, points[chosen])[1])
        place = int(np.searchsorted(reached, draw.random() * reached[-1], side="right"))
        chosen.append(min(place, len(points) - 1))
    return points[chosen]


def _assigned(
    points: Float64[np.ndarray, "points width"], centres: Float64[np.ndarray, "cells width"]
) -> tuple[Int64[np.ndarray, " points"], Float64[np.ndarray, " points"]]:
    """Return each point's nearest centre and the squared distance; centres are few."""
    squares = np.stack([np.square(points - centre).sum(axis=1) for centre in centres])
    cell = squares.argmin(axis=0)
    return cell, squares[cell, np.arange(len(points))]


def _weighted(
    z: Float64[np.ndarray, " cells"],
    held_out: Int64[np.ndarray, " cells"],
    n: int,
    confidence: float,
) -> tuple[Estimate, float]:
    """Return C_T with what chance adds to it, and C_T over its standard error."""
    usable = ~np.isnan(z)
    if not usable.any():
        why = f"no cell holds {LEAST} fakes and {LEAST} held-out images"
        return not_estimable(why, n=n, confidence=confidence), float("nan")
    share = held_out[usable] / held_out[usable].sum()
    value, error = float(share @ z[usable]), float(np.sqrt(np.sum(share**2)))
    half = two_sided(confidence) * error
    ct = Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n=n,
        confidence=confidence,
        method=f"law without copying, {usable.sum()} of {len(z)} cells",
    )
    return ct, value / error


def _refuse_cells(cells: int, train: int) -> None:
    if not 1 <= cells <= train:
        raise ConfigurationError(
            "E044",
            f"the number of cells must lie between 1 and {train}, got {cells}",
            fix=f"Leave it at {CELLS}.",
        )
