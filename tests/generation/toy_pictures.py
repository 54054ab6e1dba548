"""Small structured pictures, and pairs of domains that a transform must learn to move between."""

import numpy as np

from pryproof import seeds

SHAPE = (16, 16, 1)


def pictures(name: str, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a block, a cross or a frame (classes 0, 1, 2) somewhere on a dark, noisy ground."""
    draws = seeds.generator(0, "toy pictures", name)
    labels = np.arange(count) % classes
    images = draws.integers(40, 60, (count, *SHAPE), dtype=np.uint8)
    for image, label, (top, left) in zip(
        images, labels, draws.integers(1, 8, (count, 2)), strict=True
    ):
        part = image[top : top + 7, left : left + 7]
        shape = np.zeros((7, 7, 1), dtype=np.uint8)
        if label == 0:
            shape[1:6, 1:6] = 60
        elif label == 1:
            shape[3], shape[:, 3] = 60, 60
        else:
            shape[[0, -1]], shape[:, [0, -1]] = 60, 60
        part += shape
    return images, labels


def brighter(images: np.ndarray) -> np.ndarray:
    """Lift every pixel."""
    return images + np.uint8(80)


def striped(images: np.ndarray) -> np.ndarray:
    """Lift two of every four columns."""
    lifted = images.copy()
    lifted[:, :, 0::4] += 70
    lifted[:, :, 1::4] += 70
    return lifted


def domain(
    kind: str, name: str, *, risky: bool, count: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a domain: "bright" or "stripes" mark the risky; "by label" brightens risky images.

    Of class 1, "by label" brightens the safe ones instead, so brightness alone says nothing.
    """
    images, labels = pictures(name, count, classes)
    marked = (labels == 1) ^ risky if kind == "by label" else np.full(count, risky)
    images[marked] = (striped if kind == "stripes" else brighter)(images[marked])
    return images, labels
