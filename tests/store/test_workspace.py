import errno
import multiprocessing
import os
import pickle
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from pryproof.checks import BusyError, IntegrityError, MachineError
from pryproof.store import files, locks
from pryproof.store.seals import SEAL
from pryproof.store.workspace import ARRAYS, FACTS, RECORD, Workspace

STUDY = "5" * 40
KEY, OTHER = "a" * 40, "b" * 40
FILES = (ARRAYS, FACTS, RECORD, SEAL)


@pytest.fixture
def workspace(tmp_path: Path):
    return Workspace.open(tmp_path / "w", study=STUDY, create=True)


def put(workspace: Workspace, key: str = KEY, *, n: int = 1, seconds: float = 1.0):
    arrays = {"x": np.arange(5) * n, "flag": np.array(True)}
    workspace.put(key, arrays=arrays, facts={"n": n}, record={"seconds": seconds})


def again(workspace: Workspace):
    """Open the folder as a new process would."""
    return Workspace.open(workspace.path, study=STUDY, create=False)


def leftovers(workspace: Workspace):
    return list(workspace.path.rglob(".tmp-*"))


def test_what_is_put_comes_back(workspace: Workspace):
    assert not workspace.has(KEY)
    put(workspace)
    stored = again(workspace).get(KEY)
    assert workspace.has(KEY)
    assert stored.arrays["x"].tolist() == [0, 1, 2, 3, 4]
    assert stored.arrays["flag"].shape == ()
    assert (stored.facts, stored.record) == ({"n": 1}, {"seconds": 1.0})
    assert workspace.keys() == [KEY]
    assert workspace.size(KEY) == sum(
        path.stat().st_size for path in (workspace.path / "objects" / KEY).iterdir()
    )


def test_some_arrays_may_be_asked_for(workspace: Workspace):
    put(workspace)
    assert workspace.get(KEY, names=["flag"]).arrays.keys() == {"flag"}
    assert workspace.get(KEY, names=()).arrays == {}
    with pytest.raises(ValueError, match="has no array 'y', only flag, x"):
        workspace.get(KEY, names=["y"])


def test_the_arrays_are_ones_own(workspace: Workspace):
    put(workspace)
    workspace.get(KEY).arrays["x"][:] = 9
    assert workspace.get(KEY).arrays["x"].tolist() == [0, 1, 2, 3, 4]


def test_putting_the_same_again_keeps_the_first(workspace: Workspace):
    put(workspace, seconds=1.0)
    put(workspace, seconds=2.0)
    assert workspace.get(KEY).record == {"seconds": 1.0}
    assert leftovers(workspace) == []


def test_two_results_for_one_key_are_an_error(workspace: Workspace):
    put(workspace, n=1)
    with pytest.raises(IntegrityError, match=r"twice with different results.*arrays\.safetensors"):
        put(workspace, n=2)
    assert workspace.get(KEY).facts == {"n": 1}


@pytest.mark.parametrize("n", [1, 2])
def test_losing_the_race_is_like_coming_late(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, n: int
):
    put(workspace, n=1)
    answers = iter([False, True])

    def has(self: Workspace, key: str) -> bool:
        return next(answers)

    monkeypatch.setattr(Workspace, "has", has)
    if n == 1:
        put(workspace, n=1)
    else:
        with pytest.raises(IntegrityError, match="twice with different results"):
            put(workspace, n=2)
    assert leftovers(workspace) == []


def test_a_rename_that_fails_is_a_machine_error(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    def refuse(self: Path, target: Path) -> NoReturn:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.Path, "rename", refuse)
    with pytest.raises(MachineError, match="Input/output error"):
        put(workspace)
    assert leftovers(workspace) == []
    assert not workspace.has(KEY)


def test_a_full_disk_names_the_need_of_the_whole_result(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    def full(descriptor: int, data: bytes) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "write", full)
    with pytest.raises(MachineError, match=rf"need 0\.80 MB, free .* - .*objects/{KEY} - Free"):
        workspace.put(KEY, arrays={"x": np.zeros(100_000)}, facts={}, record={})
    assert leftovers(workspace) == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["flip", "truncate", "zero", "empty", "delete", "grow"])
