"""Small data sets written to disk, in every form that a source can have."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Int64, UInt8
from PIL import Image

from pryproof import seeds

PER_CLASS = 12


@pytest.fixture
def pixels() -> UInt8[np.ndarray, "samples height width channels"]:
    return seeds.generator(0, "pixels").integers(0, 256, (2 * PER_CLASS, 6, 5, 3), np.uint8)


@pytest.fixture
def labels() -> Int64[np.ndarray, " samples"]:
    return np.repeat(np.arange(2), PER_CLASS)


@pytest.fixture
def png() -> Callable[[np.ndarray], bytes]:
    def encode(pixels: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    return encode


@pytest.fixture
def tree(tmp_path: Path, pixels: np.ndarray, labels: np.ndarray) -> Path:
    """Write cat/0.png ... dog/23.png."""
    root = tmp_path / "images"
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        folder = root / ("cat", "dog")[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:02}.png")
    return root
