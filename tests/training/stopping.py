"""Stop a training after so many steps, keep its state, and let it go on: for tests of resume."""

from collections.abc import Mapping

import numpy as np

from pryproof import seeds
from pryproof.training.keeper import State


class StoppedError(Exception):
    """The process dies here."""


class StopsAfter:
    """Keep the state after ``step`` questions whether it is due, and stop, once."""

    def __init__(self, step: int) -> None:
        self.left, self.loads = step, 0
        self.kept: dict[str, State] = {}

    def load(self, name: str = "") -> State | None:
        self.loads += 1
        return self.kept.get(name)

    def due(self) -> bool:
        self.left -= 1
        return self.left == 0

    def save(self, state: State, name: str = "") -> None:
        self.kept[name] = state
        if self.left == 0:
            raise StoppedError

    def part(self, name: str) -> "_Part":
        return _Part(self, name)


class _Part:
    def __init__(self, whole: StopsAfter, name: str) -> None:
        self.whole, self.name = whole, name

    def load(self) -> State | None:
        return self.whole.load(self.name)

    def due(self) -> bool:
        return self.whole.due()

    def save(self, state: State) -> None:
        self.whole.save(state, self.name)

    def part(self, name: str) -> "_Part":
        return _Part(self.whole, f"{self.name}.{name}")


def toy(count: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Bright left half is class 0, bright right half class 1."""
    draws = seeds.generator(0, "toy")
    images = draws.integers(0, 60, (count, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(count) % 2
    images[labels == 0, :, :4] += 150
    images[labels == 1, :, 4:] += 150
    return images, labels


def assert_same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> None:
    """Assert that two sets of arrays are the same bytes."""
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
