"""A study's folder: results by key, written once and whole, read only if they are what was sealed.

::

    workspace.json          layout and study
    objects/KEY/            arrays.safetensors  facts.json  record.json  seal.json
    underway/KEY/           what a task keeps until its result is there
    samples.parquet ...     what the user keeps, each with its line in seals.json
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from safetensors import safe_open

from pryproof.checks import ConfigurationError, IntegrityError
from pryproof.store import places, published
from pryproof.store.encodings import Array, decode_json, encode_arrays, encode_json
from pryproof.store.failpoints import reach
from pryproof.store.files import (
    TEMPORARY,
    machine_errors,
    sync_folder,
    temporary_name,
    write_new,
)
from pryproof.store.locks import claim, hold, require_locks
from pryproof.store.seals import SEAL, Seal, check_file, damaged, read_seal, seal
from pryproof.store.underway import Underway

ARRAYS, FACTS, RECORD = "arrays.safetensors", "facts.json", "record.json"
_FILES = (ARRAYS, FACTS, RECORD, SEAL)
_DAMAGED = ".damaged-"
_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A result: arrays, facts (JSON), and the record of how it came about."""

    arrays: dict[str, Array]
    facts: dict[str, Any]
    record: dict[str, Any]


@final
@dataclass(frozen=True)
class Workspace:
    """The folder of one study. Open it with ``Workspace.open``; it may be sent to other processes.

    Any process may put and get; ``lock`` is for the one that runs the study.
    """

    path: Path
    _checked: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def open(
        cls, path: Path, *, study: str, create: bool, allow_insecure: bool = False
    ) -> "Workspace":
        """Open, or with ``create`` make, the workspace of a study (a digest that names it).

        Refuses a place others can change (unless ``allow_insecure``), a folder that is something
        else, and the workspace of another study or of a newer layout.
        """
        require_locks()
        with machine_errors(path):
            path = path.resolve()
            if not allow_insecure:
                places.refuse_exposed(path)
            if not places.is_marked(path):
                places.refuse_foreign(path)
                if not create:
                    raise ConfigurationError(
                        "E061", "no workspace here yet", where=str(path), fix="Run the study first."
                    )
                places.prepare(path, study)
            places.check_mark(path, study)
            places.tighten(path)
        return cls(path)

    def put(
        self,
        key: str,
        *,
        arrays: Mapping[str, Array],
        facts: Mapping[str, object],
        record: Mapping[str, object],
    ) -> None:
        """Store a result under its key: all of it, durably, or nothing.

        A key that is there already keeps what it has; other arrays or facts for it are an error,
        another record (machine, seconds) is not.
        """
        contents = {
            ARRAYS: encode_arrays(arrays),
            FACTS: encode_json(facts),
            RECORD: encode_json(record),
        }
        sealed = seal(key, contents)
        folder = self._folder(key)
        if self.has(key):
            self._refuse_other(key, sealed)
            return
        contents[SEAL] = sealed.encode()
        building = folder.with_name(temporary_name(key))
        need = sum(len(data) for data in contents.values())
        with machine_errors(folder, need=need), _building(building):
            for name, data in contents.items():
                write_new(building / name, data)
            sync_folder(building)
            self._reveal(building, key, sealed)

    def has(self, key: str) -> bool:
        """Say whether a result lies under the key; only reading tells whether it is undamaged."""
        return self._folder(key).is_dir()

    def get(self, key: str, *, names: Collection[str] | None = None) -> Stored:
        """Return the result under the key, or of its arrays only those named.

        Every file is compared with the seal when this process reads the result first, and again if
        it has changed since; IntegrityError names the file that is not what was sealed.
        """
        self.check(key)
        folder = self._folder(key)
        with machine_errors(folder):
            return Stored(
                arrays=_read_arrays(folder / ARRAYS, names),
                facts=decode_json((folder / FACTS).read_bytes()),
                record=decode_json((folder / RECORD).read_bytes()),
            )

    def check(self, key: str) -> None:
        """Compare every file of a result with its seal."""
        folder, where = self._folder(key), self._where(key)
        if not folder.is_dir():
            raise damaged(where, "no such result")
        state = _state(folder)
        if state == self._checked.get(key):
            return
        for name, expected in read_seal(folder, key, where=where).files.items():
            check_file(folder / name, expected, where=f"{where}/{name}")
        self._checked[key] = state

    def keys(self) -> list[str]:
        """Return the keys of all results."""
        names = (entry.name for entry in (self.path / places.OBJECTS).iterdir())
        return sorted(name for name in names if _KEY.fullmatch(name))

    def size(self, key: str) -> int:
        """Return the bytes that the result under the key takes on disk."""
        return sum(entry.stat().st_size for entry in self._folder(key).iterdir())

    def discard(self, key: str) -> None:
        """Put a result aside, as objects/.damaged-KEY, so that it can be computed anew."""
        folder = self._folder(key)
        if not folder.is_dir():
            return
        aside = folder.with_name(_DAMAGED + key)
        with machine_errors(folder):
            if aside.exists():
                shutil.rmtree(aside)
            folder.rename(aside)
            sync_folder(folder.parent)
        self._checked.pop(key, None)

    def sweep(self) -> int:
        """Remove what writers that died left unfinished; return how many pieces that was.

        For the holder of ``lock``: a writer that starts at the same moment may be taken for dead.
        """
        count = 0
        underway = self.path / places.UNDERWAY
        kept = [entry for entry in underway.glob("*") if entry.is_dir()]
        for folder in (self.path, self.path / places.OBJECTS, *kept):
            with machine_errors(folder):
                count += sum(_remove_abandoned(entry) for entry in folder.glob(f"{TEMPORARY}*"))
        for folder in kept:  # a crash between storing a result and forgetting the way to it
            if self.has(folder.name):
                self.underway(folder.name).forget()
        return count

    def underway(self, key: str) -> Underway:
        """Return where a task keeps its state until its result lies under the key."""
        return Underway(workspace=self.path, key=key)

    def publish(self, name: str, data: bytes) -> Path:
        """Write a file for the user into the workspace, atomically and sealed; return its path."""
        return published.publish(self.path, name, data)

    def published(self, name: str) -> bytes:
        """Return a published file if it is what was sealed."""
        return published.read_published(self.path, name)

    def published_names(self) -> list[str]:
        """Return the names of all published files."""
        return published.published_names(self.path)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the workspace, or raise at once a BusyError naming the process that does."""
        return hold(self.path / places.LOCK)

    def _folder(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key: {key!r}")
        return self.path / places.OBJECTS / key

    def _where(self, key: str) -> str:
        return f"{self.path / places.OBJECTS / key}"

    def _reveal(self, building: Path, key: str, sealed: Seal) -> None:
        folder = self._folder(key)
        reach("object.rename")
        try:
            building.rename(folder)
        except OSError:
            if not self.has(key):
                raise
            self._refuse_other(key, sealed)  # another process was first
        reach("object.renamed")
        sync_folder(folder.parent)

    def _refuse_other(self, key: str, sealed: Seal) -> None:
        where = self._where(key)
        found = read_seal(self._folder(key), key, where=where).files
        for name in (ARRAYS, FACTS):
            if found.get(name) != sealed.files[name]:
                raise IntegrityError(
                    "E063",
                    "the same key was computed twice with different results",
                    where=f"{where}/{name}",
                    fix="Compare the two machines' records; delete that folder to keep the newer.",
                )


@contextmanager
def _building(path: Path) -> Iterator[None]:
    """Hold a new private folder, locked to show that its writer lives, until it is renamed."""
    path.mkdir(places.PRIVATE_FOLDER)
    path.chmod(places.PRIVATE_FOLDER)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks: only the sweep misses it
            claim(descriptor)
        reach("object.open")
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _remove_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:  # its writer was faster
        return False
    try:
        if not claim(descriptor):
            return False
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
    return True


def _read_arrays(path: Path, names: Collection[str] | None) -> dict[str, Array]:
    with safe_open(path, framework="np") as file:
        known = file.keys()
        unknown = sorted(set(names or ()).difference(known))
        if unknown:
            raise ValueError(f"{path} has no array {unknown[0]!r}, only {', '.join(known)}")
        return {name: file.get_tensor(name) for name in known if names is None or name in names}


def _state(folder: Path) -> list[tuple[int, int, int]]:
    """Return what changes when a file is touched, without reading it."""
    paths = (folder / name for name in _FILES)
    stats = [path.stat() for path in paths if path.exists()]
    return [(found.st_ino, found.st_size, found.st_mtime_ns) for found in stats]
