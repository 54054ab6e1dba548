"""Bytes to disk, whole or not at all.

Every byte the store writes passes here: libraries that write files themselves hide a full disk and
leave half a file behind.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pryproof.checks import MachineError
from pryproof.store.encodings import (
    decode_arrays,
    decode_json,
    encode_arrays,
    encode_json,
    encode_table,
)
from pryproof.store.failpoints import reach
from pryproof.store.locks import PRIVATE_FILE, claim

__all__ = [
    "decode_arrays",
    "decode_json",
    "encode_arrays",
    "encode_json",
    "encode_table",
    "machine_errors",
    "sync_folder",
    "temporary_name",
    "write_bytes",
    "write_new",
]

TEMPORARY = ".tmp-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically and durably, readable by its owner only.

    After a crash at any moment the path holds either what it held before or all of ``data``. Every
    error of the system becomes one MachineError, and leaves nothing behind.
    """
    temporary = path.with_name(temporary_name())
    with machine_errors(path, need=len(data)):
        try:
            with _created(temporary) as descriptor:
                _fill(descriptor, data)
                reach("file.rename")
                temporary.replace(path)
                reach("file.renamed")
            sync_folder(path.parent)
        finally:
            with suppress(OSError):  # the first error is the one to tell
                temporary.unlink(missing_ok=True)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, durably but in place: for folders not yet in view.

    Its OSErrors are for the caller, who tidies up first and then knows what is free.
    """
    with _created(path) as descriptor:
        _fill(descriptor, data)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable, as fsync does for the bytes in a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_name(of: str = "") -> str:
    """Return a name no other process and no other call uses; all begin with ``.tmp-``."""
    parts = [of] if of else []
    return TEMPORARY + "-".join([*parts, str(os.getpid()), secrets.token_hex(4)])


@contextmanager
def machine_errors(path: Path, *, need: int = 0) -> Iterator[None]:
    """Turn every error of the system into a MachineError naming the path; ``need`` is in bytes."""
    try:
        yield
    except OSError as error:
        raise _machine_error(error, path, need) from error


@contextmanager
def _created(path: Path) -> Iterator[int]:
    """Create a file of our own, and hold its lock to show that its writer lives."""
    reach("file.open")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        os.fchmod(descriptor, PRIVATE_FILE)  # open() left it to the umask
        with suppress(OSError):  # a file system without locks: only the sweep misses it
            claim(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _fill(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    half = len(view) // 2
    _write_all(descriptor, view[:half])
    reach("file.half")
    _write_all(descriptor, view[half:])
    reach("file.fsync")
    os.fsync(descriptor)
    reach("file.synced")


def _write_all(descriptor: int, view: memoryview) -> None:
    while view:
        view = view[os.write(descriptor, view) :]


def _machine_error(error: OSError, path: Path, need: int) -> MachineError:
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return MachineError(
            "E062",
            f"no room on the disk ({reason}): need {_megabytes(need)}, free {_free(path)}",
            where=str(path),
            fix="Free some space or choose another folder, then run the same command again.",
        )
    return MachineError(
        "E061",
        f"the system refused: {reason}",
        where=str(path),
        fix="Choose a folder you may write to, then run the same command again.",
    )


def _free(path: Path) -> str:
    try:
        return _megabytes(shutil.disk_usage(path.parent).free)
    except OSError:
        return "unknown"


def _megabytes(count: int) -> str:
    """Write a number of bytes for people.

    >>> _megabytes(2_340_000)
    '2.34 MB'
    """
    return f"{count / 1e6:.2f} MB"
