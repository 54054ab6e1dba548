"""The protected set: what is replaced, what is kept, and that every image can be traced."""

import numpy as np

from pryproof.defenses.fakes import FAKE, REAL, real_and_fake, replacement


def image(value: int) -> np.ndarray:
    return np.full((2, 2, 1), value, dtype=np.uint8)


def test_replacement_keeps_safe_reals_and_risky_fakes_only():
    plain = real_and_fake(
        np.stack([image(1), image(2)]),
        np.array([0, 1]),
        np.stack([image(3), image(4), image(5)]),
        np.array([1, 0, 1]),
    )
    made = replacement(
        plain,
        safe_reals=np.array([True, False]),
        safer_reals=np.stack([image(11), image(12)]),
        risky_fakes=np.array([False, False, True]),
        riskier_fakes=np.stack([image(13), image(14), image(15)]),
    )
    assert made.images[:, 0, 0, 0].tolist() == [1, 12, 13, 14, 5]
    assert made.labels.tolist() == plain.labels.tolist() == [0, 1, 1, 0, 1]
    assert made.transformed.tolist() == [False, True, True, True, False]
    assert made.source.tolist() == [REAL, REAL, FAKE, FAKE, FAKE]
    assert made.index.tolist() == [0, 1, 0, 1, 2]
    assert plain.images[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5]
    assert made.images.dtype == np.uint8
