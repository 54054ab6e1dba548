"""What was written, to compare with what is read: SHA-256 and size of every file of an object."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pryproof.checks import IntegrityError
from pryproof.store.encodings import decode_json, encode_json

SEAL = "seal.json"


@dataclass(frozen=True, kw_only=True)
class Seal:
    """Digest and size (bytes) of each file, under the name they were sealed as."""

    name: str
    files: Mapping[str, tuple[str, int]]

    def encode(self) -> bytes:
        """Write the seal with its own digest: a seal that was changed is no seal."""
        body = self._body()
        return encode_json(body | {"seal": digest(encode_json(body))})

    def _body(self) -> dict[str, object]:
        files = {file: {"sha256": sha, "bytes": size} for file, (sha, size) in self.files.items()}
        return {"name": self.name, "files": files}


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def seal(name: str, contents: Mapping[str, bytes]) -> Seal:
    """Seal the contents of files under a name."""
    files = {file: (digest(data), len(data)) for file, data in contents.items()}
    return Seal(name=name, files=files)


def read_seal(folder: Path, name: str, *, where: str) -> Seal:
    """Read the seal of a folder; it must be whole, unchanged, and of that name."""
    try:
        data = (folder / SEAL).read_bytes()
        table = decode_json(data)
        found = Seal(name=str(table["name"]), files=_files(table["files"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(f"{where}/{SEAL}", "the seal cannot be read") from error
    if found.encode() != data:
        raise damaged(f"{where}/{SEAL}", "the seal was changed")
    if found.name != name:
        raise damaged(f"{where}/{SEAL}", f"the seal belongs to {found.name}")
    return found


def check_file(path: Path, expected: tuple[str, int], *, where: str) -> None:
    """Compare a file with its sealed digest and size."""
    sha, size = expected
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        length = path.stat().st_size
    except OSError as error:
        raise damaged(where, f"the file cannot be read ({error.strerror})") from error
    if length != size:
        raise damaged(where, f"the file has {length} bytes, sealed were {size}")
    if found != sha:
        raise damaged(where, "the content is not what was sealed")


def damaged(where: str, what: str) -> IntegrityError:
    """Name the damaged file and the way out."""
    folder = where.rpartition("/")[0] or where
    return IntegrityError(
        "E063",
        what,
        where=where,
        fix=f"Delete {folder} and run the same command again: only this result is computed anew.",
    )


def _files(table: object) -> dict[str, tuple[str, int]]:
    if not isinstance(table, dict):
        raise TypeError("files must be a table")
    return {file: (str(entry["sha256"]), int(entry["bytes"])) for file, entry in table.items()}
