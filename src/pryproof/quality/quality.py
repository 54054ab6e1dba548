"""How good are the fakes? Every measure of them, and beside it the same of unseen real images.

A distance of 0 is not to be had from a sample: what reals reach against reals is the floor. Fakes,
floor and reference are equally many images, so that measures with a bias share it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64, UInt8

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.quality.by_class import ByClass, by_class
from pryproof.quality.extractors import Extractor
from pryproof.quality.frechet import frechet_distance
from pryproof.quality.kernel_distance import kernel_distance
from pryproof.quality.manifold import K, manifold
from pryproof.records import Estimate

Fakes = UInt8[np.ndarray, "fakes height width channels"]
Reals = UInt8[np.ndarray, "reals height width channels"]
Features = Float[np.ndarray, "images width"]

MOST = 10_000  # images a side: what every pair is compared of


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Distances: lower = better. Precision, recall, density, coverage: higher = better."""

    frechet: Estimate
    frechet_unlimited: Estimate
    kernel_distance: Estimate
    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The fakes' measures and the floor's, in one feature space, of ``n`` images a side.

    ``frechet_name`` is what the Fréchet distance of these features is called. ``by_class`` uses all
    images given; it is None without labels.
    """

    extractor: str
    frechet_name: str
    n: int
    fakes: Measures
    floor: Measures
    by_class: ByClass | None


def quality(
    fakes: Fakes,
    real: Reals,
    *,
    fake_labels: Int64[np.ndarray, "..."] | None = None,
    real_labels: Int64[np.ndarray, "..."] | None = None,
    held_out: UInt8[np.ndarray, "held height width channels"] | None = None,
    predicted: Int64[np.ndarray, " fakes"] | None = None,
    extractor: Extractor,
    seed: int,
    most: int = MOST,
    k: int = K,
    confidence: float = 0.95,
) -> Quality:
    """Measure fakes against ``real``, and ``held_out`` reals against the same.

    Without ``held_out`` the reals are dealt into two halves: one is the reference, one the floor.
    ``predicted`` are the classes that a classifier trained on other images gives the fakes. At most
    ``most`` images a side are drawn.
    """
    of_fakes, of_reals = extractor(fakes), extractor(real)
    if held_out is None:
        dealt = seeds.generator(seed, "quality", "halves").permutation(len(real))
        reference, floor = of_reals[dealt[::2]], of_reals[dealt[1::2]]
    else:
        reference, floor = of_reals, extractor(held_out)
    n = min(len(of_fakes), len(reference), len(floor), most)
    reference = _drawn(reference, n, seed, "reference")

    def measured(side: Features, name: str) -> Measures:
        return measure(
            _drawn(side, n, seed, name), reference, seed=seed, k=k, confidence=confidence
        )

    table = None
    if fake_labels is not None and real_labels is not None:
        _refuse_lengths(fakes, fake_labels)
        _refuse_lengths(real, real_labels)
        table = by_class(
            of_fakes,
            fake_labels,
            of_reals,
            real_labels,
            classes=int(max(fake_labels.max(), real_labels.max())) + 1,
            predicted=predicted,
            seed=seed,
            confidence=confidence,
        )
    return Quality(
        extractor=extractor.name,
        frechet_name=extractor.frechet,
        n=n,
        fakes=measured(of_fakes, "fakes"),
        floor=measured(floor, "floor"),
        by_class=table,
    )


def measure(
    images: Features,
    reference: Float[np.ndarray, "references width"],
    *,
    seed: int,
    k: int = K,
    confidence: float = 0.95,
) -> Measures:
    """Measure features of images against those of real images."""
    distance = frechet_distance(images, reference, seed=seed, confidence=confidence)
    shape = manifold(images, reference, k=k, confidence=confidence)
    return Measures(
        frechet=distance.at_n,
        frechet_unlimited=distance.unlimited,
        kernel_distance=kernel_distance(images, reference, seed=seed, confidence=confidence),
        precision=shape.precision,
        recall=shape.recall,
        density=shape.density,
        coverage=shape.coverage,
    )


def _drawn(side: Features, n: int, seed: int, name: str) -> Float[np.ndarray, "drawn width"]:
    return side[np.sort(seeds.generator(seed, "quality", name).permutation(len(side))[:n])]


def _refuse_lengths(images: UInt8[np.ndarray, "..."], labels: Int64[np.ndarray, "..."]) -> None:
    if len(images) != len(labels):
        raise DataError(
            "E028",
            f"every image needs a label: {len(images)} images, {len(labels)} labels",
            fix="Give both in one order.",
        )
