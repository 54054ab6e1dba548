"""Progress: live bars on a terminal, a line every 5% or minute elsewhere, none with --json."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from pryproof.cli.console import Console
from pryproof.engine.local import Event

OnEvent = Callable[[Event], None]
LEAST_SHARE = 0.02  # of the work, before a guess of the rest means anything


@contextmanager
def watch(console: Console) -> Iterator[OnEvent]:
    """Yield a function that shows what the engine reports."""
    if console.json:
        yield lambda _: None
    elif console.terminal.is_terminal:
        with Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:3.0f}%"),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            console=console.terminal,
            transient=True,
        ) as bars:
            yield _Live(bars)
    else:
        yield _Plain(console)


class _Rest:
    """What was spent, and from the pace so far what is left."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    def __call__(self, event: Event) -> str:
        spent = f"{event.spent / 3600:.2f} core-hours"
        if event.share >= 1:
            return spent
        if event.share < LEAST_SHARE:
            return f"{spent}, time left not known yet"
        left = (time.monotonic() - self.started) * (1 / event.share - 1)
        return f"{spent}, about {left / 60:.0f} min left"


class _Live:
    """One bar for the study, one for each running task."""

    def __init__(self, bars: Progress) -> None:
        self.bars = bars
        self.whole = bars.add_task("study", total=1.0, detail="")
        self.running: dict[str, Any] = {}
        self.rest = _Rest()

    def __call__(self, event: Event) -> None:
        told = f"{event.done} of {event.total} tasks, {event.running} running, {self.rest(event)}"
        self.bars.update(self.whole, completed=event.share, detail=told)
        if event.kind == "started":
            self.running[event.job] = self.bars.add_task(event.job, total=1.0, detail="")
        elif event.kind == "progress" and event.job in self.running:
            self.bars.update(self.running[event.job], completed=event.fraction, detail=event.detail)
        elif event.kind in ("finished", "failed") and event.job in self.running:
            self.bars.remove_task(self.running.pop(event.job))


class _Plain:
    """Lines for logs: at least 5% or a minute apart, and the last one always."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shown, self.at = -1.0, 0.0
        self.rest = _Rest()

    def __call__(self, event: Event) -> None:
        rest = self.rest(event)
        if event.kind not in ("finished", "failed"):
            return
        share, now = event.done / max(1, event.total), time.monotonic()
        if (
            event.kind == "failed"
            or share >= 1
            or share - self.shown >= 0.05
            or now - self.at >= 60
        ):
            self.shown, self.at = share, now
            what = f"{event.kind} {event.job} ({event.seconds:.1f} s)"
            line = f"{share:4.0%}  {event.done}/{event.total}  {what}, {rest}"
            self.console.terminal.print(Text(line), soft_wrap=True)
