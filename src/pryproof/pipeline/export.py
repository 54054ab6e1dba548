"""Give a training set to the user: in a form other programs read, with its provenance and a card.

An export is a folder that appears whole or not at all, readable by its owner only.
"""

import re
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from pryproof.checks import ConfigurationError, DataError, IntegrityError, known_name
from pryproof.data.arrays import IMAGES, LABELS
from pryproof.data.parquet import IMAGE, INDEX, LABEL
from pryproof.data.protected import MANIFEST, NPZ, TREE
from pryproof.defenses.fakes import FAKE, MADE_BY, REAL, SOURCES, TrainingSet
from pryproof.pipeline.data_card import About, data_card
from pryproof.pipeline.tables import png
from pryproof.store.files import (
    decode_json,
    encode_json,
    encode_table,
    machine_errors,
    sync_folder,
    temporary_name,
    write_new,
)
from pryproof.store.places import make_private
from pryproof.store.seals import digest

SHARD = 10_000  # rows of one Parquet file or tar archive
CARD = "README.md"
PROVENANCE = "provenance.parquet"

File = tuple[str, bytes]  # its name within the export, and what is in it


def export(made: TrainingSet, folder: Path, *, form: str, about: About, what: str = "all") -> Path:
    """Write a training set, or a part of it, to a folder that is empty or not there; return it.

    ``form`` is "parquet" (as pryproof reads it), "folder" (an ImageFolder of PNGs under
    ``images``), "webdataset" (tar shards) or "npz"; ``what`` is "all", "reals", "fakes" or
    "transformed". The same rows give the same bytes. Raises ConfigurationError for a folder with
    content and for an unknown form or part, DataError for a part without rows, MachineError where
    the system refuses; then nothing is left behind.
    """
    refuse_unknown(form, what)
    refuse_content(folder)
    chosen = made.take(PARTS[what](made))
    if not len(chosen):
        raise DataError(
            "E003",
            f"the training set has no rows of the part {what}, only of {_held(made)}",
            where=about.name,
            fix=f"Ask for {_held(made)}, or export a set that has {what}.",
        )
    card = (CARD, data_card(chosen, about, what=what, form=form).encode())
    files = chain([card], FORMS[form](chosen, about))
    head = {"form": form, "what": what, "rows": len(chosen), "label_names": list(about.classes)}
    return write_whole(folder, files, head, need=chosen.images.nbytes)


