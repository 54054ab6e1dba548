"""A training run between two steps, as plain arrays, and where it is kept while it is under way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True, kw_only=True)
class State:
    """Arrays, and facts that JSON can hold."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Keeper(Protocol):
    """Where a run's state is kept while it is under way."""

    def load(self) -> State | None:
        """Return the state kept last; None at the start."""

    def due(self) -> bool:
        """Say whether it is time to keep the state again; asked after every step."""

    def save(self, state: State) -> None:
        """Keep a state, durably, in place of the one before."""

    def part(self, name: str) -> "Keeper":
        """Return where a part of the work, a run among several, keeps its own state."""


class Nowhere:
    """Keep nothing: a run that is stopped starts again."""

    def load(self) -> State | None:
        """Return None."""
        return None

    def due(self) -> bool:
        """Return False."""
        return False

    def save(self, state: State) -> None:
        """Forget it."""

    def part(self, name: str) -> "Nowhere":  # noqa: ARG002 - a seam
        """Return itself."""
        return self


def scoped(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Put a prefix before every name."""
    return {f"{prefix}{name}": value for name, value in arrays.items()}


def within(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what ``scoped`` put under a prefix, under its own names."""
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
