"""Run jobs that wait for each other on this machine, in this process or in several.

Jobs keep their results themselves and can be run again: so a job whose worker died is given to a
fresh one, and after an error everything stops at once, to be continued by running the same again.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from types import FrameType
from typing import Literal, final

from pryproof.checks import MachineError, PryproofError
from pryproof.engine import crew
from pryproof.engine.schedule import Job, Schedule
from pryproof.engine.worker import Message, call_reporting, place, report

__all__ = ["Event", "Job", "execute", "place", "report"]

ATTEMPTS = 2  # of a job whose worker dies; an exception is final at once
Kind = Literal["started", "finished", "failed", "progress"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened to a job: after how many seconds of it, with how many of all jobs done.

    ``fraction`` is the part of this job that is done; ``detail`` is for people. ``share`` is the
    part of all jobs' estimated cost that is done, running ones counted in; ``spent`` is what they
    took so far, in seconds of one worker.
    """

    kind: Kind
    job: str
    seconds: float
    done: int
    total: int
    detail: str
    fraction: float = 0.0
    running: int = 0
    share: float = 0.0
    spent: float = 0.0


OnEvent = Callable[[Event], None]


def execute(
    jobs: Sequence[Job],
    *,
    workers: int,
    on_event: OnEvent,
    preload: Sequence[str] = (),
    places: Sequence[str] = ("",),
) -> None:
    """Do all jobs, each after those it waits for, the longest remaining chain first.

    ``workers`` processes work, one job each at a time; 0 means in this process, one by one.
    ``preload`` names modules that workers share ready-imported. Workers are dealt over ``places``
    (``place`` tells a job where it runs); in this process it is the first. An exception in a job
    stops all others and is raised here; so are Ctrl-C and SIGTERM, with no worker left behind.

    >>> job = Job(name="greet", call=print, arguments=("hello",), after=())
    >>> execute([job], workers=0, on_event=lambda event: None)
    hello
    """
    schedule = Schedule(jobs)
    news = _News(on_event, jobs)
    if workers == 0:
        _run_here(schedule, news, places[0])
    else:
        with _signals_raise():
            _Run(
                *(schedule, news, _packed(jobs)), workers=workers, preload=preload, places=places
            ).finish()


@final
class _News:
    """Turns what happens into events."""

    def __init__(self, on_event: OnEvent, jobs: Sequence[Job]) -> None:
        self._on_event = on_event
        self._costs = {job.name: job.cost for job in jobs}
        self._done = 0
        self._since: dict[str, float] = {}
        self._running: dict[str, float] = {}  # the fraction done of each
        self._past_cost = self._past_seconds = 0.0

    def tell(self, kind: Kind, job: str, *, detail: str = "", fraction: float = 0.0) -> None:
        now = time.monotonic()
        if kind == "started":
            self._since[job] = now
            self._running[job] = 0.0
        elif kind == "progress":
            self._running[job] = fraction
        else:
            del self._running[job]
            self._past_cost += self._costs[job] if kind == "finished" else 0.0
            self._past_seconds += now - self._since[job]
        self._done += kind == "finished"
        under_way = sum(self._costs[name] * part for name, part in self._running.items())
        self._on_event(
            Event(
                kind=kind,
                job=job,
                seconds=now - self._since[job],
                done=self._done,
                total=len(self._costs),
                detail=detail,
                fraction=fraction,
                running=len(self._running),
                share=(self._past_cost + under_way) / max(sum(self._costs.values()), 1e-12),
                spent=self._past_seconds + sum(now - self._since[name] for name in self._running),
            )
        )


def _run_here(schedule: Schedule, news: _News, at: str) -> None:
    while job := schedule.take():
        _run_one(job, news, at)
        schedule.finish(job.name)


