"""Decode pictures to uint8 arrays of one size, in this process, by Pillow, whole files only.

What is converted and how: an EXIF orientation is applied; ``1`` and ``LA`` become gray; palette,
CMYK, YCbCr and images with alpha become RGB, the alpha channel is dropped; where gray and colour
meet, gray becomes RGB. Refused: more than 8 bits a channel, animations, several pages, bombs.
"""

import io
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from pryproof.checks import DataError
from pryproof.data import reading
from pryproof.data.reading import Options, Picture, shown, some

# Only these parsers see the bytes: others of Pillow start programs (EPS) or are seldom used.
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm"),
}
GRAY = {"1", "L", "LA", "La"}
ORIENTATION = 0x0112  # the EXIF tag
DEEP = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
# What Pillow's parsers are seen to raise on damaged bytes.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError)
# A warning is one only where the user turned warnings into errors.
DAMAGE_BELOW = (struct.error, zlib.error, MemoryError, UserWarning)

Pixels = UInt8[np.ndarray, "height width channels"]


def decode(
    pictures: Sequence[Picture], options: Options, *, where: str
) -> tuple[UInt8[np.ndarray, "kept height width channels"], list[int], list[str]]:
    """Return the images, which pictures they are, and notices of what was converted or left out."""
    arrays: list[Pixels] = []
    kept: list[int] = []
    bad: list[str] = []
    modes: Counter[str] = Counter()
    pixels = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for number, picture in enumerate(pictures):
            try:
                array, mode = _one(picture, options)
            except DataError as error:
                if options.on_bad_image == "fail":
                    raise
                bad.append(f"{error.where}: {error.what}")
                continue
            pixels += array.shape[0] * array.shape[1]
            check_total(pixels, where=where, more=number + 1 < len(pictures))
            arrays.append(array)
            kept.append(number)
            modes[mode] += 1
    images = _stack(arrays, options, where=where)
    return images, kept, _notices(modes, bad, channels=images.shape[3])


def check_total(pixels: int, *, where: str, more: bool = False) -> None:
    """Refuse more pixels than are held in memory at once."""
    if pixels > reading.MOST_PIXELS:
        raise DataError(
            "E040",
            f"{pixels:,}{' or more' if more else ''} pixels in all; "
            f"at most {reading.MOST_PIXELS:,} are read into memory",
            where=where,
            fix="Pass a smaller resize, or take a part of the data set.",
        )


def _one(picture: Picture, options: Options) -> tuple[Pixels, str]:
    """Decode one picture; return it with the mode its file has."""
    where = picture.id
    file = io.BytesIO(picture.payload) if isinstance(picture.payload, bytes) else picture.payload
    try:
        _refuse_empty(picture.payload, where=where)
        with Image.open(file, formats=tuple(FORMATS)) as image:
            _refuse(image, where=where)
            return _pixels(image, options), image.mode
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(
            "E016",
            f"an image of more than {Image.MAX_IMAGE_PIXELS:,} pixels is not decoded",
            where=where,
            fix=_fix("Scale it down before"),
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(
            "E011",
            f"this is not an image of a known kind ({', '.join(FORMATS)}), whatever its name says",
            where=where,
            fix=_fix("Replace or remove it"),
        ) from error
    except DAMAGE + DAMAGE_BELOW as error:
        raise DataError(
            "E009",
            f"the image is cut off or damaged ({shown(error)})",
            where=where,
            fix=_fix("Restore the file"),
        ) from error


def _refuse_empty(payload: bytes | Path, *, where: str) -> None:
    if not (len(payload) if isinstance(payload, bytes) else payload.stat().st_size):
        raise DataError(
            "E010", "the image is empty (0 bytes)", where=where, fix=_fix("Restore the file")
        )


def _fix(act: str) -> str:
    return f"{act}, or pass on_bad_image='skip' (--set data.on_bad_image=skip) to go on without it."


def _refuse(image: Image.Image, *, where: str) -> None:
    frames = getattr(image, "n_frames", 1)
    # A camera's MPO holds a preview beside the picture: the first frame is the picture.
    if frames > 1 and image.format != "MPO":
        raise DataError(
            "E014",
            f"an image must be one picture, and this {image.format} holds {frames} frames",
            where=where,
            fix=_fix("Save the frame that is meant as its own file"),
        )
    if image.mode in DEEP:
        raise DataError(
            "E017",
            f"an image must have 8 bits a channel, and this one is {image.mode}",
            where=where,
            fix=_fix(
                "Scale its values to 0 ... 255 in the way that suits your data and save it as 8-bit"
            ),
        )


def _pixels(image: Image.Image, options: Options) -> Pixels:
    """Turn upright, convert to gray or RGB, resize if asked; return height x width x channels."""
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode in {"P", "PA"}:
        image = image.convert("RGBA")
    if image.mode not in GRAY | {"RGB"}:
        image = image.convert("RGB")
    gray = options.channels == 1 or (options.channels is None and image.mode in GRAY)
    mode = "L" if gray else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if options.resize is not None:
        side = options.resize
        image = ImageOps.fit(image, (side, side), method=Image.Resampling.BICUBIC)
    array = np.array(image, dtype=np.uint8)
    return array[:, :, None] if array.ndim == 2 else array


def _stack(
    arrays: list[Pixels], options: Options, *, where: str
) -> UInt8[np.ndarray, "_ _ _ _"]:  # gray ones may be among them: their channels tie nothing
    if not arrays:
        raise DataError("E003", "no image could be read", where=where, fix="Check the files named.")
    sizes = Counter((array.shape[1], array.shape[0]) for array in arrays)
    if len(sizes) > 1:
        counts = [f"{count} of {width}x{height}" for (width, height), count in sizes.most_common()]
        smallest = min(min(size) for size in sizes)
        raise DataError(
            "E012",
            f"all images must have one size, and there are {some(counts)}",
            where=where,
            fix=f"Pass resize={smallest} (--set data.resize={smallest}), or mend their sizes.",
        )
    height, width = arrays[0].shape[:2]
    channels = options.channels or max(array.shape[2] for array in arrays)
    images = np.empty((len(arrays), height, width, channels), np.uint8)
    for image, array in zip(images, arrays, strict=True):
        image[:] = array
    return images


def _notices(modes: Counter[str], bad: list[str], *, channels: int) -> list[str]:
    notices = []
    target = "L" if channels == 1 else "RGB"
    if set(modes) != {target}:
        counts = ", ".join(f"{count} {mode}" for mode, count in modes.most_common())
        notices.append(f"The images are {counts}; all became {target}, without alpha.")
    if bad:
        notices.append(f"{len(bad)} bad images were left out: {some(bad)}.")
    return notices
