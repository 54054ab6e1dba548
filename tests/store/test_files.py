import errno
import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from pryproof.checks import MachineError
from pryproof.store import failpoints, files
from pryproof.store.files import write_bytes, write_new

CRASH = Path(__file__).with_name("crash.py")
PUBLISHED = {"old", "new", "the file is older than its seal: writing was interrupted"}


def strike(folder: Path, what: str, action: str):
    """Run ``crash.py`` and return what every strike left."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(CRASH), str(folder), what, action],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return json.loads(done.stdout)


def check_strikes(entries: list[dict[str, object]], found: set[str]):
    assert {entry["found"] for entry in entries} <= found
    assert {entry["after"] for entry in entries} == {0}
    assert {entry["again"] for entry in entries} <= {"whole", "new"}
    assert len({entry["tree"] for entry in entries}) == 1
    assert len({entry["site"] for entry in entries}) == len(failpoints.SITES)


@pytest.mark.slow
@pytest.mark.parametrize(("what", "found"), [("put", {"nothing", "whole"}), ("publish", PUBLISHED)])
def test_a_kill_at_any_step_leaves_all_or_nothing(tmp_path: Path, what: str, found: set[str]):
    entries = strike(tmp_path, what, "kill")
    assert {entry["status"] for entry in entries} == {0, 9}
    check_strikes(entries, found)


@pytest.mark.slow
@pytest.mark.parametrize("action", ["enospc", "eio"])
@pytest.mark.parametrize(("what", "found"), [("put", {"nothing", "whole"}), ("publish", PUBLISHED)])
def test_an_error_at_any_step_is_a_machine_error_that_leaves_nothing(
    tmp_path: Path, what: str, found: set[str], action: str
):
    entries = strike(tmp_path, what, action)
    assert {os.waitstatus_to_exitcode(entry["status"]) for entry in entries} == {0, 4}
    assert {entry["before"] for entry in entries} == {0}
    check_strikes(entries, found)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_files_are_private_whatever_the_umask(tmp_path: Path, umask: int):
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "one", b"1")
        write_new(tmp_path / "two", b"2")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_writing_replaces_all_of_the_old(tmp_path: Path):
    write_bytes(tmp_path / "x", b"long" * 100)
    write_bytes(tmp_path / "x", b"")
    assert (tmp_path / "x").read_bytes() == b""
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_new_file_replaces_nothing(tmp_path: Path):
    write_new(tmp_path / "x", b"1")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "x", b"2")
    assert (tmp_path / "x").read_bytes() == b"1"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_names_need_and_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def full(descriptor: int, data: bytes) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "write", full)
    with pytest.raises(
        MachineError, match=r"need 2\.00 MB, free \d+\.\d\d MB - .*/x - Free"
    ) as caught:
        write_bytes(tmp_path / "x", bytes(2_000_000))
    assert (caught.value.code, caught.value.exit_code) == ("PRYPROOF-E062", 4)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO, errno.EPERM])
def test_other_errors_name_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    def broken(descriptor: int) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", broken)
    with pytest.raises(MachineError, match=f"{os.strerror(number)} - .*/x") as caught:
        write_bytes(tmp_path / "x", b"1")
    assert caught.value.code == "PRYPROOF-E061"
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_the_real_system_leaves_nothing(tmp_path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(MachineError, match="no room"):
            write_bytes(tmp_path / "x", bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write = os.write

    def short(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:3])

    monkeypatch.setattr(files.os, "write", short)
    write_bytes(tmp_path / "x", b"0123456789")
    assert (tmp_path / "x").read_bytes() == b"0123456789"


def test_a_folder_that_is_not_there_is_a_machine_error(tmp_path: Path):
    with pytest.raises(MachineError, match="No such file"):
        write_bytes(tmp_path / "absent" / "x", b"1")
