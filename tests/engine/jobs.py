"""Jobs for the tests of the engine: workers import this module by its name."""

import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from pryproof.checks import TrainingError
from pryproof.engine.local import place, report


class UncrossableError(Exception):
    """An exception that cannot be rebuilt from what pickle keeps of it."""

    def __init__(self, *, first: int) -> None:
        super().__init__(f"first was {first}")


def write(path: Path, text: str) -> None:
    path.write_text(text)


def join(path: Path, sources: tuple[Path, ...]) -> None:
    path.write_text("+".join(source.read_text() for source in sources))


def write_environment(path: Path) -> None:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    path.write_text(" ".join(os.environ.get(name, "-") for name in names))


def write_loaded(path: Path, module: str) -> None:
    path.write_text(getattr(sys.modules.get(module), "__file__", None) or "-")


def die_unless(marker: Path) -> None:
    """Die by SIGKILL the first time, succeed the second."""
    if not marker.exists():
        marker.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> NoReturn:
    sys.exit("enough")


def meet(path: Path, other: Path, patience: float) -> None:
    """Write where this job runs, and wait until the other job runs too."""
    path.write_text(place())
    end = time.monotonic() + patience
    while not other.exists():
        if time.monotonic() > end:
            raise LookupError(str(other))
        time.sleep(0.01)


def die_or_write_place(marker: Path, path: Path) -> None:
    """Die the first time; the second time write where this job runs."""
    die_unless(marker)
    path.write_text(place())


def fail_as(message: str) -> NoReturn:
    raise LookupError(message)


def fail_uncrossably() -> NoReturn:
    raise UncrossableError(first=3)


def fail_training() -> NoReturn:
    raise TrainingError("E001", "it diverged", where="run 3", fix="Lower the rate.")


def tell() -> None:
    report(0.25, "a quarter")
    time.sleep(0.2)
    report(1.0, "all")


def tell_much() -> None:
    for step in range(1000):
        report(step / 1000, "step")


def hold(path: Path) -> None:
    """Hold a lock for as long as this process lives: who gets it knows that we are dead."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, b"held")
    time.sleep(600)
