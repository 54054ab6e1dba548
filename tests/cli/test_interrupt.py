"""Ctrl-C as a terminal sends it, to every process at once: one line, and no traceback of any."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pryproof as pp
from pipeline.tiny import overrides, write_npz

STOPPED = "Stopped. What is finished is kept; the same command continues."


def command(images: Path, folder: Path, workers: int) -> list[str]:
    """Long trainings, so that there is something to interrupt."""
    sets = [*overrides(), "runs=2", "train.epochs=300"]
    words = ["reproduce", "fig1a", "--data", str(images), "--out", str(folder), "--device", "cpu"]
    words += ["--workers", str(workers), *(part for each in sets for part in ("--set", each))]
    return [sys.executable, "-m", "pryproof", *words]


def stored(folder: Path) -> int:
    return len(list((folder / "objects").glob("[0-9a-f]*")))


@pytest.mark.slow
@pytest.mark.usefixtures("heard")
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_command_says_that_it_can_go_on(tmp_path, workers):
    images, folder = write_npz(tmp_path / "tiny.npz"), tmp_path / "out"
    # where the tests themselves run with Ctrl-C ignored, a child would inherit that
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        command(images, folder, workers),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(pp.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, before)
    end = time.monotonic() + 60
    try:
        while process.poll() is None and stored(folder) < 2 and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err.splitlines()[-1] == STOPPED
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    assert not (folder / "claims.json").exists()
    assert stored(folder) >= 2
