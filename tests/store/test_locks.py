import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from pryproof.checks import BusyError, MachineError
from pryproof.store import locks
from pryproof.store.locks import exclusive, hold, require_locks

HOLDER = """
import sys, time
from pathlib import Path
from typing import NoReturn
from pryproof.store.locks import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the lock."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLDER, str(tmp_path / ".lock")],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path, holder: subprocess.Popen[str]):
    with pytest.raises(BusyError, match=rf"process {holder.pid} on .+, since 20\d\d-") as caught:
        hold(tmp_path / ".lock").__enter__()
    assert caught.value.exit_code == 6


def test_the_lock_is_free_as_soon_as_its_holder_is_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
):
    holder.kill()
    holder.wait()
    with hold(tmp_path / ".lock"):
        pass


def test_the_same_process_cannot_hold_it_twice_but_again(tmp_path: Path):
    path = tmp_path / ".lock"
    with hold(path), pytest.raises(BusyError, match=f"process {os.getpid()}"):
        hold(path).__enter__()
    with hold(path):
        pass
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_error_inside_frees_the_lock(tmp_path: Path):
    with pytest.raises(KeyError), hold(tmp_path / ".lock"):
        raise KeyError
    with hold(tmp_path / ".lock"):
        pass


def test_a_holder_without_a_name_is_still_a_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locks, "_holder", lambda: b"")
    monkeypatch.setattr(locks, "_READ_AGAIN", (0.0, 0.0))
    path = tmp_path / ".lock"
    with hold(path), pytest.raises(BusyError, match=r"process \? on \?"):
        hold(path).__enter__()


def test_a_place_without_locks_is_a_machine_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def unable(descriptor: int, operation: int) -> NoReturn:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", unable)
    with pytest.raises(MachineError, match="No locks available"):
        hold(tmp_path / ".lock").__enter__()
    with pytest.raises(MachineError, match="No such file"):
        hold(tmp_path / "absent" / ".lock").__enter__()


def test_a_platform_without_locks_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with pytest.raises(MachineError, match=r"which Python on .* lacks"):
        require_locks()


def test_exclusive_is_given_back(tmp_path: Path):
    for _ in range(2):
        with exclusive(tmp_path):
            descriptor = os.open(tmp_path, os.O_RDONLY)
            assert not locks.claim(descriptor)
            os.close(descriptor)
