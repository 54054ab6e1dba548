"""Killed anywhere, a study continues and ends with the bytes it would have had."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pryproof as pp
from pipeline.tiny import digests, study, words

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"
POINTS = 10


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(SOURCE), str(HERE.parent)])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | more


@pytest.mark.slow
def test_killed_at_ten_points_a_study_ends_with_the_same_bytes(
    tree_of_images: Path, tmp_path: Path
):
    command = [sys.executable, HERE / "killed.py", tmp_path, tree_of_images, str(POINTS)]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        command, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == 0
    assert found["whole"] > 2 * 20
    assert len(found["points"]) == POINTS
    for point in found["points"]:
        assert point["killed"] == signal.SIGKILL, point
        assert point.get("again", 0) in (0, signal.SIGKILL), point  # 0: too little was left to do
        assert point["status"] == 0, point
        assert point["differs"] == [], point
        assert point["after"] == 0, point
    stored = [point["stored"] for point in found["points"]]
    assert min(stored) < 5
    assert max(stored) > 18
    assert len(set(stored)) >= 7  # the points are spread over the road
    assert any(point["left"] for point in found["points"])
    assert signal.SIGKILL in [point.get("again") for point in found["points"]]


def descendants(parent: int) -> set[int]:
    """Return the living processes below one."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    while new := {pid for pid, above in parents.items() if above in {parent, *found}} - found:
        found |= new
    return found


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition, what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to see workers in")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)],
    ids=["kill", "terminate", "interrupt"],
)
@pytest.mark.usefixtures("heard")
def test_a_stopped_command_leaves_no_worker_and_continues(
    finished: pp.Study, npz: Path, tmp_path: Path, number: int, code: int
):
    value = study(tmp_path / "w", npz)
    command = [sys.executable, "-m", "pryproof", "run", *words(value), "--workers", "2"]
    strange = environment(TZ="Asia/Kathmandu", LC_ALL="C", PYTHONHASHSEED="7")
    # where the tests themselves run with Ctrl-C ignored, a child would inherit that
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        command, env=strange, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, before)
    stored = tmp_path / "w" / "objects"
    try:
        until(
            lambda: process.poll() is not None or len(list(stored.glob("[0-9a-f]*"))) >= 5,
            "nothing was stored",
        )
        below = descendants(process.pid)
        assert len(below) >= 3  # fork server and two workers
    finally:
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    assert ("Stopped. What is finished is kept" in err.splitlines()[-1]) == (code > 0), err
    until(lambda: not any(map(alive, below)), "workers are left")
    done = len(list(stored.glob("[0-9a-f]*")))
    assert 5 <= done < len(value.tasks)
    value.report()
    assert digests(value.path) == digests(finished.path)
    assert not list(value.path.rglob(".tmp-*"))
