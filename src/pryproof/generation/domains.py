"""The premise of the transform: that one can see whether an image is safe or risky.

If a small network cannot tell the domains apart on images it has not seen, a CycleGAN between them
can learn nothing about privacy; if the label or a few pixel statistics tell them apart as well, it
can learn class or contrast only (methods 7, findings 4).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64, UInt8
from torch import nn

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.generation.pixel_statistics import logistic_decision, pixel_statistics
from pryproof.models.resolve import build
from pryproof.training.defense import Defense
from pryproof.training.loop import Progress, silent, train
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe

VIEWS = ("image", "image_within", "pixels", "pixels_within", "label")
LEAST_WITHIN = 0.6  # within-class accuracy below which only class or contrast is learned
AS_GOOD = 0.02  # balanced accuracies this near count as equal


@dataclass(frozen=True, kw_only=True)
class PremiseSettings:
    """How the small network is trained, and in how many parts every image is held out once."""

    folds: int = 5
    epochs: int = 10
    batch: int = 64
    learning_rate: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Premise:
    """Who was told apart while held out: images in the order safe, then risky.

    For each of ``VIEWS``, ``hits`` is 1 where the domain was guessed right, 0 where wrong, .5 where
    nothing speaks for either; ``weights`` sum to 1, so ``(hits * weights).sum()`` is the balanced
    accuracy (.5 = chance), and a weight of 0 leaves an image out. ``image`` is a small CNN,
    ``pixels`` a logistic regression on nine statistics, ``label`` the class's majority domain.
    ``*_within`` are trained where class says nothing, and judged as the mean over classes of the
    balanced accuracy in each. Every class with ``folds`` images in both domains counts there.
    """

    hits: dict[str, Float[np.ndarray, " images"]]
    weights: dict[str, Float[np.ndarray, " images"]]
    classes_within: int

    def accuracy(self, view: str) -> float:
        """Return the balanced accuracy of a view, in [0, 1]."""
        return float((self.hits[view] * self.weights[view]).sum())

    def effective(self, view: str) -> float:
        """Return how many equally weighted images a view's accuracy is worth."""
        weights = self.weights[view]
        return float(1.0 / np.square(weights).sum()) if weights.any() else 0.0


def domain_premise(
    safe: UInt8[np.ndarray, "safes height width channels"],
    risky: UInt8[np.ndarray, "riskies height width channels"],
    safe_labels: Int64[np.ndarray, " safes"],
    risky_labels: Int64[np.ndarray, " riskies"],
    *,
    classes: int,
    settings: PremiseSettings,
    seed: int,
    progress: Progress = silent,
) -> Premise:
    """Cross-validate five ways of telling safe from risky; every image is held out once."""
    if min(len(safe), len(risky)) < settings.folds:
        raise ConfigurationError(
            "E045",
            f"both domains need {settings.folds} images or more,"
            f" got {len(safe)} safe and {len(risky)} risky",
            where="value.share",
            fix="Raise value.share or value.minimum, or set value.rule to mean_rank.",
        )
    problem = _problem(safe, risky, safe_labels, risky_labels, classes=classes, settings=settings)
    fold = dealt_out(problem.cell, settings.folds, seed)
    hits = {view: np.full(len(fold), 0.5) for view in VIEWS}
    for part in range(settings.folds):
        for view, asked, right in _judged(problem, fold, part, settings=settings, seed=seed):
            hits[view][asked] = right
        progress((part + 1) / settings.folds, f"part {part + 1} of {settings.folds}")
    overall, within = _balance(problem.domain), problem.within[problem.labels]
    inside = np.where(within, _balance(problem.cell), 0.0)
    inside = inside / inside.sum() if within.any() else inside
    return Premise(
        hits=hits,
        weights={view: inside if view.endswith("_within") else overall for view in VIEWS},
        classes_within=int(problem.within.sum()),
    )


class _Problem(NamedTuple):
    """Both domains in one row of images."""

    images: np.ndarray
    statistics: np.ndarray
    labels: np.ndarray
    domain: np.ndarray  # 0 safe, 1 risky
    cell: np.ndarray  # one number for each domain and label
    within: np.ndarray  # a class: are there enough images in both domains to judge within it?


def _problem(
    safe: np.ndarray,
    risky: np.ndarray,
    safe_labels: np.ndarray,
    risky_labels: np.ndarray,
    *,
    classes: int,
    settings: PremiseSettings,
) -> _Problem:
    images = np.concatenate([safe, risky])
    labels = np.concatenate([safe_labels, risky_labels])
    domain = np.repeat(np.array([0, 1]), [len(safe), len(risky)])
    cell = domain * classes + labels
    counts = np.bincount(cell, minlength=2 * classes).reshape(2, classes)
    return _Problem(
        images=images,
        statistics=pixel_statistics(images),
        labels=labels,
        domain=domain,
        cell=cell,
        within=counts.min(axis=0) >= settings.folds,
    )


def dealt_out(
    cell: Int64[np.ndarray, " images"], folds: int, seed: int
) -> Int64[np.ndarray, " images"]:
    """Deal every domain's images of every label out evenly, in a drawn order."""
    order = seeds.generator(seed, "premise", "folds").permutation(len(cell))
    order = order[np.argsort(cell[order], kind="stable")]
    fold = np.empty(len(cell), dtype=np.int64)
    fold[order] = np.arange(len(cell)) % folds
    return fold


