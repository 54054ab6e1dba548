"""A folder of images: one sub-folder a class, images anywhere below it."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pryproof.checks import DataError
from pryproof.data.decode import FORMATS, decode
from pryproof.data.labels import enough
from pryproof.data.reading import Loaded, Options, Picture, shown, some
from pryproof.records import Samples

SUFFIXES = {suffix for suffixes in FORMATS.values() for suffix in suffixes}
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
TREE = "Expected: {root}/cat/1.png, {root}/cat/2.png, {root}/dog/1.png: one sub-folder a class."


def read(root: Path, options: Options) -> Loaded:
    """Read the tree; classes are the sub-folders in the order of their names."""
    where = shown(root.resolve().name)
    skipped: list[str] = []
    found = {
        folder.name: list(_images(folder, root, skipped)) for folder in _classes(root, skipped)
    }
    empty = [shown(name) for name, files in found.items() if not files]
    if empty and not options.allow_empty_classes:
        raise DataError(
            "E006",
            f"no image in the class folders {some(empty)}",
            where=where,
            fix="Add images, remove the folders, or read with allow_empty_classes=True.",
        )
    found = {name: files for name, files in found.items() if files}
    classes = tuple(shown(name) for name in found)
    pictures = [
        Picture(id=shown(file.relative_to(root).as_posix()), label=label, payload=file)
        for label, files in enumerate(found.values())
        for file in files
    ]
    labels = np.array([picture.label for picture in pictures], np.int64)
    enough(labels, classes, options, where=where)
    images, kept, notices = decode(pictures, options, where=where)
    samples = Samples(
        images=images,
        labels=labels[kept],
        ids=tuple(pictures[number].id for number in kept),
        classes=classes,
    )
    if empty:
        notices.append(f"Classes without an image were left out: {some(empty)}.")
    if skipped:
        notices.append(f"{len(skipped)} entries which are no images were skipped: {some(skipped)}.")
    return Loaded(samples=samples, notices=tuple(notices))


def files(root: Path) -> dict[str, Path]:
    """Return the images of the tree by their names relative to it."""
    return {
        file.relative_to(root).as_posix(): file
        for folder in _classes(root, [])
        for file in _images(folder, root, [])
    }


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    # The order of a folder differs between file systems; that of the names does not.
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            "E001",
            f"the folder cannot be read ({error.strerror})",
            where=shown(folder.name),
            fix="Give yourself the right to read it, or take it out.",
        ) from error


def _classes(root: Path, skipped: list[str]) -> list[Path]:
    """Return the class folders, refusing a root which has another shape."""
    where = shown(root.resolve().name)
    entries = [entry for entry in _entries(root) if not entry.name.startswith(".")]
    skipped += [shown(e.name) for e in _entries(root) if e.name.startswith(".")]
    loose = [
        shown(e.name) for e in entries if Path(e.name).suffix.lower() in SUFFIXES and e.is_file()
    ]
    if loose:
        raise DataError(
            "E004",
            f"images lie in the folder itself, outside any class: {some(loose)}",
            where=shown(root.name),
            fix=TREE.format(root=shown(root.name)),
        )
    folders = [_within(root / entry.name, root) for entry in entries if entry.is_dir()]
    skipped += [shown(entry.name) for entry in entries if not entry.is_dir()]
    if not folders:
        raise DataError(
            "E003",
            "the folder is empty",
            where=shown(root.name),
            fix=TREE.format(root=shown(root.name)),
        )
    parts = sorted(folder.name for folder in folders)
    if {part.lower() for part in parts} <= PARTS:
        raise DataError(
            "E004",
            f"the sub-folders {some(parts)} are parts of a data set, not classes",
            where=where,
            fix=f"Name one of them as source, {where}/{parts[0]}; pryproof splits it itself.",
        )
    return folders


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _images(folder: Path, root: Path, skipped: list[str]) -> Iterator[Path]:
    for entry in _entries(folder):
        path = folder / entry.name
        if entry.name.startswith("."):
            skipped.append(shown(path.relative_to(root).as_posix()))
        elif entry.is_dir():
            yield from _images(_within(path, root), root, skipped)
        elif _is_image(entry.name) and (entry.is_file() or entry.is_symlink()):
            yield _within(path, root)
        else:
            skipped.append(shown(path.relative_to(root).as_posix()))


def _within(path: Path, root: Path) -> Path:
    """Refuse links that leave the root or are dead, and linked folders: they would count twice."""
    if not path.is_symlink():
        return path
    if path.is_dir() or not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
        raise DataError(
            "E022",
            "a link must lead to a file inside the data set",
            where=shown(path.relative_to(root).as_posix()),
            fix="Put the file itself there, or remove the link.",
        )
    return path
