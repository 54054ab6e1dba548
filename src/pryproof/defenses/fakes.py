"""The protected set (methods A13): which images a protected classifier is trained on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

REAL, FAKE = 0, 1


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Images to train on, each with where it came from."""

    images: UInt8[np.ndarray, "rows height width channels"]
    labels: Int64[np.ndarray, " rows"]
    source: Int64[np.ndarray, " rows"]  # REAL or FAKE
    index: Int64[np.ndarray, " rows"]  # position among the reals, or among the fakes
    transformed: Bool[np.ndarray, " rows"]


def real_and_fake(
    real: UInt8[np.ndarray, "reals height width channels"],
    real_labels: Int64[np.ndarray, " reals"],
    fake: UInt8[np.ndarray, "fakes height width channels"],
    fake_labels: Int64[np.ndarray, " fakes"],
) -> TrainingSet:
    """Add every fake, as generated, to every real image."""
    return TrainingSet(
        images=np.concatenate([real, fake]),
        labels=np.concatenate([real_labels, fake_labels]),
        source=np.repeat([REAL, FAKE], [len(real), len(fake)]),
        index=np.concatenate([np.arange(len(real)), np.arange(len(fake))]),
        transformed=np.zeros(len(real) + len(fake), dtype=bool),
    )


def replacement(
    plain: TrainingSet,
    *,
    safe_reals: Bool[np.ndarray, " reals"],
    safer_reals: UInt8[np.ndarray, "reals height width channels"],
    risky_fakes: Bool[np.ndarray, " fakes"],
    riskier_fakes: UInt8[np.ndarray, "fakes height width channels"],
) -> TrainingSet:
    """Keep safe reals and risky fakes; put G_r2s(x) for other reals, G_s2r(x) for other fakes.

    Labels stay. The set has as many rows as ``plain``, in the same order.
    """
    transformed = np.concatenate([~safe_reals, ~risky_fakes])
    moved = np.concatenate([safer_reals, riskier_fakes])
    images = np.where(transformed[:, None, None, None], moved, plain.images)
    return TrainingSet(
        images=images,
        labels=plain.labels,
        source=plain.source,
        index=plain.index,
        transformed=transformed,
    )