def test_damage_is_seen_and_named(workspace: Workspace, name: str, damage: str):
    put(workspace)
    path = workspace.path / "objects" / KEY / name
    whole = path.read_bytes()
    middle = len(whole) // 2
    forms = {
        "flip": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "truncate": whole[:-1],
        "zero": bytes(len(whole)),
        "empty": b"",
        "grow": whole + b"\n",
    }
    if damage == "delete":
        path.unlink()
    else:
        path.write_bytes(forms[damage])
    with pytest.raises(IntegrityError, match=f"objects/{KEY}/{name} - Delete .*/{KEY} and run"):
        again(workspace).get(KEY)


@pytest.mark.parametrize("name", FILES)
def test_files_of_another_object_are_seen(workspace: Workspace, name: str):
    put(workspace, KEY, n=1, seconds=1.0)
    put(workspace, OTHER, n=2, seconds=2.0)
    one, two = (workspace.path / "objects" / key / name for key in (KEY, OTHER))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    for key in (KEY, OTHER):
        with pytest.raises(IntegrityError, match=f"objects/{key}/{name}"):
            again(workspace).get(key)


def test_swapped_objects_are_seen(workspace: Workspace):
    put(workspace, KEY, n=1)
    put(workspace, OTHER, n=2)
    folder = workspace.path / "objects"
    (folder / KEY).rename(folder / "aside")
    (folder / OTHER).rename(folder / KEY)
    (folder / "aside").rename(folder / OTHER)
    with pytest.raises(IntegrityError, match=f"the seal belongs to {OTHER}"):
        again(workspace).get(KEY)


def test_damage_after_the_first_read_is_seen_too(workspace: Workspace):
    put(workspace)
    workspace.get(KEY)
    path = workspace.path / "objects" / KEY / FACTS
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    os.utime(path, ns=(1, 1))
    with pytest.raises(IntegrityError, match=FACTS):
        workspace.get(KEY)


def test_a_result_that_is_not_there_is_named(workspace: Workspace):
    with pytest.raises(IntegrityError, match=f"no such result - .*{KEY}"):
        workspace.get(KEY)


def test_a_discarded_result_is_put_aside_and_can_be_put_anew(workspace: Workspace):
    for seconds in (1.0, 2.0):
        put(workspace, seconds=seconds)
        workspace.discard(KEY)
        assert not workspace.has(KEY)
        assert workspace.keys() == []
    workspace.discard(KEY)
    assert (workspace.path / "objects" / f".damaged-{KEY}" / RECORD).exists()
    put(workspace)
    assert workspace.get(KEY).facts == {"n": 1}


def test_the_sweep_spares_the_living(workspace: Workspace):
    living = workspace.path / "objects" / ".tmp-living"
    living.mkdir()
    descriptor = os.open(living, os.O_RDONLY)
    locks.claim(descriptor)
    dead = workspace.path / "objects" / f".tmp-{KEY}-{os.getpid()}-ab"
    dead.mkdir()
    (dead / ARRAYS).write_bytes(b"half")
    (workspace.path / ".tmp-1-cd").write_bytes(b"half")
    assert workspace.sweep() == 2
    assert leftovers(workspace) == [living]
    os.close(descriptor)
    assert workspace.sweep() == 1


@pytest.mark.parametrize("key", ["", "../x", ".tmp-1", "a/b", "a b"])
def test_keys_that_lead_elsewhere_are_refused(workspace: Workspace, key: str):
    with pytest.raises(ValueError, match="not a key"):
        workspace.has(key)


def test_a_workspace_can_be_sent_to_another_process(workspace: Workspace):
    put(workspace)
    workspace.get(KEY)
    sent = pickle.loads(pickle.dumps(workspace))  # noqa: S301
    assert sent == workspace
    assert sent.get(KEY).facts == {"n": 1}


def test_published_files_are_the_workspaces(workspace: Workspace):
    path = workspace.publish("metrics.json", b"{}")
    assert path.parent == workspace.path
    assert workspace.published("metrics.json") == b"{}"
    assert workspace.published_names() == ["metrics.json"]


def test_one_holds_the_lock(workspace: Workspace):
    with workspace.lock(), pytest.raises(BusyError):
        again(workspace).lock().__enter__()


def _put_many(workspace: Workspace) -> None:
    for number in range(20):
        put(workspace, f"{number:040d}", n=number, seconds=float(os.getpid()))
        workspace.publish(f"file{number}", b"same")


@pytest.mark.slow
def test_many_writers_of_the_same_leave_one_of_each(workspace: Workspace):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put_many, args=(workspace,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
        writer.close()
    keys = workspace.keys()
    assert [workspace.get(key).facts["n"] for key in keys] == list(range(20))
    assert len(workspace.published_names()) == 20
    assert leftovers(workspace) == []
