import multiprocessing
import pickle
import threading

import pytest

from engine import jobs
from pryproof.checks import MachineError
from pryproof.engine import worker


def test_report_outside_a_job_does_nothing():
    worker.report(0.5, "nobody hears")


def test_report_reaches_the_job_that_runs_and_no_other():
    heard = []
    worker.call_reporting(worker.report, (0.5, "half"), lambda *news: heard.append(news))
    worker.report(0.6, "after")
    assert heard == [(0.5, "half")]


def test_report_of_another_thread_does_nothing():
    heard = []

    def work() -> None:
        thread = threading.Thread(target=worker.report, args=(0.5, "x"))
        thread.start()
        thread.join()

    worker.call_reporting(work, (), lambda *news: heard.append(news))
    assert heard == []


def test_many_reports_become_few_but_the_last_is_told():
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        send = worker._throttled(theirs)
        for step in range(1000):
            send(step / 999, "step")
        told = []
        while ours.poll():
            told.append(ours.recv())
    assert told[0] == ("progress", 0.0, "step", None)
    assert told[-1] == ("progress", 1.0, "step", None)
    assert len(told) < 100


@pytest.mark.parametrize("error", [KeyError("k"), MachineError("E061", "no", where="w", fix="f")])
def test_errors_that_survive_pickling_are_sent_as_they_are(error: Exception):
    assert worker._portable(error) is error
    assert pickle.loads(pickle.dumps(error)).args == error.args  # noqa: S301


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (jobs.UncrossableError(first=3), "UncrossableError: first was 3"),
        (SystemExit("enough"), "SystemExit: enough"),
        (LookupError(lambda: 0), "LookupError: <function"),
    ],
)
def test_other_errors_are_sent_in_words(error: BaseException, words: str):
    found = worker._portable(error)
    assert type(found) is RuntimeError
    assert words in str(found)
