"""Reading a study's stored results by task name."""

from collections.abc import Mapping, Sequence
from typing import Any

from pryproof.pipeline import failures
from pryproof.pipeline.run import Keyed, training_keys
from pryproof.records import Estimate
from pryproof.store.workspace import Stored, Workspace


class Results:
    """Read access to stored results by task name."""

    def __init__(self, tasks: Sequence[Keyed], workspace: Workspace) -> None:
        self.tasks = tasks
        self._keys = {item.task.name: item.key for item in tasks}
        self._workspace = workspace
        self._inputs = {item.task.name: tuple(item.task.inputs.values()) for item in tasks}
        self._seconds: dict[str, float] = {}

    def __getitem__(self, name: str) -> Stored:
        return self._workspace.get(self._keys[name])

    def __contains__(self, name: str) -> bool:
        return name in self._keys and self._workspace.has(self._keys[name])

    def names(self, prefix: str) -> list[str]:
        """Return the tasks whose name starts so, in plan order."""
        return [name for name in self._keys if name.startswith(prefix)]

    def failed_runs(self) -> dict[str, str]:
        """Return the trainings that diverged, and why, by task name."""
        return failures.failed_among(self._workspace, training_keys(self.tasks))

    def record(self, name: str) -> Mapping[str, Any]:
        """Return how a result came about, without its arrays."""
        return self._workspace.get(self._keys[name], names=[]).record

    def seconds(self, name: str) -> float:
        """Return what a result and all that it rests on took together, on one core.

        Each is counted once, and reading the images not at all.
        """
        found: set[str] = set()
        waiting = [name]
        while waiting:
            task = waiting.pop()
            if task not in found:
                found.add(task)
                waiting += self._inputs[task]
        return sum(map(self._own_seconds, sorted(found - {"load", "extra"})))

    def _own_seconds(self, name: str) -> float:
        if name not in self._seconds:
            self._seconds[name] = float(self.record(name)["seconds"])
        return self._seconds[name]


def estimate(values: Mapping[str, Any]) -> Estimate:
    """Read an estimate back from JSON, where "not measured" is null.

    >>> estimate({"value": None, "low": None, "high": None, "n": 3, "method": "too few"}).n
    3
    """
    nan = float("nan")
    numbers = {key: nan if values[key] is None else values[key] for key in ("value", "low", "high")}
    return Estimate(**(dict(values) | numbers))
