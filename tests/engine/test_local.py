import fcntl
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import jobs
from pryproof.checks import ConfigurationError, MachineError, TrainingError
from pryproof.engine import crew
from pryproof.engine.local import Event, Job, execute

BOTH = pytest.mark.parametrize("workers", [0, 2])
PATIENCE = 120.0  # seconds until a test gives up; none asserts that anything is quick


def job(
    name: str, call: Callable[..., None], *arguments: object, after: tuple[str, ...] = ()
) -> Job:
    return Job(name=name, call=call, arguments=arguments, after=after)


def run(todo: list[Job], workers: int) -> list[Event]:
    events: list[Event] = []
    execute(todo, workers=workers, on_event=events.append)
    assert multiprocessing.active_children() == []
    return events


def failed(todo: list[Job], workers: int, kind: type[Exception], words: str) -> Exception:
    with pytest.raises(kind, match=words) as caught:
        run(todo, workers)
    assert multiprocessing.active_children() == []
    return caught.value


def network(folder: Path) -> list[Job]:
    """Return jobs whose results need the results of others."""
    a, b, c, d = (folder / name for name in "abcd")
    return [
        job("d", jobs.join, d, (b, c), after=("b", "c")),
        job("b", jobs.join, b, (a, a), after=("a",)),
        job("c", jobs.join, c, (a,), after=("a",)),
        job("a", jobs.write, a, "1"),
    ]


@BOTH
def test_jobs_run_after_those_they_wait_for(tmp_path: Path, workers: int):
    events = run(network(tmp_path), workers)
    assert (tmp_path / "d").read_text() == "1+1+1"
    finished = [event for event in events if event.kind == "finished"]
    assert [event.done for event in finished] == [1, 2, 3, 4]
    assert {event.total for event in events} == {4}
    assert [event.share for event in finished] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert {event.running for event in events} <= {0, 1, 2}
    spent = [event.spent for event in events]
    assert spent == sorted(spent)
    assert finished[-1].spent == pytest.approx(sum(event.seconds for event in finished))
    place = {(event.kind, event.job): index for index, event in enumerate(events)}
    for todo in network(tmp_path):
        for earlier in todo.after:
            assert place["finished", earlier] < place["started", todo.name]


def test_workers_are_dealt_over_places(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    todo = [job("1", jobs.meet, one, two, PATIENCE), job("2", jobs.meet, two, one, PATIENCE)]
    execute(todo, workers=2, on_event=print, places=("a", "b"))
    assert {one.read_text(), two.read_text()} == {"a", "b"}


def test_a_dead_workers_place_is_free_again(tmp_path: Path):
    todo = [job("x", jobs.die_or_write_place, tmp_path / "marker", tmp_path / "place")]
    execute(todo, workers=1, on_event=print, places=("a", "b"))
    assert (tmp_path / "place").read_text() == "a"


@pytest.mark.parametrize(("places", "told"), [((), ""), (("a", "b"), "a")])
def test_without_workers_jobs_run_at_the_first_place(tmp_path: Path, places: tuple, told: str):
    path = tmp_path / "x"
    given = {"places": places} if places else {}
    execute([job("x", jobs.meet, path, path, 0.0)], workers=0, on_event=print, **given)
    assert path.read_text() == told


@pytest.mark.parametrize("workers", [0, 1])
def test_the_longest_chain_goes_first(tmp_path: Path, workers: int):
    todo = [
        Job(name=str(cost), call=jobs.write, arguments=(tmp_path / "x", ""), after=(), cost=cost)
        for cost in (1.0, 3.0, 2.0)
    ]
    started = [event.job for event in run(todo, workers) if event.kind == "started"]
    assert started == ["3.0", "2.0", "1.0"]


@BOTH
def test_nothing_to_do_is_done(workers: int):
    assert run([], workers) == []


@BOTH
def test_progress_is_told(workers: int):
    events = run([job("tell", jobs.tell)], workers)
    told = [(event.fraction, event.detail) for event in events if event.kind == "progress"]
    assert told == [(0.25, "a quarter"), (1.0, "all")]
    assert events[0].seconds == 0.0 <= events[-1].seconds


def test_progress_without_end_does_not_drown_the_parent():
    assert len(run([job("much", jobs.tell_much)], 1)) < 200


@BOTH
def test_our_errors_come_as_they_are(workers: int):
    error = failed([job("t", jobs.fail_training)], workers, TrainingError, "it diverged")
    assert (error.where, error.fix) == ("run 3", "Lower the rate.")
    assert not hasattr(error, "__notes__")


def test_other_errors_bring_the_workers_traceback():
    error = failed([job("t", jobs.fail_as, "no such thing")], 1, LookupError, "no such thing")
    assert "In the worker that did t" in error.__notes__[0]
    assert "in fail_as" in error.__notes__[0]


def test_errors_that_cannot_travel_come_in_words():
    failed([job("t", jobs.fail_uncrossably)], 1, RuntimeError, "UncrossableError: first was 3")
    failed([job("t", jobs.leave)], 1, RuntimeError, "SystemExit: enough")


@BOTH
def test_after_an_error_nothing_new_starts(tmp_path: Path, workers: int):
    events: list[Event] = []
    todo = [
        job("bad", jobs.fail_as, "x"),
        job("next", jobs.write, tmp_path / "x", "", after=("bad",)),
    ]
    with pytest.raises(LookupError):
        execute(todo, workers=workers, on_event=events.append)
    assert [(event.kind, event.job) for event in events] == [("started", "bad"), ("failed", "bad")]
    assert not (tmp_path / "x").exists()


def test_an_error_stops_the_others_at_once(tmp_path: Path):
    failed(
        [job("long", jobs.hold, tmp_path / "lock"), job("bad", jobs.fail_as, "x")],
        2,
        LookupError,
        "x",
    )


def test_an_error_of_the_listener_stops_everything(tmp_path: Path):
    def listen(event: Event) -> None:
        raise ConnectionError(event.job)

    with pytest.raises(ConnectionError, match="long"):
        execute([job("long", jobs.hold, tmp_path / "lock")], workers=1, on_event=listen)
    assert multiprocessing.active_children() == []


def test_the_job_of_a_killed_worker_is_done_by_another(tmp_path: Path):
    marker = tmp_path / "marker"
    todo = [job("fragile", jobs.die_unless, marker), *network(tmp_path)]
    events = run(todo, 2)
    assert (tmp_path / "d").read_text() == "1+1+1"
    told = [event for event in events if event.job == "fragile"]
    assert [event.kind for event in told] == ["started", "progress", "started", "finished"]
    assert "killed by SIGKILL" in told[1].detail


def test_a_job_that_kills_every_worker_is_named():
    error = failed([job("greedy", jobs.die)], 1, MachineError, "died 2 times.*SIGKILL.*memory")
    assert error.where == "greedy"


def test_workers_have_one_thread_each(tmp_path: Path):
    run([job("look", jobs.write_environment, tmp_path / "x")], 1)
    assert (tmp_path / "x").read_text() == "1 1 1"


def test_what_lives_in_the_script_is_refused_before_anything_runs(tmp_path: Path):
    def work() -> None:
        """Pretend to be written in a notebook."""

    work.__module__ = "__main__"
    todo = [job("fine", jobs.write, tmp_path / "x", ""), job("bad", work, after=("fine",))]
    failed(todo, 1, ConfigurationError, "work is defined in the script")
    assert not (tmp_path / "x").exists()


def test_spawn_serves_where_forkserver_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crew.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    run(network(tmp_path), 1)
    assert (tmp_path / "d").read_text() == "1+1+1"


def test_repeating_leaks_nothing(tmp_path: Path):
    def files() -> int:
        gc.collect()
        return len(list(Path("/dev/fd").iterdir()))

    run(network(tmp_path), 2)
    before = files()
    for _ in range(3):
        run(network(tmp_path), 2)
    assert files() == before


def test_the_handlers_of_signals_are_given_back(tmp_path: Path):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    run(network(tmp_path), 1)
    after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    assert after == before


# ---- scripts: what only a process of its own can show

SCRIPT = """
from pathlib import Path
from engine import jobs
from pryproof.engine.local import Job, execute

print("the script runs")
folder = Path({folder!r})
todo = [Job(name=n, call={call}, arguments=({arguments}), after=()) for n in ("one", "two")]
execute(todo, workers=2, on_event=lambda event: None, preload={preload!r})
print("done")
"""


def script(folder: Path, call: str, arguments: str, *, preload: tuple[str, ...] = ()) -> str:
    return SCRIPT.format(folder=str(folder), call=call, arguments=arguments, preload=preload)


def start(command: list[str], folder: Path, **more: bool) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *command],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        **more,
    )


