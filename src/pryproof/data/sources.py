"""Where images come from: one table of sources, one ``read`` and one content digest for all."""

import difflib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pryproof.checks import DataError
from pryproof.data import arrays, duplicates, embedded, folder, parquet
from pryproof.data.labels import enough
from pryproof.data.reading import Loaded, Options, shown

PREFIX = "embedded:"
ARCHIVES = {".tar", ".tgz", ".zip", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"}
PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """How one kind of source is read, and which files (by relative name) it consists of."""

    read: Callable[[Path, Options], Loaded]
    files: Callable[[Path], dict[str, Path]]


SOURCES: dict[str, Source] = {
    "embedded": Source(read=embedded.read, files=parquet.files),
    "folder": Source(read=folder.read, files=folder.files),
    "parquet": Source(read=parquet.read, files=parquet.files),
    "npz": Source(read=arrays.read, files=arrays.files),
}


def read(
    source: str,
    *,
    label: str | None = None,
    image: str | None = None,
    part: str | None = None,
    classes: tuple[str, ...] | None = None,
    resize: int | None = None,
    channels: Literal[1, 3] | None = None,
    on_bad_image: Literal["fail", "skip"] = "fail",
    allow_empty_classes: bool = False,
    smallest_class: int = 10,
) -> Loaded:
    """Read labelled images as uint8, channels last, in the order of their ids.

    ``source`` is ``embedded:fashion-mnist``, a folder with one sub-folder a class, a ``.parquet``
    file or a folder of them, or an ``.npz`` file. ``label`` and ``image`` name columns or arrays,
    ``part`` chooses rows by the column ``split``, ``classes`` names the labels. ``resize`` scales
    the shorter side to so many pixels and cuts the centre; ``channels`` 1 or 3 makes all gray or
    RGB. Fewer than ``smallest_class`` samples in a class are refused.

    >>> read("embedded:fashion-mnist").samples.images.shape
    (6000, 28, 28, 1)
    """
    options = Options(
        label=label,
        image=image,
        part=part,
        classes=classes,
        resize=resize,
        channels=channels,
        on_bad_image=on_bad_image,
        allow_empty_classes=allow_empty_classes,
        smallest_class=smallest_class,
    )
    kind, path = locate(source)
    where = shown(source)
    if part is not None and kind not in ("embedded", "parquet"):
        raise DataError(
            "E024",
            f"only Parquet has a split column to choose {part!r} from",
            where=where,
            fix="Leave part out, or name the folder of that part.",
        )
    loaded = SOURCES[kind].read(path, options)
    # Again after decoding: images left out as bad may have been the last of their class.
    enough(loaded.samples.labels, loaded.samples.classes, options, where=where)
    return replace(loaded, notices=(*loaded.notices, *duplicates.notices(loaded.samples)))


def digest(source: str) -> str:
    """Return the SHA-256 of a source's content: the relative names and bytes of its files, sorted.

    Neither path nor time nor host enters, so a copy elsewhere has the same digest.
    """
    kind, path = locate(source)
    total = hashlib.sha256()
    for name, file in sorted(SOURCES[kind].files(path).items()):
        with file.open("rb") as content:
            inner = hashlib.file_digest(content, "sha256").digest()
        # Fixed length and an end mark: no other split into names and bytes gives the same stream.
        total.update(name.encode("utf-8", "surrogateescape") + b"\0" + inner)
    return total.hexdigest()


def locate(source: str) -> tuple[str, Path]:
    """Return the kind of a source (a key of ``SOURCES``) and where it lies.

    >>> locate("embedded:fashion-mnist")[0]
    'embedded'
    """
    if source.startswith(PREFIX):
        return "embedded", embedded.path(source.removeprefix(PREFIX))
    if not source:
        raise DataError("E001", "no source is named", where="data", fix="Name a source: a path.")
    path = Path(source).expanduser()
    if path.is_dir():
        holds_shards = any(not file.name.startswith(".") for file in path.glob("*.parquet"))
        return ("parquet" if holds_shards else "folder"), path
    if not path.exists():
        raise DataError("E001", "no such file or folder", where=shown(source), fix=_near(path))
    return _kind_of_file(path, where=shown(source)), path


def _kind_of_file(path: Path, *, where: str) -> str:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(
            "E002", "neither a file nor a folder", where=where, fix="Name a file or a folder."
        )
    if suffix in ARCHIVES:
        raise DataError(
            "E033",
            f"archives ({suffix}) are not extracted",
            where=where,
            fix="Unpack it yourself, look at it, and name the folder.",
        )
    if suffix in PICKLES:
        raise DataError(
            "E030",
            f"{suffix} files may hold pickled objects and are not opened",
            where=where,
            fix=f"{arrays.SAVE} and name that file.",
        )
    if suffix not in (".parquet", ".npz"):
        raise DataError(
            "E002",
            f"{suffix or 'a file without an ending'} is no known kind of data set",
            where=where,
            fix="Name a folder of class folders, a .parquet file or a folder of them, an .npz file "
            "or embedded:fashion-mnist.",
        )
    return suffix.removeprefix(".")


def _near(path: Path) -> str:
    """Suggest what may have been meant, from what lies in the nearest folder that exists."""
    missing = path
    while not missing.parent.is_dir():
        missing = missing.parent
    names = [entry.name for entry in missing.parent.iterdir()]
    close = difflib.get_close_matches(missing.name, names, n=1)
    if close:
        return f"Did you mean {shown(missing.parent / close[0])}?"
    return f"Check the path: {shown(missing.parent)} exists and holds no {shown(missing.name)}."
