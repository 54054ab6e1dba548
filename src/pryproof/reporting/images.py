"""Images as data URIs: a page that carries its pictures needs no network."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pryproof.reporting.content import Grid

# Small images are kept exactly, as PNG; a larger one would cost more than it shows, so it becomes a
# JPEG of at most LARGE pixels a side.
SMALL, LARGE = 64, 128


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image ready for the page; ``exact`` says that its pixels are the given ones."""

    uri: str
    caption: str
    width: int
    height: int
    exact: bool


def pictures(grid: Grid) -> tuple[tuple[Picture, ...], ...]:
    """Encode a grid, ``grid.group`` neighbouring images to a group."""
    shown = [
        picture(image, caption) for image, caption in zip(grid.images, grid.captions, strict=True)
    ]
    return tuple(_batches(shown, grid.group))


def picture(image: UInt8[np.ndarray, "h w c"], caption: str) -> Picture:
    """Encode one gray (c = 1) or RGB (c = 3) image.

    >>> picture(np.zeros((2, 3, 1), np.uint8), "black").uri[:22]
    'data:image/png;base64,'
    """
    height, width, channels = image.shape
    if channels not in (1, 3):
        raise ValueError(
            f"an image must have 1 or 3 channels, got {channels}. Convert it to gray or RGB."
        )
    shown = Image.fromarray(image[:, :, 0] if channels == 1 else image)
    exact = max(height, width) <= SMALL
    if not exact:
        shown.thumbnail((LARGE, LARGE))
    kind, options = ("png", {"optimize": True}) if exact else ("jpeg", {"quality": 85})
    buffer = io.BytesIO()
    shown.save(buffer, format=kind, **options)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(
        uri=f"data:image/{kind};base64,{data}",
        caption=caption,
        width=shown.width,
        height=shown.height,
        exact=exact,
    )


def _batches(shown: Sequence[Picture], size: int) -> Iterator[tuple[Picture, ...]]:
    for start in range(0, len(shown), size):
        yield tuple(shown[start : start + size])
