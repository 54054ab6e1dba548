"""NumPy archives: ``images`` [n, h, w] or [n, h, w, c] and ``labels`` [n] in one .npz file."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt8

from pryproof.checks import DataError, nearest
from pryproof.data.decode import check_total
from pryproof.data.labels import enough, numbered
from pryproof.data.reading import Loaded, Options, shown
from pryproof.records import Samples

IMAGES = "images"
LABELS = "labels"
SAVE = "Save them with numpy.savez_compressed(path, images=images, labels=labels)"


def read(path: Path, options: Options) -> Loaded:
    """Read both arrays; an id is the position."""
    where = shown(path.name)
    images, labels, names = _arrays(path, options, where=where)
    images = _checked(images, where=f"{where}:{options.image or IMAGES}")
    if labels.ndim != 1 or len(labels) != len(images):
        raise DataError(
            "E028",
            f"there must be one label an image: images {images.shape[:1]}, labels {labels.shape}",
            where=where,
            fix="Write both from the same selection; the samples come first in both.",
        )
    numbers, classes = numbered(labels, options.classes or names, options, where=where)
    enough(numbers, classes, options, where=where)
    if options.resize is not None and images.shape[1:3] != (options.resize, options.resize):
        raise DataError(
            "E012",
            f"arrays are not resized, and these images are {images.shape[2]}x{images.shape[1]}",
            where=where,
            fix="Resize before saving, or leave resize out.",
        )
    samples = Samples(
        images=_with_channels(images, options, where=where),
        labels=numbers,
        ids=tuple(str(position) for position in range(len(numbers))),
        classes=classes,
    )
    return Loaded(samples=samples)


def files(path: Path) -> dict[str, Path]:
    """Return the one file there is."""
    return {path.name: path}


def _arrays(
    path: Path, options: Options, *, where: str
) -> tuple[Shaped[np.ndarray, "..."], Shaped[np.ndarray, "..."], tuple[str, ...] | None]:
    """Load without pickle, after a look at how large the content says it is."""
    if not zipfile.is_zipfile(path):
        raise DataError(
            "E030", "this is not an .npz archive of arrays", where=where, fix=f"{SAVE}."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            check_total(sum(member.file_size for member in archive.infolist()), where=where)
        with np.load(path, allow_pickle=False) as content:
            images = _member(content, options.image or IMAGES, where=where)
            labels = _member(content, options.label or LABELS, where=where)
            names = content["classes"] if "classes" in content.files else None
    except DataError:
        raise
    except ValueError as error:
        raise DataError(
            "E030",
            f"only plain arrays are loaded, never pickled objects ({shown(error)})",
            where=where,
            fix=f"{SAVE}, neither of dtype object.",
        ) from error
    except (OSError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            "E009",
            f"the file is cut off or damaged ({shown(error)})",
            where=where,
            fix="Restore the file.",
        ) from error
    return images, labels, None if names is None else tuple(shown(name) for name in names)


def _member(content: np.lib.npyio.NpzFile, name: str, *, where: str) -> Shaped[np.ndarray, "..."]:
    if name not in content.files:
        raise DataError(
            "E024", f"there is no array {name!r}", where=where, fix=nearest(name, content.files)
        )
    array = content[name]
    if not isinstance(array, np.ndarray):  # NumPy hands out the bare bytes of any other member
        raise DataError("E030", "this is no array", where=f"{where}:{name}", fix=f"{SAVE}.")
    return array


def _checked(
    images: Shaped[np.ndarray, "..."], *, where: str
) -> UInt8[np.ndarray, "samples height width channels"]:
    """Refuse what is not uint8 with channels last, naming the way out."""
    if images.dtype.kind == "f":
        _refuse_floats(images, where=where)
    if images.dtype != np.uint8:
        raise DataError(
            "E017",
            f"images must be uint8, and these are {images.dtype}",
            where=where,
            fix="If the values are 0 ... 255, save images.astype('uint8'); else scale them first.",
        )
    if not images.size:
        raise DataError("E003", "there are no pixels", where=where, fix=f"{SAVE}.")
    if images.ndim == 3:
        return images[:, :, :, None]
    if images.ndim == 4 and images.shape[3] in (1, 3):
        return images
    if images.ndim == 4 and images.shape[1] in (1, 3):
        raise DataError(
            "E027",
            f"channels must come last, and {images.shape} looks as if they came second (NCHW)",
            where=where,
            fix="Save images.transpose(0, 2, 3, 1).",
        )
    raise DataError(
        "E027",
        f"images must be [n, height, width] or [n, height, width, 1 or 3], not {images.shape}",
        where=where,
        fix="Drop an alpha channel, reshape flat rows, put samples first and channels last.",
    )


def _refuse_floats(images: Shaped[np.ndarray, "..."], *, where: str) -> None:
    bad = int((~np.isfinite(images)).sum())
    if bad:
        raise DataError(
            "E026",
            f"{bad} pixels are NaN or infinite",
            where=where,
            fix="Remove or repair these images, then save them as uint8.",
        )
    low, high = float(images.min(initial=0)), float(images.max(initial=0))
    if low < 0:
        way = "undo the normalisation first, then save (images * 255).round().astype('uint8')"
    elif high <= 1:
        way = "save (images * 255).round().astype('uint8')"
    else:
        way = "save images.round().clip(0, 255).astype('uint8')"
    raise DataError(
        "E029",
        f"images must be uint8, and these are {images.dtype} between {low:g} and {high:g}",
        where=where,
        fix=f"Values in this range: {way}.",
    )


def _with_channels(
    images: UInt8[np.ndarray, "samples height width channels"], options: Options, *, where: str
) -> UInt8[np.ndarray, "samples height width out"]:
    have = images.shape[3]
    if options.channels in (None, have):
        return images
    if options.channels == 3:
        return np.repeat(images, 3, axis=3)
    raise DataError(
        "E013",
        "arrays are not turned from colour to gray",
        where=where,
        fix="Save one channel, or leave channels out.",
    )
