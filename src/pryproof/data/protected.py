"""An exported training set as a data set of torch: what a script trains on instead of reals."""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Int64, UInt8
from PIL import Image
from torch.utils.data import Dataset

from pryproof.checks import DataError
from pryproof.data.arrays import IMAGES, LABELS
from pryproof.data.parquet import IMAGE, LABEL
from pryproof.data.reading import shown

MANIFEST = "manifest.json"  # of every export: its form, its class names, its files' digests
TREE = "images"  # the ImageFolder within an export of form "folder"
NPZ = "data.npz"

Pictures: TypeAlias = (
    UInt8[np.ndarray, "rows height width channels"] | pa.ChunkedArray | Sequence[Path]
)
Transform = Callable[[Image.Image], Any]  # as torchvision's transforms take it


@final
class ProtectedImages(Dataset[tuple[Any, int]]):
    """Images and labels, for a ``torch.utils.data.DataLoader``.

    An item is the image and its label as an int. The image is what ``transform`` makes of a Pillow
    image, gray or RGB; without one it is a uint8 tensor ``[channels, height, width]``. Encoded
    images are decoded when they are asked for, so a large set costs the memory of its files.

    >>> made = ProtectedImages(np.zeros((2, 4, 5, 3), np.uint8), np.array([1, 0]))
    >>> image, label = made[0]
    >>> tuple(image.shape), label, len(made)
    ((3, 4, 5), 1, 2)
    """

    def __init__(
        self,
        pictures: Pictures,
        labels: Int64[np.ndarray, " rows"],
        *,
        classes: tuple[str, ...] = (),
        transform: Transform | None = None,
    ) -> None:
        if len(pictures) != len(labels):
            raise DataError(
                "E028",
                f"there must be one label an image: {len(pictures)} images, {len(labels)} labels",
                fix="Write both from the same selection.",
            )
        self.pictures, self.labels, self.classes = pictures, labels, classes
        self.transform = transform

    @classmethod
    def open(cls, folder: Path, *, transform: Transform | None = None) -> "ProtectedImages":
        """Read what ``pipeline.export`` wrote as Parquet, as a folder of images or as .npz.

        Raises DataError for a folder that is no such export.
        """
        manifest = _manifest(folder)
        read = READERS.get(manifest["form"])
        if read is None:
            raise DataError(
                "E002",
                f"an export of form {manifest['form']!r} is not read here",
                where=shown(folder.name),
                fix=f"Export it as {', '.join(READERS)}; tar shards are for streaming readers.",
            )
        pictures, labels = read(folder)
        classes = tuple(manifest["label_names"])
        return cls(pictures, labels, classes=classes, transform=transform)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Any, int]:
        pixels = _pixels(self._picture(row))
        label = int(self.labels[row])
        if self.transform is not None:
            return self.transform(Image.fromarray(pixels)), label
        deep = pixels[:, :, None] if pixels.ndim == 2 else pixels
        return torch.from_numpy(deep).permute(2, 0, 1), label

    def _picture(self, row: int) -> np.ndarray | bytes | Path:
        picture = self.pictures[row]
        return picture.as_py() if isinstance(picture, pa.Scalar) else picture


def _pixels(picture: np.ndarray | bytes | Path) -> np.ndarray:
    """Return [height, width] of a gray image, [height, width, 3] of another; a copy of its own."""
    if isinstance(picture, np.ndarray):
        return (picture[:, :, 0] if picture.shape[2] == 1 else picture).copy()
    file = BytesIO(picture) if isinstance(picture, bytes) else picture
    with Image.open(file, formats=("PNG",)) as image:
        return np.array(image)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if {"form", "label_names"} <= manifest.keys():
            return dict(manifest)
    except (OSError, ValueError, AttributeError):
        pass
    raise DataError(
        "E002",
        f"this is no exported training set: it has no {MANIFEST} that says its form",
        where=shown(folder.name),
        fix="Name the folder that was given to the export.",
    )


def _parquet(folder: Path) -> tuple[Pictures, Int64[np.ndarray, " rows"]]:
    shards = [
        pq.read_table(file, columns=[IMAGE, LABEL]) for file in sorted(folder.glob("*.parquet"))
    ]
    table = pa.concat_tables(shards)
    return table[IMAGE], table[LABEL].to_numpy()


def _folder(folder: Path) -> tuple[Pictures, Int64[np.ndarray, " rows"]]:
    """Read the classes in the order of their folders, as every ImageFolder does."""
    kinds = sorted(kind for kind in (folder / TREE).iterdir() if kind.is_dir())
    files = [sorted(kind.iterdir()) for kind in kinds]
    labels = np.repeat(np.arange(len(kinds)), [len(own) for own in files])
    return [file for own in files for file in own], labels


def _npz(folder: Path) -> tuple[Pictures, Int64[np.ndarray, " rows"]]:
    with np.load(folder / NPZ, allow_pickle=False) as content:
        return content[IMAGES], content[LABELS]


READERS: dict[str, Callable[[Path], tuple[Pictures, Int64[np.ndarray, " rows"]]]] = {
    "parquet": _parquet,
    "folder": _folder,
    "npz": _npz,
}
