"""Start and stop worker processes.

Four things about starting are not as multiprocessing does them by itself:

* **The user's script is not run again.** forkserver and spawn import the main module in every
  worker, so a plain script without an ``if __name__ == "__main__"`` guard would start its study
  anew in each of them. What to import is read off ``sys.modules["__main__"]`` when a process
  starts; while we start one, an empty module stands there. In exchange jobs must live in importable
  modules: what is defined in the script or notebook itself is refused, with the way out (``pack``).
* **Workers import what the parent imports.** Until its first message only the environment speaks to
  the fork server: ``PYTHONPATH`` repeats the parent's ``sys.path``, and ``PYTHONSAFEPATH`` keeps a
  ``torch.py`` in the current folder (a data set's, say) from being run.
* **One thread.** Linear algebra libraries read their thread counts when they are loaded, so these
  too must stand in the environment before.
* **The fork server is deaf to Ctrl-C.** A terminal sends it to every process; while the fork server
  imports the modules, which takes seconds, it would die of it with a traceback of its own.
"""

import io
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FunctionType, ModuleType

from pryproof.checks import ConfigurationError, MachineError
from pryproof.engine.worker import ONE_THREAD, serve

_GRACE = 1.0  # seconds for the system to clear a killed process away


@dataclass(kw_only=True, eq=False)
class Worker:
    """A process, our end of its pipe, its place, and the name of the job it does."""

    process: BaseProcess
    connection: Connection
    place: str = ""
    job: str | None = None


def start(preload: Sequence[str], *, place: str = "") -> Worker:
    """Start a worker; the fork server, started with the first, imports the modules once for all.

    Its jobs can ask for the ``place`` it was given, such as the device it is to compute on. The
    fork server stays for the next call and ends with this process.
    """
    context = _context(preload)
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, place), daemon=True)
    try:
        with _unnoticed_main(), _environment():
            if isinstance(context, ForkServerContext):
                _start_server()
            process.start()
    except (EOFError, OSError) as error:
        ours.close()
        raise MachineError(
            "E067",
            f"a worker process cannot be started ({error or type(error).__name__})",
            fix="See the message above; `workers = 0` runs everything in one process.",
        ) from error
    finally:
        theirs.close()
    return Worker(process=process, connection=ours, place=place)


def stop(workers: Iterable[Worker]) -> None:
    """Kill workers and wait until they are gone; the store knows only whole results."""
    workers = list(workers)
    for worker in workers:
        worker.process.kill()
        worker.connection.close()
    for worker in workers:
        worker.process.join(_GRACE)


def death(worker: Worker) -> str:
    """Say how a stopped worker ended."""
    code = worker.process.exitcode
    if code is None or code >= 0:
        return f"exit code {code}"
    hint = ", perhaps by the system for want of memory" if -code == signal.SIGKILL else ""
    return f"killed by {signal.Signals(-code).name}{hint}"


def pack(call: Callable[..., None], arguments: tuple[object, ...]) -> bytes:
    """Return a call as bytes for a worker; refuse what lives in the script or notebook itself."""
    buffer = io.BytesIO()
    _Packer(buffer).dump((call, arguments))
    return buffer.getvalue()


class _Packer(pickle.Pickler):
    def persistent_id(self, value: object) -> None:
        """Look at every object on its way; none is stored apart."""
        if isinstance(value, FunctionType | type) and value.__module__ == "__main__":
            raise ConfigurationError(
                "E050",
                f"{value.__qualname__} is defined in the script or notebook itself, where worker "
                "processes cannot import it",
                where="__main__",
                fix="Move it to a module of its own and import it, or run with workers = 0.",
            )


def _context(preload: Sequence[str]) -> ForkServerContext | SpawnContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


def _start_server() -> None:
    """Start the fork server, unless it runs, with Ctrl-C blocked: its processes inherit that.

    In this process it waits meanwhile, and is answered after.
    """
    resource_tracker.ensure_running()  # started by the server's own start, it would unblock Ctrl-C
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _unnoticed_main() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _environment() -> Iterator[None]:
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    changes = ONE_THREAD | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
