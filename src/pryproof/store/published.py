"""Files for the user: replaced atomically, each with its line in ``seals.json``."""

import re
from pathlib import Path

from pryproof.checks import IntegrityError
from pryproof.store.encodings import decode_json, encode_json
from pryproof.store.files import machine_errors, write_bytes
from pryproof.store.locks import exclusive
from pryproof.store.places import LOCK, MARK, OBJECTS, UNDERWAY
from pryproof.store.seals import damaged, digest

SEALS = "seals.json"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
_RESERVED = (SEALS, MARK, OBJECTS, LOCK, UNDERWAY)


def publish(folder: Path, name: str, data: bytes) -> Path:
    """Write a file under the folder and seal it.

    The seal comes first and remembers, until the file is written, the one before: after a crash
    between the two the old file is known as the old file, not taken for a damaged new one.
    """
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise ValueError(f"not a name for a published file: {name!r}")
    path = folder / name
    with machine_errors(path, need=len(data)), exclusive(folder):
        lines = _read_lines(folder)
        current = digest(path.read_bytes()) if path.exists() else ""
        line: dict[str, object] = {"sha256": digest(data), "bytes": len(data)}
        write_bytes(folder / SEALS, _encode_lines(lines | {name: line | {"before": current}}))
        write_bytes(path, data)
        write_bytes(folder / SEALS, _encode_lines(lines | {name: line}))
    return path


def read_published(folder: Path, name: str) -> bytes:
    """Return a published file if it is what was sealed."""
    line = _read_lines(folder).get(name)
    if line is None:
        raise damaged(SEALS, f"it has no line for {name}")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise damaged(name, f"the file cannot be read ({error.strerror})") from error
    found = digest(data)
    if found == line["sha256"]:
        return data
    if found == line.get("before"):
        raise IntegrityError(
            "E063",
            "the file is older than its seal: writing was interrupted",
            where=name,
            fix="Run the same command again.",
        )
    raise damaged(name, "the content is not what was sealed")


def published_names(folder: Path) -> list[str]:
    """Return the names that have a line in ``seals.json``."""
    return sorted(_read_lines(folder))


def _encode_lines(lines: dict[str, dict[str, object]]) -> bytes:
    return encode_json({"files": lines, "seal": digest(encode_json(lines))})


def _read_lines(folder: Path) -> dict[str, dict[str, object]]:
    path = folder / SEALS
    if not path.exists():
        return {}
    try:
        data = path.read_bytes()
        lines = decode_json(data)["files"]
        whole = isinstance(lines, dict) and _encode_lines(lines) == data
    except (OSError, ValueError, KeyError) as error:
        raise damaged(SEALS, "the seals cannot be read") from error
    if not isinstance(lines, dict) or not whole:
        raise damaged(SEALS, "the seals were changed")
    return lines
