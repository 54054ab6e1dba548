"""Nine simple numbers an image, and a logistic regression on them: the least a CNN must beat."""

import numpy as np
from jaxtyping import Float, Int64, UInt8

NAMES = (
    "mean",
    "standard deviation",
    "minimum",
    "maximum",
    "horizontal gradient",
    "vertical gradient",
    "Laplacian",
    "saturation",
    "centre minus border",
)
RIDGE = 1e-3  # of the squared coefficients, beside a mean loss: keeps separable domains finite
NEWTON_STEPS = 25


def pixel_statistics(
    images: UInt8[np.ndarray, "images height width channels"],
) -> Float[np.ndarray, "images 9"]:
    """Return ``NAMES`` for every image, in units of the full range; energies are mean squares.

    Saturation is the mean over pixels of largest minus smallest channel, 0 for gray images.

    >>> pixel_statistics(np.full((1, 4, 4, 1), 255, dtype=np.uint8))[0, :4].tolist()
    [1.0, 0.0, 1.0, 1.0]
    """
    pixels = images.astype(np.float64) / 255.0
    gray = pixels.mean(axis=3)
    _, height, width = gray.shape
    centre = gray[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
    ring = (gray.sum(axis=(1, 2)) - centre.sum(axis=(1, 2))) / (height * width - centre[0].size)
    inner = gray[:, 1:-1, 1:-1]
    around = gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1] + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:]
    columns = [
        gray.mean(axis=(1, 2)),
        gray.std(axis=(1, 2)),
        gray.min(axis=(1, 2)),
        gray.max(axis=(1, 2)),
        np.square(np.diff(gray, axis=2)).mean(axis=(1, 2)),
        np.square(np.diff(gray, axis=1)).mean(axis=(1, 2)),
        np.square(around - 4 * inner).mean(axis=(1, 2)),
        (pixels.max(axis=3) - pixels.min(axis=3)).mean(axis=(1, 2)),
        centre.mean(axis=(1, 2)) - ring,
    ]
    return np.stack(columns, axis=1)


def logistic_decision(
    train: Float[np.ndarray, "trained features"],
    target: Int64[np.ndarray, " trained"],
    weights: Float[np.ndarray, " trained"],
    test: Float[np.ndarray, "tested features"],
) -> Float[np.ndarray, " tested"]:
    """Fit a weighted logistic regression by Newton's method; return the log-odds of target 1."""
    centre, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    design, asked = (
        np.column_stack([np.ones(len(part)), (part - centre) / scale]) for part in (train, test)
    )
    weights = weights / weights.sum()
    ridge = RIDGE * np.eye(design.shape[1])
    ridge[0, 0] = 1e-9  # the intercept is free
    beta = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30.0, 30.0)))
        slope = design.T @ (weights * (chance - target)) + ridge @ beta
        curve = (design.T * (weights * chance * (1 - chance))) @ design + ridge
        beta = beta - np.linalg.solve(curve, slope)
    return asked @ beta
