import os
import signal
import sys

import pytest

from engine import jobs
from pryproof.checks import ConfigurationError, MachineError
from pryproof.engine import crew


def test_a_call_of_modules_is_packed():
    assert b"engine.jobs" in crew.pack(jobs.write, ("x", "y"))


def test_what_lives_in_the_script_is_refused():
    def work() -> None:
        """Pretend to be written in a notebook."""

    work.__module__ = "__main__"
    for call, arguments in ((work, ()), (jobs.write, ({"deep": [work]},))):
        with pytest.raises(ConfigurationError, match=r"work is defined in the script.*workers = 0"):
            crew.pack(call, arguments)


def test_instances_of_classes_of_the_script_are_refused(monkeypatch: pytest.MonkeyPatch):
    class Net:
        """Pretend to be written in a notebook."""

    monkeypatch.setattr(Net, "__module__", "__main__")
    with pytest.raises(ConfigurationError, match="Net is defined in the script"):
        crew.pack(jobs.write, (Net(),))


def test_starting_leaves_the_surroundings_as_they_were(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = dict(os.environ), sys.modules["__main__"]
    with crew._unnoticed_main(), crew._environment():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
        assert not hasattr(sys.modules["__main__"], "__file__")
    assert (dict(os.environ), sys.modules["__main__"]) == before


def test_the_end_of_a_worker_is_told():
    worker = crew.start(())
    os.kill(worker.process.pid, signal.SIGTERM)
    worker.process.join()
    crew.stop([worker])
    assert crew.death(worker) == "killed by SIGTERM"


def test_a_stopped_worker_is_gone():
    worker = crew.start(())
    crew.stop([worker])
    assert crew.death(worker).startswith("killed by SIGKILL, perhaps")


def test_a_worker_whose_pipe_ends_ends():
    worker = crew.start(())
    worker.connection.close()
    worker.process.join()
    assert crew.death(worker) == "exit code 0"


def test_a_start_that_fails_is_a_machine_error(monkeypatch: pytest.MonkeyPatch):
    class Refusing:
        """A context whose processes cannot start."""

        Pipe = staticmethod(crew.multiprocessing.Pipe)

        class Process:
            def __init__(self, **options: object) -> None:
                pass

            def start(self) -> None:
                raise BlockingIOError(11, "Resource temporarily unavailable")

    def context(preload: tuple[str, ...]) -> type[Refusing]:
        return Refusing

    monkeypatch.setattr(crew, "_context", context)
    with pytest.raises(MachineError, match=r"cannot be started \(.*temporarily unavailable"):
        crew.start(())
