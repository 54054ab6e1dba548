"""The three sets a check of fakes compares, from wherever they come, and whether they can be."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.data import sources
from pryproof.pipeline.turns import turns
from pryproof.records import Samples

Given = Any  # a source of data.sources.read, Samples, uint8 images, or a pair (images, labels)
Images = UInt8[np.ndarray, "images height width channels"]
Labels = Int64[np.ndarray, " images"]

LEAST = 20  # images of each set: fewer allow no test at all
PARTS = ("fakes", "real", "holdout")


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """Images, labels on the classes all sets share (None: nobody gave any), and a name to show."""

    images: Images
    labels: Labels | None
    name: str

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, kw_only=True)
class FakeSets:
    """Fakes, the images they were learned from, and images of the same kind that nobody learned.

    ``reference`` are fakes of another generator, trained on neither. ``classes`` is empty where
    some set has no labels.
    """

    fakes: ImageSet
    real: ImageSet
    holdout: ImageSet
    reference: ImageSet | None
    classes: tuple[str, ...]

    def even(self, *, seed: int) -> tuple[ImageSet, ImageSet]:
        """Return real and hold-out images, as many of both, the larger set drawn class by class."""
        real, holdout = self.real, self.holdout
        if len(real) == len(holdout):
            return real, holdout
        if len(real) > len(holdout):
            return _drawn(real, holdout, seed), holdout
        return real, _drawn(holdout, real, seed)


def fake_sets(
    fakes: Given, real: Given, holdout: Given, *, reference: Given | None = None
) -> FakeSets:
    """Read what is given and see that the sets can be compared; nothing is written.

    All must be of one size and kind, gray or colour. Labelled sets must share class names: fakes of
    a class that the real images lack are refused.
    """
    given = dict(zip(PARTS, (fakes, real, holdout), strict=True))
    if reference is not None:
        given["reference"] = reference
    read = {role: _read(value, role) for role, value in given.items()}
    _refuse_other_shapes(read)
    classes = _classes(read)
    sets = {role: _numbered(samples, role, classes) for role, samples in read.items()}
    return FakeSets(
        fakes=sets["fakes"],
        real=sets["real"],
        holdout=sets["holdout"],
        reference=sets.get("reference"),
        classes=classes,
    )


@dataclass(frozen=True, kw_only=True)
class _Read:
    images: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    name: str


def _read(given: Given, role: str) -> _Read:
    if isinstance(given, (str, os.PathLike)):
        source = os.fspath(given)
        samples = sources.read(source, smallest_class=1, allow_empty_classes=True).samples
        return _of_samples(samples, source)
    if isinstance(given, Samples):
        return _of_samples(given, role)
    images, labels = given if isinstance(given, tuple) else (given, None)
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise DataError(
            "E024",
            f"images must be uint8 [n, height, width, channels], got {images.dtype} "
            f"{list(images.shape)}",
            where=role,
            fix="Give stored pixels from 0 to 255, channels last.",
        )
    if labels is None:
        return _enough(_Read(images=images, labels=None, classes=(), name=role))
    labels = np.asarray(labels)
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise DataError(
            "E024",
            f"labels must be {len(images)} whole numbers from 0 on, got {labels.dtype} "
            f"{list(labels.shape)}",
            where=role,
            fix="Give one class number an image, or leave the labels out of every set.",
        )
    names = tuple(str(number) for number in range(int(labels.max()) + 1))
    return _enough(_Read(images=images, labels=labels, classes=names, name=role))


def _of_samples(samples: Samples, name: str) -> _Read:
    return _enough(
        _Read(images=samples.images, labels=samples.labels, classes=samples.classes, name=name)
    )


def _enough(read: _Read) -> _Read:
    if len(read.images) < LEAST:
        raise DataError(
            "E038",
            f"a check needs {LEAST} images or more, got {len(read.images)}",
            where=read.name,
            fix="Give more images.",
        )
    return read


def _refuse_other_shapes(read: Mapping[str, _Read]) -> None:
    expected = read["real"].images.shape[1:]
    for role, one in read.items():
        if one.images.shape[1:] != expected:
            raise DataError(
                "E024",
                f"{role} must be {_shape(expected)} like the real images, got "
                f"{_shape(one.images.shape[1:])}",
                where=one.name,
                fix="Resize or convert one side; distances of other sizes mean nothing.",
            )


def _shape(shape: tuple[int, ...]) -> str:
    kind = {1: "gray", 3: "colour"}.get(shape[2], f"{shape[2]} channels")
    return f"{shape[0]} x {shape[1]} {kind}"


def _classes(read: Mapping[str, _Read]) -> tuple[str, ...]:
    """Return the real images' classes; none where a set has no labels."""
    if any(one.labels is None for one in read.values()):
        return ()
    return read["real"].classes


def _numbered(read: _Read, role: str, classes: tuple[str, ...]) -> ImageSet:
    """Give a set the real images' class numbers."""
    labels = None
    if classes and read.labels is not None:
        known = {name: number for number, name in enumerate(classes)}
        used = [read.classes[label] for label in np.unique(read.labels)]
        strange = [name for name in used if name not in known]
        if strange:
            raise DataError(
                "E006",
                f"{role} hold {len(strange)} class(es) that the real images lack, such as "
                f"{strange[0]!r}",
                where=read.name,
                fix=f"Name the classes alike: the real images have {', '.join(classes[:5])} ...",
            )
        numbers = np.array([known.get(name, -1) for name in read.classes], dtype=np.int64)
        labels = numbers[read.labels]
    return ImageSet(images=read.images, labels=labels, name=read.name)


def _drawn(larger: ImageSet, smaller: ImageSet, seed: int) -> ImageSet:
    """Draw as many images of the larger set as the smaller has, of its classes as far as can be."""
    order = seeds.generator(seed, "check-fakes", "even").permutation(len(larger))
    chosen = order[: len(smaller)]
    if larger.labels is not None and smaller.labels is not None:
        wanted = np.bincount(smaller.labels)
        turn = turns(larger.labels[order])
        quota = np.zeros(int(larger.labels.max()) + 1, dtype=np.int64)
        quota[: len(wanted)] = wanted[: len(quota)]
        first = turn < quota[larger.labels[order]]
        chosen = np.concatenate([order[first], order[~first]])[: len(smaller)]
    chosen = np.sort(chosen)
    labels = None if larger.labels is None else larger.labels[chosen]
    return ImageSet(images=larger.images[chosen], labels=labels, name=larger.name)