@pytest.mark.parametrize("form", ["file", "module", "command", "stdin"])
def test_a_script_without_a_guard_runs_once(tmp_path: Path, form: str):
    text = script(tmp_path, "jobs.write", "folder / n, n")
    (tmp_path / "plain.py").write_text(text)
    commands = {
        "file": ["plain.py"],
        "module": ["-m", "plain"],
        "command": ["-c", text],
        "stdin": ["-"],
    }
    process = start(commands[form], tmp_path)
    out, err = process.communicate(text, timeout=PATIENCE)
    assert (out, err) == ("the script runs\ndone\n", "")
    assert (tmp_path / "two").read_text() == "two"


def test_modules_of_the_current_folder_are_not_run(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (here / "sched.py").write_text("raise SystemExit('hostile code ran')")
    (there / "plain.py").write_text(
        script(tmp_path, "jobs.write_loaded", "folder / n, 'sched'", preload=("sched",))
    )
    process = start([str(there / "plain.py")], here)
    out, err = process.communicate(timeout=PATIENCE)
    assert (out, err) == ("the script runs\ndone\n", "")
    loaded = Path((tmp_path / "one").read_text())
    assert loaded.name == "sched.py"
    assert loaded.parent != here


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free(path: Path) -> bool:
    """Say whether the process that held the lock is gone."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@pytest.mark.usefixtures("heard")
def test_ctrl_c_while_the_fork_server_imports_is_answered_by_the_parent_alone(tmp_path: Path):
    marker = tmp_path / "importing"
    text = f"import pathlib, time\npathlib.Path({str(marker)!r}).touch()\ntime.sleep(1)\n"
    (tmp_path / "slow.py").write_text(text)
    command = ["-c", script(tmp_path, "jobs.hold", "folder / n,", preload=("slow",))]
    process = start(command, tmp_path, start_new_session=True)
    until(marker.exists)
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGINT
    assert err.count("Traceback") == err.count("KeyboardInterrupt") == 1
    assert "slow.py" not in err


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_when_the_parent_ends_the_workers_end(tmp_path: Path, number: signal.Signals):
    process = start(["-c", script(tmp_path, "jobs.hold", "folder / n,")], tmp_path)
    locks = [tmp_path / "one", tmp_path / "two"]
    until(lambda: all(lock.exists() and lock.read_text() for lock in locks))
    assert not any(free(lock) for lock in locks)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -number
    if number != signal.SIGKILL:
        assert all(free(lock) for lock in locks)
    until(lambda: all(free(lock) for lock in locks))
