"""Which job next: of those whose predecessors are done, the one with the longest way to the end."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import final


@dataclass(frozen=True, kw_only=True)
class Job:
    """A call, the names of the jobs it waits for, and its cost (seconds, or any unit, estimated).

    The call is a function of an importable module; it keeps its result itself and returns nothing.
    """

    name: str
    call: Callable[..., None]
    arguments: tuple[object, ...]
    after: tuple[str, ...]
    cost: float = 1.0


@final
class Schedule:
    """The jobs still to do. A job may be put back; a finished one frees those that wait for it."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = {job.name: job for job in jobs}
        if len(self._jobs) < len(jobs):
            raise ValueError("two jobs have the same name")
        unknown = {name for job in jobs for name in job.after} - self._jobs.keys()
        if unknown:
            raise ValueError(f"jobs wait for {sorted(unknown)}, which are not among them")
        self._sorter = TopologicalSorter({job.name: job.after for job in jobs})
        self._sorter.prepare()  # refuses circles
        way = remaining(jobs)
        self._rank = {job.name: (-way[job.name], place) for place, job in enumerate(jobs)}
        self._ready: list[tuple[tuple[float, int], str]] = []
        self._free()

    def __bool__(self) -> bool:
        """Say whether a job is not yet finished."""
        return self._sorter.is_active()

    def take(self) -> Job | None:
        """Return the most urgent job that can start now."""
        return self._jobs[heapq.heappop(self._ready)[1]] if self._ready else None

    def put_back(self, name: str) -> None:
        """Let a job that was taken be taken again."""
        heapq.heappush(self._ready, (self._rank[name], name))

    def finish(self, name: str) -> None:
        """Note that a job is done."""
        self._sorter.done(name)
        self._free()

    def _free(self) -> None:
        for name in self._sorter.get_ready():
            self.put_back(name)


def remaining(jobs: Sequence[Job]) -> dict[str, float]:
    """Return for each job the cost of the longest chain from its start to the end.

    >>> first = Job(name="a", call=print, arguments=(), after=(), cost=2)
    >>> second = Job(name="b", call=print, arguments=(), after=("a",), cost=3)
    >>> remaining([first, second])
    {'b': 3.0, 'a': 5.0}
    """
    by_name = {job.name: job for job in jobs}
    way: dict[str, float] = {}
    beyond = dict.fromkeys(by_name, 0.0)
    order = TopologicalSorter({job.name: job.after for job in jobs}).static_order()
    for name in reversed(list(order)):
        way[name] = by_name[name].cost + beyond[name]
        for earlier in by_name[name].after:
            beyond[earlier] = max(beyond[earlier], way[name])
    return way
