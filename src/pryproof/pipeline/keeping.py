"""Keep a training under way in the workspace, every so often."""

import time
from dataclasses import dataclass, field

from pryproof.store.underway import Underway
from pryproof.training.keeper import State

EVERY = 60.0  # seconds of work at most that a crash costs


class _Clock:
    """When a state was last kept; one for all parts of a task."""

    def __init__(self) -> None:
        self.last = time.monotonic()


@dataclass(frozen=True)
class InWorkspace:
    """A ``training.keeper.Keeper`` whose states lie in a workspace, under the task's key."""

    place: Underway
    name: str = "run"
    every: float = EVERY
    clock: _Clock = field(default_factory=_Clock)

    def load(self) -> State | None:
        """Return the state kept last; None at the start, or if it was damaged."""
        found = self.place.load(self.name)
        return None if found is None else State(arrays=found[0], facts=found[1])

    def due(self) -> bool:
        """Say whether as long as ``every`` has passed since any part's state was kept."""
        return time.monotonic() - self.clock.last >= self.every

    def save(self, state: State) -> None:
        """Keep a state, durably, in place of the one before."""
        self.place.save(self.name, state.arrays, state.facts)
        self.clock.last = time.monotonic()

    def part(self, name: str) -> "InWorkspace":
        """Return where a part of the task keeps its own state."""
        return InWorkspace(self.place, f"{self.name}.{name}", self.every, self.clock)
