"""How good are fakes? Each measure beside what unseen real images reach, class by class too."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from pryproof.defenses.augmentation import augmented
from pryproof.evaluation.estimates import mean_accuracy
from pryproof.models.resolve import build
from pryproof.pipeline.fake_sets import FakeSets, ImageSet
from pryproof.quality.extractors import Extractor
from pryproof.quality.quality import Quality, quality
from pryproof.records import Estimate
from pryproof.reporting.content import Finding
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe

JUDGE = "small_resnet"
EPOCHS, BATCH, RATE, PADDING = 15, 64, 0.1, 2
LEAST_PER_CLASS = 10  # hold-out images that a judge needs

MEASURES = (
    ("frechet", "lower is better; grows as images are few"),
    ("kernel_distance", "lower is better, 0 on average for equal distributions"),
    ("precision", "share of fakes among the real images"),
    ("recall", "share of real images that some fake comes near"),
    ("density", "how thickly real images lie around fakes; real ones have about 1"),
    ("coverage", "share of real images with a fake next to them"),
)


@dataclass(frozen=True, kw_only=True)
class FakeQuality:
    """Lines for the page, and a row a class under ``columns`` (no rows without labels)."""

    findings: tuple[Finding, ...] = ()
    classes: tuple[tuple[str, tuple[Estimate, ...]], ...] = ()
    columns: tuple[str, ...] = ()


def fake_quality(sets: FakeSets, spaces: tuple[Extractor, ...], *, seed: int) -> FakeQuality:
    """Measure fakes against real images in every space; the last gives the table of classes."""
    judged = _judged(sets, seed=seed) if sets.classes else {}
    found = [
        quality(
            sets.fakes.images,
            sets.real.images,
            fake_labels=sets.fakes.labels,
            real_labels=sets.real.labels,
            held_out=sets.holdout.images,
            predicted=judged.get("fakes"),
            extractor=space,
            seed=seed,
        )
        for space in spaces
    ]
    lines = [line for one in found for line in _lines(one)]
    lines += _accuracies(sets, judged)
    rows, columns = _by_class(sets, found[-1]) if found else ((), ())
    return FakeQuality(findings=tuple(lines), classes=rows, columns=columns)


def _lines(found: Quality) -> list[Finding]:
    lines = []
    for name, meaning in MEASURES:
        own, floor = getattr(found.fakes, name), getattr(found.floor, name)
        title = {"frechet": found.frechet_name, "kernel_distance": f"KID[{found.extractor}]"}.get(
            name, name
        )
        lines.append(
            Finding(
                stage=found.extractor,
                what=title,
                value=own,
                good=None,
                meaning=f"{meaning}; held-out images reach {floor}; {found.n:,} images a side",
            )
        )
    return lines


def _judged(sets: FakeSets, *, seed: int) -> dict[str, Int64[np.ndarray, " images"]]:
    """Let a classifier trained on the hold-out images name the classes of fakes and real images."""
    holdout = sets.holdout
    if holdout.labels is None or len(holdout) < LEAST_PER_CLASS * len(sets.classes):
        return {}
    shape = (holdout.images.shape[1], holdout.images.shape[2], holdout.images.shape[3])
    judge = build(JUDGE, classes=len(sets.classes), shape=shape, seed=seed)
    train(
        judge,
        holdout.images,
        holdout.labels,
        defense=Defense(batch=augmented(PADDING)),
        recipe=Recipe(epochs=EPOCHS, batch=BATCH, learning_rate=RATE),
        seed=seed,
    )
    return {
        name: predict(judge, part.images).argmax(axis=1)
        for name, part in (("fakes", sets.fakes), ("real", sets.real))
    }


def _accuracies(sets: FakeSets, judged: dict[str, np.ndarray]) -> list[Finding]:
    """Say how often the judge names a class as it is labelled, of fakes and of real images."""
    if not judged:
        return []
    lines = []
    for name, part in (("fakes", sets.fakes), ("real", sets.real)):
        lines.append(
            Finding(
                stage=f"{JUDGE} trained on held-out images",
                what=f"class accuracy of {name} images" if name == "real" else "class accuracy",
                value=mean_accuracy(_right(judged[name], part)[None]),
                good=None,
                meaning="what a fake could reach at best"
                if name == "real"
                else f"share of fakes whose class an independent classifier names; "
                f"{1 / len(sets.classes):.1%} is a guess",
                unit="%",
            )
        )
    return lines


def _right(predicted: np.ndarray, part: ImageSet) -> np.ndarray:
    return np.asarray(predicted == part.labels)


def _by_class(
    sets: FakeSets, found: Quality
) -> tuple[tuple[tuple[str, tuple[Estimate, ...]], ...], tuple[str, ...]]:
    table = found.by_class
    if table is None:
        return (), ()
    rows = tuple(
        (name, (table.kernel_distance[number], table.accuracy[number]))
        for number, name in enumerate(sets.classes)
        if number < len(table.accuracy)
    )
    return rows, (f"KID[{found.extractor}]", "class accuracy of fakes")