def _judged(
    problem: _Problem, fold: np.ndarray, part: int, *, settings: PremiseSettings, seed: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield, for each view: its name, the images held out, and whether each was guessed right."""
    fit, held = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
    classes = len(problem.within)
    yield "label", held, _label_hits(problem.cell[fit], problem.cell[held], classes)
    nothing = np.zeros_like(problem.labels)
    everyone = (fit, held, problem.domain, nothing)
    judgeable = [rows[problem.within[problem.labels[rows]]] for rows in (fit, held)]
    inside = (*judgeable, problem.cell, problem.labels)
    for suffix, (rows, asked, group, strata) in (("", everyone), ("_within", inside)):
        if len(asked) == 0:
            continue
        target = problem.domain[rows]
        statistics = problem.statistics
        guess = logistic_decision(
            statistics[rows], target, _balance(group[rows]), statistics[asked]
        )
        yield f"pixels{suffix}", asked, (guess > 0) == (problem.domain[asked] == 1)
        draw = seeds.derive(seed, "premise", part, suffix)
        even = evened(rows, problem.domain, strata, draw)
        guess = _network_decision(problem, even, asked, settings=settings, seed=draw)
        yield f"image{suffix}", asked, (guess > 0) == (problem.domain[asked] == 1)


def _label_hits(fit: np.ndarray, held: np.ndarray, classes: int) -> np.ndarray:
    """Guess the domain that holds the larger share of its images in this class; .5 for a tie."""
    counts = np.bincount(fit, minlength=2 * classes).reshape(2, classes)
    shares = counts / counts.sum(axis=1, keepdims=True)
    lean = np.sign(shares[1] - shares[0])[held % classes]
    truth = np.where(held // classes == 1, 1.0, -1.0)
    return 0.5 + 0.5 * lean * truth


def _balance(group: np.ndarray) -> np.ndarray:
    """Weigh every group the same, all images together 1."""
    weights = 1.0 / np.bincount(group)[group]
    return weights / weights.sum()


def evened(
    rows: Int64[np.ndarray, " rows"],
    domain: Int64[np.ndarray, " images"],
    strata: Int64[np.ndarray, " images"],
    seed: int,
) -> Int64[np.ndarray, " repeated"]:
    """Repeat images until, in every stratum, both domains have as many as the larger."""
    even = []
    for stratum in np.unique(strata[rows]):
        own = rows[strata[rows] == stratum]
        sides = [own[domain[own] == side] for side in (0, 1)]
        most = max(len(side) for side in sides)
        for name, side in enumerate(sides):
            order = seeds.generator(seed, "even", int(stratum), name).permutation(len(side))
            even.append(np.resize(side[order], most))
    return np.concatenate(even)


def _network_decision(
    problem: _Problem, rows: np.ndarray, asked: np.ndarray, *, settings: PremiseSettings, seed: int
) -> np.ndarray:
    """Train a small CNN on ``rows``; return its logit margin for risky on ``asked``."""
    model = judge_network(
        problem.images[rows], problem.domain[rows], classes=2, settings=settings, seed=seed
    )
    logits = predict(model, problem.images[asked])
    return logits[:, 1] - logits[:, 0]


def judge_network(
    images: UInt8[np.ndarray, "images height width channels"],
    target: Int64[np.ndarray, " images"],
    *,
    classes: int,
    settings: PremiseSettings,
    seed: int,
) -> nn.Module:
    """Train the small CNN that tells domains apart, here and in ``judge_transform``."""
    _, height, width, channels = images.shape
    model = build("small_cnn", classes=classes, shape=(height, width, channels), seed=seed)
    recipe = Recipe(
        epochs=settings.epochs, batch=settings.batch, learning_rate=settings.learning_rate
    )
    train(model, images, target, defense=Defense(), recipe=recipe, seed=seed)
    return model


def premise_warnings(premise: Premise) -> tuple[str, ...]:
    """Say in plain sentences what a transform between these domains could not learn.

    Compared are balanced accuracies (.5 = chance); one is as good as the network's when it reaches
    it less ``AS_GOOD``.
    """
    found, whole = [], premise.accuracy("image")
    if premise.classes_within == 0:
        found.append("no class has enough images in both domains to tell privacy from class")
    else:
        found += _within_warnings(premise)
    if premise.accuracy("label") >= whole - AS_GOOD:
        found.append(
            f"the class label alone tells the domains apart ({premise.accuracy('label'):.0%}) as"
            f" well as a network that sees the image ({whole:.0%}): the domains are classes"
        )
    return tuple(found)


def _within_warnings(premise: Premise) -> list[str]:
    inside, pixels = premise.accuracy("image_within"), premise.accuracy("pixels_within")
    found = []
    if inside < LEAST_WITHIN:
        found.append(
            f"within a class a network tells the domains apart in {inside:.0%} only (chance 50%,"
            f" needed {LEAST_WITHIN:.0%}): a transform can learn only class or contrast"
        )
    elif pixels >= inside - AS_GOOD:
        found.append(
            f"within a class nine pixel statistics tell the domains apart ({pixels:.0%}) as well"
            f" as a network ({inside:.0%}): a transform may change contrast and little else"
        )
    return found
