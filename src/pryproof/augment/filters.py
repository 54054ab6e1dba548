"""Plain filters that make images smoother and paler, or sharper and stronger in contrast.

Smooth images tend to be voted safe, so a filter is what a learnt transform between the privacy
domains has to beat.
"""

import numpy as np
from jaxtyping import Float, UInt8

CONTRAST = 0.75  # how much of the distance from the image's mean a smoothed image keeps
KERNEL = (0.25, 0.5, 0.25)  # binomial, along both axes; borders are repeated outwards

Pixels = UInt8[np.ndarray, "samples height width channels"]


def smoothed(images: Pixels, *, contrast: float = CONTRAST) -> Pixels:
    """Blur every image by a 3 x 3 binomial kernel and draw it towards its channels' means.

    >>> smoothed(np.array([0, 200, 0], np.uint8).reshape(1, 1, 3, 1)).ravel().tolist()
    [54, 92, 54]
    """
    blurred = _blurred(images)
    return _stored(_around_mean(blurred, contrast))


def sharpened(images: Pixels, *, contrast: float = CONTRAST) -> Pixels:
    """Do the opposite: add what a blur takes away, and draw every image from its means.

    >>> grey = np.full((1, 2, 2, 1), 90, np.uint8)
    >>> int(sharpened(grey).max())
    90
    """
    pixels = images.astype(np.float32)
    return _stored(_around_mean(2 * pixels - _blurred(images), 1 / contrast))


def _blurred(images: Pixels) -> Float[np.ndarray, "samples height width channels"]:
    pixels = images.astype(np.float32)
    for axis in (1, 2):
        around = [(1, 1) if place == axis else (0, 0) for place in range(4)]
        wide, size = np.pad(pixels, around, mode="edge"), pixels.shape[axis]
        shifted = [np.take(wide, np.arange(start, start + size), axis=axis) for start in range(3)]
        pixels = sum(
            (np.float32(share) * part for share, part in zip(KERNEL, shifted, strict=True)),
            start=np.zeros_like(pixels),
        )
    return pixels


def _around_mean(
    pixels: Float[np.ndarray, "samples height width channels"], factor: float
) -> Float[np.ndarray, "samples height width channels"]:
    mean = pixels.mean(axis=(1, 2), keepdims=True)
    return mean + np.float32(factor) * (pixels - mean)


def _stored(pixels: Float[np.ndarray, "samples height width channels"]) -> Pixels:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
