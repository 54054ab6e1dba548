"""The worker's side: take a job, do it, tell how it went, until the parent is gone."""

import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler

# One torch thread beside busy processes is the fast setting: two collapse (benchmarks).
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
Message = tuple[str, float, str, Exception | None]  # kind, fraction, text, error
Reporter = Callable[[float, str], None]

_PAUSE = 0.1  # seconds between two progress messages of a worker
_REPORTER: ContextVar[Reporter | None] = ContextVar("reporter", default=None)
_PLACE: ContextVar[str] = ContextVar("place", default="")


def report(fraction: float, detail: str = "") -> None:
    """Tell how much of the running job is done, in [0, 1]; without a running job, do nothing.

    >>> report(0.5, "epoch 3 of 6")
    """
    reporter = _REPORTER.get()
    if reporter is not None:
        reporter(fraction, detail)


def place() -> str:
    """Return the place this worker was given, such as a device; "" where none was named."""
    return _PLACE.get()


def call_reporting(
    call: Callable[..., None], arguments: tuple[object, ...], to: Reporter, *, at: str = ""
) -> None:
    """Call with ``report`` connected, at a place."""
    reporter, here = _REPORTER.set(to), _PLACE.set(at)
    try:
        call(*arguments)
    finally:
        _REPORTER.reset(reporter)
        _PLACE.reset(here)


def serve(connection: Connection, at: str = "") -> None:
    """Do jobs one after the other at a place; the main function of a worker process."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the parent decides
    os.environ.update(ONE_THREAD)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    while True:
        try:
            payload = connection.recv_bytes()
        except (EOFError, OSError):
            return
        _work(payload, connection, at)


def _work(payload: bytes, connection: Connection, at: str) -> None:
    try:
        call, arguments = ForkingPickler.loads(payload)
        call_reporting(call, arguments, _throttled(connection), at=at)
    except BaseException as error:
        text = traceback.format_exc()
        with suppress(OSError):  # the parent is gone, and so are we
            connection.send(("failed", 0.0, text, _portable(error)))
        raise SystemExit(1) from error
    connection.send(("finished", 1.0, "", None))


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _throttled(connection: Connection) -> Reporter:
    last = -_PAUSE

    def send(fraction: float, detail: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PAUSE or fraction >= 1.0:
            last = now
            connection.send(("progress", fraction, detail, None))

    return send


def _portable(error: BaseException) -> Exception:
    """Return the error itself if it survives the pipe and may end the parent, else its words."""
    if isinstance(error, Exception) and _crosses(error):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")


def _crosses(error: Exception) -> bool:
    try:
        again = ForkingPickler.loads(ForkingPickler.dumps(error))
    except (pickle.PickleError, TypeError, AttributeError, ValueError, ImportError):
        return False
    return type(again) is type(error)