def verify(folder: Path) -> None:
    """Compare every file of an export with its manifest; IntegrityError names one that differs."""
    try:
        lines: Any = decode_json((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(MANIFEST, "the manifest cannot be read") from error
    for name, line in lines.items():
        path = folder / name
        if not path.is_file() or digest(path.read_bytes()) != line["sha256"]:
            raise _damaged(name, "the file is missing or not what was exported")


def _damaged(where: str, what: str) -> IntegrityError:
    return IntegrityError("E063", what, where=where, fix="Export again, to another folder.")


def provenance(made: TrainingSet, about: About) -> dict[str, list[Any]]:
    """Return where every row comes from: its source, what made it of that, and with which seed."""
    index = made.index.tolist()
    return {
        INDEX: list(range(len(made))),
        "class": [about.classes[label] for label in made.labels.tolist()],
        "source": [SOURCES[code] for code in made.source.tolist()],
        "source_id": [
            about.ids[place] if code == REAL else f"{SOURCES[code]}/{place:06d}"
            for code, place in zip(made.source.tolist(), index, strict=True)
        ],
        "source_index": index,
        "made_by": [MADE_BY[code] for code in made.made_by.tolist()],
        "seed": made.seed.tolist(),
    }


def _parquet(made: TrainingSet, about: About) -> Iterator[File]:
    columns = provenance(made, about)
    shards = range(0, len(made), SHARD)
    for number, start in enumerate(shards):
        rows = slice(start, start + SHARD)
        table = {
            IMAGE: [png(image) for image in made.images[rows]],
            LABEL: made.labels[rows].tolist(),
            **{name: column[rows] for name, column in columns.items()},
        }
        yield f"data-{number:05d}-of-{len(shards):05d}.parquet", encode_table(table)


def _folder(made: TrainingSet, about: About) -> Iterator[File]:
    """Write an ImageFolder; folders are numbered, so that their order is that of the labels."""
    digits = len(str(len(about.classes) - 1))
    kinds = [
        f"{label:0{digits}d}-{re.sub('[^0-9A-Za-z._-]+', '_', name)}"
        for label, name in enumerate(about.classes)
    ]
    names = []
    for row, label in enumerate(made.labels.tolist()):
        names.append(f"{TREE}/{kinds[label]}/{row:08d}.png")
        yield names[-1], png(made.images[row])
    columns: dict[str, list[Any]] = {"file": names}
    yield PROVENANCE, encode_table(columns | provenance(made, about))


def _webdataset(made: TrainingSet, about: About) -> Iterator[File]:
    columns, labels = provenance(made, about), made.labels.tolist()
    for number, start in enumerate(range(0, len(made), SHARD)):
        sink = BytesIO()
        with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for row in range(start, min(start + SHARD, len(made))):
                origin = {name: column[row] for name, column in columns.items()}
                parts = {
                    "png": png(made.images[row]),
                    "cls": str(labels[row]).encode(),
                    "json": encode_json({LABEL: labels[row], **origin}),
                }
                for suffix, data in parts.items():
                    member = tarfile.TarInfo(f"{row:09d}.{suffix}")  # no time, no owner
                    member.size, member.mode = len(data), 0o600
                    archive.addfile(member, BytesIO(data))
        yield f"data-{number:06d}.tar", sink.getvalue()


def _npz(made: TrainingSet, about: About) -> Iterator[File]:
    sink = BytesIO()
    columns = {name: np.array(column) for name, column in provenance(made, about).items()}
    arrays = {IMAGES: made.images, LABELS: made.labels, "classes": np.array(about.classes)}
    np.savez_compressed(sink, **arrays, **columns)  # type: ignore[arg-type] # all are arrays
    yield NPZ, sink.getvalue()


FORMS: dict[str, Callable[[TrainingSet, About], Iterator[File]]] = {
    "parquet": _parquet,
    "folder": _folder,
    "webdataset": _webdataset,
    "npz": _npz,
}
PARTS: dict[str, Callable[[TrainingSet], Bool[np.ndarray, " rows"]]] = {
    "all": lambda made: np.ones(len(made), dtype=bool),
    "reals": lambda made: made.source == REAL,
    "fakes": lambda made: made.source == FAKE,
    "transformed": lambda made: made.transformed,
}


def _held(made: TrainingSet) -> str:
    return " or ".join(part for part, rows in PARTS.items() if rows(made).any()) or "no rows"


def refuse_unknown(form: str, what: str) -> None:
    """Raise ConfigurationError, naming the nearest, for an unknown form or part."""
    known_name(form, FORMS, kind="form of export")
    known_name(what, PARTS, kind="part of a training set")


def refuse_content(folder: Path) -> None:
    """Raise ConfigurationError for a folder with something in it, and for a file."""
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(
            "E061", "an export is a folder, this is a file", where=str(folder), fix="Name another."
        )
    held = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    if held:
        raise ConfigurationError(
            "E061",
            f"the folder is not empty: it holds {held[0]!r}"
            + (f" and {len(held) - 1} more" if held[1:] else ""),
            where=str(folder),
            fix="Name a folder that is empty or does not exist; nothing here was touched.",
        )


def write_whole(
    folder: Path, files: Iterable[File], head: Mapping[str, object], *, need: int
) -> Path:
    """Write files and their manifest, which begins with ``head``: all of them or nothing.

    ``need`` is about how many bytes that takes. Returns the folder; MachineError where the system
    refuses.
    """
    folder = folder.absolute()
    with machine_errors(folder, need=need):
        _write_aside(folder, files, head)
    return folder


def _write_aside(folder: Path, files: Iterable[File], head: Mapping[str, object]) -> None:
    """Write everything under another name beside it, then give it its name."""
    make_private(folder.parent)
    aside = folder.with_name(temporary_name("export"))
    try:
        make_private(aside)
        lines = {name: _write(aside, name, data) for name, data in files}
        _write(aside, MANIFEST, encode_json({**head, "files": lines}))
        for place in [aside, *(path for path in aside.rglob("*") if path.is_dir())]:
            sync_folder(place)
        aside.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(aside: Path, name: str, data: bytes) -> dict[str, object]:
    path = aside / name
    make_private(path.parent)
    write_new(path, data)
    return {"sha256": digest(data), "bytes": len(data)}
