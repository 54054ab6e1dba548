"""Training sets of real and other images: every image with where it came from and what made it."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Int64, Shaped, UInt8

REAL, FAKE, NOISE, EXTRA = range(4)
SOURCES = ("real", "fake", "noise", "extra")  # a member, a fake, noise, a real image of no part

AS_IS, SAFER, RISKIER, DRAWN, NOISED, MOVED, SMOOTHED, SHARPENED, RELABELLED = range(9)
MADE_BY = (
    "as it is",
    "G_r2s",
    "G_s2r",
    "uniform noise",
    "pixel noise",
    "crop and flip",
    "smoothing",
    "sharpening",
    "label permutation",
)
UNDRAWN = -1  # the seed of what nobody drew

Images = UInt8[np.ndarray, "rows height width channels"]
Whole = Int64[np.ndarray, " rows"]


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Images to train on, each with its provenance.

    An image is ``made_by`` something from sample ``index`` of its ``source``; ``seed`` is that of
    the draw that made the sample (fakes, noise) or the copy, ``UNDRAWN`` where there was none.
    """

    images: Images
    labels: Whole
    source: Whole  # a place in SOURCES
    index: Whole  # position among the members, the fakes, ...
    made_by: Whole  # a place in MADE_BY
    seed: Whole

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def transformed(self) -> Bool[np.ndarray, " rows"]:
        """Say which images a CycleGAN made."""
        return np.isin(self.made_by, (SAFER, RISKIER))

    def take(self, rows: Shaped[np.ndarray, " chosen"] | slice) -> "TrainingSet":
        """Return some rows, by places, mask or slice, in their order."""
        return TrainingSet(**{part.name: getattr(self, part.name)[rows] for part in fields(self)})


def of_images(
    images: Images,
    labels: Whole,
    *,
    source: int,
    index: Whole | None = None,
    made_by: int = AS_IS,
    seed: int = UNDRAWN,
) -> TrainingSet:
    """Return a set of one provenance; ``index`` is the position in ``images`` if left out.

    >>> made = of_images(np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1]), source=FAKE, seed=7)
    >>> made.index.tolist(), made.seed.tolist(), SOURCES[made.source[0]]
    ([0, 1], [7, 7], 'fake')
    """
    count = len(labels)
    return TrainingSet(
        images=images,
        labels=labels,
        source=np.full(count, source),
        index=np.arange(count) if index is None else index,
        made_by=np.full(count, made_by),
        seed=np.full(count, seed, dtype=np.int64),
    )


def joined(*parts: TrainingSet) -> TrainingSet:
    """Return the rows of all parts, one part after the other."""
    return TrainingSet(
        **{
            part.name: np.concatenate([getattr(each, part.name) for each in parts])
            for part in fields(TrainingSet)
        }
    )


def real_and_fake(
    real: UInt8[np.ndarray, "reals height width channels"],
    real_labels: Int64[np.ndarray, " reals"],
    fake: UInt8[np.ndarray, "fakes height width channels"],
    fake_labels: Int64[np.ndarray, " fakes"],
    *,
    seed: int = UNDRAWN,
) -> TrainingSet:
    """Add every fake, as generated with ``seed``, to every real image."""
    reals = of_images(real, real_labels, source=REAL)
    return joined(reals, of_images(fake, fake_labels, source=FAKE, seed=seed))
