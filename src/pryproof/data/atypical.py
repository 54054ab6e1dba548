"""How untypical of its class an image is, as a simple model sees it that trained on neither."""

import numpy as np
from jaxtyping import Float64, Int64, UInt8

SIDE = 16  # pixels a side that images are averaged down to: bounds the covariance
RIDGE = 0.1  # added to the covariance's diagonal, in units of its mean

Images = UInt8[np.ndarray, "images height width channels"]


def surprise(
    images: Images,
    labels: Int64[np.ndarray, " images"],
    *,
    known: UInt8[np.ndarray, "known height width channels"],
    known_labels: Int64[np.ndarray, " known"],
    classes: int,
) -> Float64[np.ndarray, " images"]:
    """Return each image's cross entropy (nats) under a linear discriminant of the ``known`` ones.

    Higher = less typical. The model is Fisher's: one Gaussian a class, a common covariance with a
    ridge, on pixels averaged down to 16 a side at most. One image like the mean of all is added to
    each class, so that none is empty.

    >>> dark, bright = (np.full((4, 2, 2, 1), value, np.uint8) for value in (10, 200))
    >>> known, labels = np.concatenate([dark, bright]), np.repeat([0, 1], 4)
    >>> found = surprise(known, 1 - labels, known=known, known_labels=labels, classes=2)
    >>> bool(found.min() > 1)
    True
    """
    seen = _shades(known)
    means, prior = _means(seen, known_labels, classes)
    apart = seen - means[known_labels]
    covariance = apart.T @ apart / len(seen)
    flat = RIDGE * max(float(np.trace(covariance)) / len(covariance), 1e-6)  # all alike: no 0
    weights = np.linalg.solve(covariance + flat * np.eye(len(covariance)), means.T)
    bias = np.log(prior) - np.sum(means.T * weights, axis=0) / 2
    logits = _shades(images) @ weights + bias
    top = logits.max(axis=1, keepdims=True)
    total = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
    return total - logits[np.arange(len(labels)), labels]


def _means(
    seen: Float64[np.ndarray, "known cells"], labels: Int64[np.ndarray, " known"], classes: int
) -> tuple[Float64[np.ndarray, "classes cells"], Float64[np.ndarray, " classes"]]:
    """Return each class's mean and share, one image like the mean of all added to each."""
    sums = np.tile(seen.mean(axis=0), (classes, 1))
    np.add.at(sums, labels, seen)
    counts = np.bincount(labels, minlength=classes) + 1.0
    return sums / counts[:, None], counts / counts.sum()


def _shades(images: Images) -> Float64[np.ndarray, "images cells"]:
    """Return mean shades, in [0, 1], of a grid of cells; what is left over at the edge is cut."""
    n, height, width, channels = images.shape
    cell = -(-max(height, width) // SIDE)
    rows, columns = max(height // cell, 1), max(width // cell, 1)
    kept = images[:, : rows * cell, : columns * cell]
    tall, wide = kept.shape[1] // rows, kept.shape[2] // columns
    grid = kept.reshape(n, rows, tall, columns, wide, channels).mean(axis=(2, 4))
    return grid.reshape(n, -1) / 255.0
