"""The command line in this process, and the tiny study."""

import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from pipeline.tiny import finished, npz, roomy, tree_of_images
from pryproof.cli import main

__all__ = ["finished", "npz", "roomy", "tree_of_images"]


class Said(NamedTuple):
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs ``pryproof WORDS`` as a shell would, but for the start."""
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words: object) -> Said:
        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["pryproof", *map(str, words)])
        try:
            with pytest.raises(SystemExit) as caught:
                main()
        finally:
            signal.signal(signal.SIGTERM, before)
        code = caught.value.code
        return Said(0 if code is None else code, *capsys.readouterr())

    return run