def _run_one(job: Job, news: _News, at: str) -> None:
    def progress(fraction: float, detail: str) -> None:
        news.tell("progress", job.name, detail=detail, fraction=fraction)

    news.tell("started", job.name)
    try:
        call_reporting(job.call, job.arguments, progress, at=at)
    except BaseException as error:
        news.tell("failed", job.name, detail=str(error))
        raise
    news.tell("finished", job.name, fraction=1.0)


@final
class _Run:
    """One execution in worker processes."""

    def __init__(
        self,
        schedule: Schedule,
        news: _News,
        payloads: dict[str, bytes],
        *,
        workers: int,
        preload: Sequence[str],
        places: Sequence[str],
    ) -> None:
        self._schedule = schedule
        self._news = news
        self._most = workers
        self._preload = preload
        self._places = places
        self._payloads = payloads
        self._workers: list[crew.Worker] = []
        self._lost: Counter[str] = Counter()

    def finish(self) -> None:
        try:
            while self._schedule:
                self._assign()
                waiting = {worker.connection: worker for worker in self._workers}
                for connection in wait(list(waiting)):
                    self._hear(waiting[connection])  # type: ignore[index]
        finally:
            crew.stop(self._workers)

    def _assign(self) -> None:
        while self._busy() < self._most and (job := self._schedule.take()):
            worker = next((w for w in self._workers if w.job is None), None) or self._hire()
            worker.job = job.name
            self._news.tell("started", job.name)
            with suppress(OSError):  # it died idle: the end of its pipe tells, as for a busy one
                worker.connection.send_bytes(self._payloads[job.name])

    def _busy(self) -> int:
        return sum(worker.job is not None for worker in self._workers)

    def _hire(self) -> crew.Worker:
        taken = Counter(worker.place for worker in self._workers)
        emptiest = min(self._places, key=lambda name: taken[name])  # a dead worker's place is free
        worker = crew.start(self._preload, place=emptiest)
        self._workers.append(worker)
        return worker

    def _hear(self, worker: crew.Worker) -> None:
        try:
            message: Message = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if worker.job is not None:
            self._heed(worker, worker.job, message)

    def _heed(self, worker: crew.Worker, job: str, message: Message) -> None:
        kind, fraction, text, error = message
        if error is not None:
            self._news.tell("failed", job, detail=str(error))
            if not isinstance(error, PryproofError):
                error.add_note(f"In the worker that did {job}:\n{text}")
            raise error
        if kind == "progress":
            self._news.tell("progress", job, detail=text, fraction=fraction)
            return
        worker.job = None
        self._schedule.finish(job)
        self._news.tell("finished", job, fraction=fraction)

    def _bury(self, worker: crew.Worker) -> None:
        self._workers.remove(worker)
        crew.stop([worker])
        if worker.job is None:
            return
        job, how = worker.job, crew.death(worker)
        self._lost[job] += 1
        if self._lost[job] < ATTEMPTS:
            self._news.tell("progress", job, detail=f"its worker died ({how}); once more")
            self._schedule.put_back(job)
            return
        self._news.tell("failed", job, detail=f"its worker died ({how})")
        raise MachineError(
            "E069",
            f"the worker process of this job died {ATTEMPTS} times ({how})",
            where=job,
            fix="If memory ran out, use fewer workers; then run the same command again.",
        )


def _packed(jobs: Sequence[Job]) -> dict[str, bytes]:
    return {job.name: crew.pack(job.call, job.arguments) for job in jobs}


class _StoppedError(BaseException):
    """A signal asks this process to end; only ``_signals_raise`` sees it."""


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack, then have the effect they would have had.

    Handlers that somebody set are left alone, and so is everything outside the main thread.
    """
    caught: list[int] = []

    def unwind(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        caught.append(number)
        raise _StoppedError

    ours = [number for number in _ending_signals() if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, unwind)
    try:
        with suppress(_StoppedError):
            yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
    if caught:
        os.kill(os.getpid(), caught[0])


def _ending_signals() -> list[signal.Signals]:
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in signal.Signals if number.name in ("SIGTERM", "SIGHUP")]
