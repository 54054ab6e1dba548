"""Who works here: advisory locks that the system frees when their holder dies, however it dies."""

import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pryproof.checks import BusyError, MachineError

try:
    import fcntl
except ImportError:  # not a Unix
    fcntl = None  # type: ignore[assignment]

PRIVATE_FILE = 0o600
_READ_AGAIN = (0.0, 0.02, 0.08, 0.2)  # seconds; a holder may be just about to write its name


def require_locks() -> None:
    """Refuse a platform whose Python has no file locks."""
    if fcntl is None:
        raise MachineError(
            "E067",
            f"a workspace needs file locks (fcntl), which Python on {sys.platform} lacks",
            fix="Use Linux, macOS or the Windows Subsystem for Linux.",
        )


def claim(descriptor: int) -> bool:
    """Take the lock of an open file or folder unless another holds it; closing it gives it back.

    OSError where the file system knows no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait for, then hold, the lock of a folder: for changes that take milliseconds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``, or raise at once a BusyError that names who does.

    The lock belongs to the open file, not to the file's existence: nothing is stale after a crash,
    and the file itself stays.
    """
    require_locks()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    except OSError as error:
        raise _no_lock(path, error) from error
    try:
        _claim_or_refuse(descriptor, path)
        os.fchmod(descriptor, PRIVATE_FILE)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _holder(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _claim_or_refuse(descriptor: int, path: Path) -> None:
    try:
        free = claim(descriptor)
    except OSError as error:
        raise _no_lock(path, error) from error
    if not free:
        raise _busy(path)


def _holder() -> bytes:
    return json.dumps(
        {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shlex.join(sys.argv),
        }
    ).encode()


def _busy(path: Path) -> BusyError:
    holder: dict[str, object] = {}
    for pause in _READ_AGAIN:
        time.sleep(pause)
        try:
            holder = json.loads(path.read_bytes())
            break
        except (OSError, ValueError):
            continue
    pid, host, since, command = (
        holder.get(name, "?") for name in ("pid", "host", "since", "command")
    )
    return BusyError(
        "E064",
        f"another run works in this workspace: process {pid} on {host}, since {since} ({command})",
        where=str(path.parent),
        fix="Wait until it is done, or stop it; what it finished is kept.",
    )


def _no_lock(path: Path, error: OSError) -> MachineError:
    return MachineError(
        "E061",
        f"cannot lock the workspace: {error.strerror}",
        where=str(path),
        fix="Choose a folder on a local disk that you may write to.",
    )
