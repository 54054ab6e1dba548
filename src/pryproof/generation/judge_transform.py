"""Ask an independent classifier which domain transformed images belong to.

The discriminators of a CycleGAN cannot say it: they are what the generators learned to fool. Here
small CNNs are trained on other, untransformed images of both domains, and every image is judged by
one that saw neither it nor any transformed image.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.generation.domains import PremiseSettings, dealt_out, evened, judge_network
from pryproof.intervals import wilson
from pryproof.records import Estimate
from pryproof.training.predict import predict

METHOD = "Wilson; cross-fitted small CNN"


@dataclass(frozen=True, kw_only=True)
class Domains:
    """Untouched images of the domain a transform starts from, and of the one it aims at."""

    source: UInt8[np.ndarray, "sources height width channels"]
    target: UInt8[np.ndarray, "targets height width channels"]
    source_labels: Int64[np.ndarray, " sources"]
    target_labels: Int64[np.ndarray, " targets"]
    classes: int


@dataclass(frozen=True, kw_only=True)
class JudgedTransform:
    """Shares of images that are called the target domain, in [0, 1], with intervals.

    ``source`` (untransformed) is the floor, ``target`` (real images of the target domain) the
    ceiling, ``moved`` lies near the ceiling where the transform does what it should. Where floor
    and ceiling do not differ, the judge sees nothing and ``moved`` means nothing.
    """

    source: Estimate
    moved: Estimate
    target: Estimate


def judge_transform(
    domains: Domains,
    moved: UInt8[np.ndarray, "sources height width channels"],
    *,
    settings: PremiseSettings,
    seed: int,
    conditional: bool = False,
    asked: Bool[np.ndarray, " sources"] | None = None,
) -> JudgedTransform:
    """Judge ``moved``, the source images after the transform, in the same order.

    ``conditional``: the judge is told the label. It learns to name class and domain together, and
    its two answers for the label given are compared, so it sees domains that differ by label.
    ``asked`` chooses the source images that are judged, such as those ``paired.held_out`` names,
    which the CycleGAN never trained on; left out, all.
    """
    _check(domains, moved, settings)
    images = np.concatenate([domains.source, domains.target])
    labels = np.concatenate([domains.source_labels, domains.target_labels])
    domain = np.repeat([0, 1], [len(domains.source), len(domains.target)])
    cell = 2 * labels + domain
    fold = dealt_out(cell, settings.folds, seed)
    called = {"plain": np.zeros(len(images), bool), "moved": np.zeros(len(moved), bool)}
    for part in range(settings.folds):
        draw = seeds.derive(seed, "judge", part)
        strata = labels if conditional else np.zeros_like(labels)
        rows = evened(_both_sided(np.flatnonzero(fold != part), cell, strata), domain, strata, draw)
        model = judge_network(
            images[rows],
            cell[rows] if conditional else domain[rows],
            classes=2 * domains.classes if conditional else 2,
            settings=settings,
            seed=draw,
        )
        for name, given in (("plain", images), ("moved", moved)):
            held = np.flatnonzero(fold[: len(given)] == part)
            first = 2 * labels[held] if conditional else np.zeros(len(held), dtype=np.int64)
            called[name][held] = _for_target(predict(model, given[held]), first)
    chosen = np.ones(len(moved), bool) if asked is None else asked
    count = len(moved)
    return JudgedTransform(
        source=_share(called["plain"][:count][chosen]),
        moved=_share(called["moved"][chosen]),
        target=_share(called["plain"][count:]),
    )


def _check(domains: Domains, moved: np.ndarray, settings: PremiseSettings) -> None:
    if min(len(domains.source), len(domains.target)) < settings.folds:
        raise DataError(
            "E045",
            f"both domains need {settings.folds} images or more,"
            f" got {len(domains.source)} and {len(domains.target)}",
            fix="Give more images, or fewer folds.",
        )
    if moved.shape != domains.source.shape:
        raise DataError(
            "E056",
            f"moved images must be of the sources' shape {domains.source.shape}, got {moved.shape}",
            fix="Transform every source image, in order.",
        )


def _both_sided(rows: np.ndarray, cell: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Keep the rows whose stratum has both domains: one alone has nothing to be compared with."""
    first, second = (strata[rows[cell[rows] % 2 == side]] for side in (0, 1))
    return rows[np.isin(strata[rows], np.intersect1d(first, second))]


def _for_target(
    logits: Float[np.ndarray, "images answers"], first: Int64[np.ndarray, " images"]
) -> Bool[np.ndarray, " images"]:
    here = np.arange(len(logits))
    return logits[here, first + 1] > logits[here, first]


def _share(called: np.ndarray) -> Estimate:
    if not len(called):
        nan = float("nan")
        return Estimate(value=nan, low=nan, high=nan, n=0, method="no image was asked about")
    low, high = wilson(int(called.sum()), len(called))
    return Estimate(
        value=float(called.mean()), low=float(low), high=float(high), n=len(called), method=METHOD
    )
