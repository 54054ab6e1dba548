"""How alike two images are once moved, mirrored, brightened and stretched onto each other."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as functional
from jaxtyping import Float, Float32, Int64, UInt8

Images = UInt8[np.ndarray, "_ _ _ _"]  # images, height, width, channels

MOVE = 3  # pixels that an image may be moved by in either direction
CELLS = 6  # coarse cells a side
TOGETHER = 64  # images compared at a time
FLAT = 1e-3  # gray levels of spread, per value, below which a window counts as empty


def coarse(images: Images) -> Float32[np.ndarray, "images cells"]:
    """Return what a small move, a recompression and a change of contrast leave nearly as it was.

    The inner part, blurred and cut into cells, each channel minus its mean, of length 1.
    """
    parts = [_coarse(images[start : start + 1_024]) for start in range(0, len(images), 1_024)]
    return np.concatenate(parts)


def residuals(
    ones: Images, others: Images, candidates: Int64[np.ndarray, "images candidates"]
) -> Float32[np.ndarray, "images candidates"]:
    """Return for each image and candidate (rows of ``others``) how much remains unexplained.

    The inner part of the candidate is laid on every place of the image within ``MOVE`` pixels;
    brightness of each channel and contrast are fitted. Unit: sqrt(1 - correlation), least over
    places; 0 = the same picture, about 1 = unrelated. Empty windows are unrelated to everything.
    """
    found = np.empty(candidates.shape, np.float32)
    for start in range(0, len(ones), TOGETHER):
        part = slice(start, start + TOGETHER)
        windows = _windows(ones[part])
        rows, place = np.unique(candidates[part], return_inverse=True)
        inner = _inner(others[rows])[torch.from_numpy(place.reshape(candidates[part].shape))]
        best = torch.bmm(inner, windows.transpose(1, 2)).amax(2)
        found[part] = (1 - best).clamp(min=0).sqrt().numpy()
    return found


def _coarse(images: Images) -> Float32[np.ndarray, "images cells"]:
    rows, columns = (_cells(side) for side in images.shape[1:3])
    cells = rows @ _planes(images) @ columns.T
    return _normal(cells.flatten(2)).flatten(1).numpy()


@cache
def _cells(side: int) -> Float32[torch.Tensor, "cells side"]:
    """Return the weights of one side's pixels in its coarse cells: blurred, cut and averaged.

    Blurs and means of both sides are one product each, many times faster than pooling.
    """
    pixels = torch.eye(side)[:, None]
    for _ in range(2):  # two means over 5 pixels: about a normal blur of 2 pixels
        pixels = functional.avg_pool1d(pixels, 5, stride=1, padding=2, count_include_pad=False)
    return functional.adaptive_avg_pool1d(pixels[:, :, MOVE:-MOVE], CELLS)[:, 0].T.contiguous()


def _windows(images: Images) -> Float[torch.Tensor, "images places values"]:
    planes = _planes(images)
    height, width = (side - 2 * MOVE for side in planes.shape[2:])
    places = planes.unfold(2, height, 1).unfold(3, width, 1)
    return _normal(places.permute(0, 2, 3, 1, 4, 5).flatten(4).flatten(1, 2)).flatten(2)


def _inner(images: Images) -> Float[torch.Tensor, "images values"]:
    return _normal(_planes(images)[:, :, MOVE:-MOVE, MOVE:-MOVE].flatten(2)).flatten(1)


def _planes(images: Images) -> Float[torch.Tensor, "images channels height width"]:
    return torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32)


def _normal(
    planes: Float[torch.Tensor, "*images channels values"],
) -> Float[torch.Tensor, "*images channels values"]:
    """Take the mean out of each channel and make the whole of length 1, or 0 if it is empty."""
    centred = planes - planes.mean(-1, keepdim=True)
    length = centred.square().sum((-2, -1), keepdim=True).sqrt()
    spread = FLAT * (planes.shape[-2] * planes.shape[-1]) ** 0.5
    return torch.where(length > spread, centred / length.clamp(min=spread), 0.0)
