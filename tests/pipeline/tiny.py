"""A study so small that its whole road takes seconds, for tests of pipeline, cli, recipes."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pryproof as pp
from pryproof import seeds

SIDE = 16
MEMBERS, EVALUATION = 80, 100

SETTINGS = {
    "name": "tiny",
    "data": {"members": MEMBERS, "evaluation": EVALUATION},
    "train": {"epochs": 2, "batch": 20, "padding": 1},
    "value": {"runs": 2, "fake_runs": 2, "minimum": 0.2},
    "generate": {
        "channels": 4,
        "latent": 4,
        "steps": 4,
        "batch": 8,
        "ema_start": 1,
        "standing_batches": 1,
    },
    "transform": {
        "channels": 2,
        "blocks": 1,
        "discriminator_channels": 2,
        "steps": 4,
        "batch": 4,
        "pool": 4,
    },
    "evaluate": {"runs": 2, "shadows": 2},
}


def images(classes: int = 2, channels: int = 1, more: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a bright stripe for the class, enough for every part of the split."""
    count = 3 * MEMBERS + EVALUATION + 10 * classes + more
    draws = seeds.generator(0, "tiny", classes, channels)
    labels = np.arange(count) % classes
    pixels = draws.integers(0, 90, (count, SIDE, SIDE, channels))
    for label in range(classes):
        rows = labels == label
        stripe = slice(label * SIDE // classes, (label + 1) * SIDE // classes)
        pixels[rows, :, stripe] += draws.integers(40, 160, (rows.sum(), 1, 1, 1))
    return pixels.astype(np.uint8), labels


def write_npz(path: Path, more: int = 0) -> Path:
    """Write two classes of gray images, ``more`` than the split's parts need."""
    pixels, labels = images(more=more)
    np.savez_compressed(path, images=pixels, labels=labels)
    return path


def write_folder(path: Path, classes: int = 3) -> Path:
    """Write classes of colour images as an ImageFolder."""
    pixels, labels = images(classes, channels=3)
    for number, (image, label) in enumerate(zip(pixels, labels.tolist(), strict=True)):
        folder = path / f"kind{label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:03}.png")
    return path


def overrides(extra: dict[str, str] | None = None) -> list[str]:
    """Return the settings as ``key=value`` words of the command line."""
    words = [
        f"{part}.{name}={value}"
        for part, values in SETTINGS.items()
        if isinstance(values, dict)
        for name, value in values.items()
    ]
    return [*words, "name=tiny", *[f"{key}={value}" for key, value in (extra or {}).items()]]


def settings(source: Path, *changes: str) -> pp.Settings:
    """Return the tiny study's settings, with ``key=value`` changes on top."""
    values = SETTINGS | {"data": SETTINGS["data"] | {"source": str(source)}}
    return pp.Settings.parse(values, where="tiny").changed(changes)


def study(workspace: Path, source: Path, *changes: str, workers: int = 0) -> pp.Study:
    """Return a tiny study that has not begun."""
    machine = pp.Machine(workers=workers)
    return pp.Study(workspace, settings=settings(source, *changes), machine=machine)


def words(value: pp.Study) -> list[str]:
    """Return the command-line words that name the study."""
    where = ["--data", value.settings.data.source, "--workspace", str(value.path)]
    return [*where, *[part for word in overrides() for part in ("--set", word)]]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Set the mask of new files' permissions."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def digests(workspace: Path) -> dict[str, str]:
    """Digest what must be the same bytes in every run: arrays, facts, and the user's tables."""
    kept = ("samples.parquet", "protected.parquet", "metrics.json")
    files = [workspace / name for name in kept if (workspace / name).exists()]
    files += [path for path in workspace.glob("objects/*/*") if path.stem in ("arrays", "facts")]
    return {
        str(path.relative_to(workspace)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }


def tree(folder: Path) -> dict[str, str]:
    """Digest everything in a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny data set as an archive of arrays."""
    path = tmp_path_factory.getbasetemp() / "tiny.npz"
    return path if path.exists() else write_npz(path)


@pytest.fixture(scope="session")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny data set that has extra images for the members and one shadow fold."""
    path = tmp_path_factory.getbasetemp() / "roomy.npz"
    return path if path.exists() else write_npz(path, more=2 * MEMBERS)


@pytest.fixture(scope="session")
def tree_of_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny data set as an ImageFolder."""
    path = tmp_path_factory.getbasetemp() / "tiny-images"
    return path if path.exists() else write_folder(path)


@pytest.fixture(scope="session")
def finished(npz: Path, tmp_path_factory: pytest.TempPathFactory) -> pp.Study:
    """Return the tiny study, finished. Each folder of tests asks anew; only the first computes."""
    value = study(tmp_path_factory.getbasetemp() / "finished", npz)
    with umask(0):
        value.report()
    return value
