"""Do fakes give away the images they were learned from? For anybody's fakes; no study is needed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from pryproof.checks import ConfigurationError
from pryproof.evaluation.self_test import corrected_confidence
from pryproof.leakage.closeness import Labels
from pryproof.leakage.copies import LEAST as LEAST_SIDE
from pryproof.leakage.copies import copies
from pryproof.leakage.duplicates import duplicates
from pryproof.pipeline.fake_audit import FakeAudit
from pryproof.pipeline.fake_quality import FakeQuality, fake_quality
from pryproof.pipeline.fake_sets import FakeSets, Given, fake_sets
from pryproof.pipeline.leak_tests import LEAST, TESTS, Run, Space, copied, measured, nearness
from pryproof.quality.extractors import EXTRACTORS, Extractor, extractor
from pryproof.quality.inception import inception_extractor

SPACES = ("pixels", "gradients")
VARIED = 0.5  # of as many reals' effective number: with fewer a generator repeats itself
Progress = Callable[[float, str], None]


def check_fakes(
    fakes: Given,
    real: Given,
    holdout: Given,
    *,
    reference: Given | None = None,
    spaces: Sequence[str] = SPACES,
    inception: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> FakeAudit:
    """Look for traces of ``real`` in ``fakes``; ``holdout`` are images of the same kind, not used.

    Each is a folder, ``.parquet`` or ``.npz`` of labelled images, ``Samples``, uint8 images, or a
    pair (images, labels). ``reference`` are fakes of a generator trained on neither. ``spaces`` are
    names of ``quality.extractors.EXTRACTORS``; ``inception`` names a file of weights and adds its
    features. Nothing is written, and nothing in a file is executed.

    Raises DataError for sets that cannot be compared, in one line.
    """
    chosen = [extractor(name) for name in spaces]
    if inception is not None:
        chosen.append(inception_extractor(Path(inception)))
    if not chosen:
        raise ConfigurationError("E049", "name a feature space", fix=", ".join(EXTRACTORS))
    sets = fake_sets(fakes, real, holdout, reference=reference)
    found = audited(sets, chosen, seed=seed, progress=progress or _quiet)
    (progress or _quiet)(0.9, "quality")
    return replace(found, quality=fake_quality(sets, tuple(chosen), seed=seed))


def audited(
    sets: FakeSets, spaces: Sequence[Extractor], *, seed: int, progress: Progress
) -> FakeAudit:
    """Run every leak test in every space; quality is left out."""
    confidence = corrected_confidence(1 + (1 + len(TESTS)) * len(spaces))
    progress(0.0, "looking for copies")
    like = None
    if min(sets.real.images.shape[1:3]) >= LEAST_SIDE:
        like = copies(sets.fakes.images, sets.real.images, sets.holdout.images)
    tests, closest = [copied(like)], []
    for number, space in enumerate(spaces):
        progress((1 + number) / (2 + len(spaces)), f"distances in {space.name}")
        seen = _space(sets, space, seed=seed)
        near, found = nearness(seen, confidence, seed)
        tests.append(near)
        tests += [measured(*named, seen, confidence, seed) for named in _tests(sets)]
        closest.append(found)
    return FakeAudit(
        sets=sets,
        tests=tuple(tests),
        copies=like,
        closest=closest[0],
        quality=FakeQuality(),
        warnings=tuple(_warnings(sets, seed)),
        spaces=tuple(space.name for space in spaces),
        confidence=confidence,
        seed=seed,
    )


def _quiet(fraction: float, detail: str) -> None:
    """Show nothing."""


def _tests(sets: FakeSets) -> list[tuple[str, Run]]:
    """Return the tests that so many images allow."""
    if min(len(sets.fakes), len(sets.real), len(sets.holdout)) < LEAST:
        return []
    return list(TESTS.items())


def _space(sets: FakeSets, space: Extractor, *, seed: int) -> Space:
    even = sets.even(seed=seed)
    raw = space.name == "pixels"  # uint8: distances are exact

    def seen(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1) if raw else space(images)

    labels = None
    if sets.real.labels is not None and sets.holdout.labels is not None:
        labels = Labels(train=sets.real.labels, holdout=sets.holdout.labels)
    return Space(
        name=space.name,
        fakes=seen(sets.fakes.images),
        real=seen(sets.real.images),
        holdout=seen(sets.holdout.images),
        even=(seen(even[0].images), seen(even[1].images)),
        reference=None if sets.reference is None else seen(sets.reference.images),
        labels=labels,
        unit="gray levels" if raw else "",
    )


def _warnings(sets: FakeSets, seed: int) -> Iterator[str]:
    if not sets.classes:
        yield "Some set has no labels: real and held-out images are compared across classes."
    if min(sets.real.images.shape[1:3]) < LEAST_SIDE:
        yield f"Images below {LEAST_SIDE} pixels: copies were looked for by plain distance alone."
    if not _tests(sets):
        yield f"Fewer than {LEAST} images of a kind: only distances and copies were looked at."
    repeated = duplicates(_flat(sets.fakes.images), _flat(sets.real.images), seed=seed)
    fakes, reals = repeated.fakes, repeated.reals
    if fakes.near.low > reals.near.high or fakes.effective < VARIED * reals.effective:
        yield (
            f"The generator repeats itself: {fakes.near.value:.1%} of the fakes have a near "
            f"duplicate among the fakes, of the real images {reals.near.value:.1%}; "
            f"{fakes.n:,} fakes are worth about {fakes.effective:,.0f} different ones."
        )
    if fakes.exact.low > reals.exact.high:
        yield f"{fakes.exact.value:.1%} of the fakes equal another fake to the pixel."


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)
