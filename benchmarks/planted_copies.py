"""How many planted copies the shipped search finds, on images it was not made with.

Copies of the first train images, each kind as often, and as many images of the train set's kind
that are no copies: ``python benchmarks/planted_copies.py --data FOLDER``. The threshold of
``leakage.copies`` was chosen on CIFAR-100; other images confirm it.
"""

import argparse
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from pryproof.data.duplicates import duplicate_groups
from pryproof.data.sources import read
from pryproof.leakage.copies import LIKE, copies
from pryproof.seeds import generator

QUALITY = 75
Change = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Plant, search, count."""
    given = arguments()
    images = drawn(given)
    train, holdout = images[: given.train], images[given.train :][: given.holdout]
    kinds = {name: change(train[: given.each]) for name, change in KINDS.items()}
    start = time.monotonic()
    found = copies(np.concatenate(list(kinds.values())), train, holdout)
    rows = {}
    for number, name in enumerate(kinds):
        part = slice(number * given.each, (number + 1) * given.each)
        right = found.fakes.index[part] == np.arange(given.each)
        rows[name] = float((found.fakes.copy[part] & right).mean())
        print(f"{name:28} {rows[name]:.1%}")
    alarms = np.flatnonzero(found.holdout.copy)
    print(f"hold-out images taken for copies: {len(alarms)} of {len(holdout)}")
    if given.pictures:
        pairs(holdout[alarms], train[found.holdout.index[alarms]], given.pictures)
    about = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "images": given.data.name,
        "side": int(images.shape[1]),
        "train": len(train),
        "each": given.each,
        "threshold": LIKE,
        "seed": given.seed,
        "seconds": round(time.monotonic() - start),
        "found": rows,
        "holdout": len(holdout),
        "holdout_alarms": len(alarms),
        "copying": found.copying,
    }
    print(json.dumps(about))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of images")
    parser.add_argument("--side", type=int, help="resize to so many pixels")
    parser.add_argument("--train", type=int, default=20_000)
    parser.add_argument("--holdout", type=int, default=5_000)
    parser.add_argument("--each", type=int, default=500, help="copies of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="write the alarms as pairs to this PNG file")
    return parser.parse_args()


def drawn(given: argparse.Namespace) -> np.ndarray:
    """Return different images in random order: twice the same image would be no false alarm."""
    samples = read(str(given.data), resize=given.side).samples
    first = np.unique(duplicate_groups(samples.images), return_index=True)[1]
    return samples.images[generator(given.seed, "planted").permutation(first)]


def shifted(mode: str) -> Change:
    """Move images by 2 pixels down and to the right; ``mode`` fills the margin."""

    def change(images: np.ndarray) -> np.ndarray:
        if mode == "wrap":
            return np.roll(images, (2, 2), (1, 2))
        padded = np.pad(images, ((0, 0), (2, 0), (2, 0), (0, 0)), mode=mode)
        return padded[:, :-2, :-2]

    return change


def flipped(images: np.ndarray) -> np.ndarray:
    """Mirror images from left to right."""
    return np.ascontiguousarray(images[:, :, ::-1])


def recompressed(images: np.ndarray) -> np.ndarray:
    """Write images as JPEG and read them again."""
    return np.stack([_recompressed(image) for image in images])


def _recompressed(image: np.ndarray) -> np.ndarray:
    held = io.BytesIO()
    Image.fromarray(image).save(held, "JPEG", quality=QUALITY)
    return np.asarray(Image.open(held))


def graded(images: np.ndarray) -> np.ndarray:
    """Lower the contrast and raise the brightness."""
    return np.clip(images * 0.8 + 25, 0, 255).astype(np.uint8)


KINDS: dict[str, Change] = {
    "exact": np.array,
    "flipped": flipped,
    "shifted, zeros": shifted("constant"),
    "shifted, reflected": shifted("reflect"),
    "shifted, wrapped": shifted("wrap"),
    "flipped and shifted": lambda images: shifted("constant")(flipped(images)),
    "JPEG": recompressed,
    "shifted and JPEG": lambda images: recompressed(shifted("constant")(images)),
    "contrast and brightness": graded,
}


def pairs(holdout: np.ndarray, train: np.ndarray, path: Path) -> None:
    """Write each alarm beside its train image, eight pairs a row."""
    both = np.concatenate([holdout, train], axis=2)
    side, wide = both.shape[1:3]
    rows = -(-len(both) // 8) or 1
    sheet = np.full((rows * (side + 2), 8 * (wide + 4), 3), 255, np.uint8)
    for number, pair in enumerate(both):
        y, x = divmod(number, 8)
        sheet[y * (side + 2) :][:side, x * (wide + 4) :][:, :wide] = pair
    Image.fromarray(sheet).resize((sheet.shape[1] * 2, sheet.shape[0] * 2)).save(path)


if __name__ == "__main__":
    main()
