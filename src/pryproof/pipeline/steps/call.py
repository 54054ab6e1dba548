"""What a step receives and returns. A step is a pure function; the store keeps its result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from pryproof.pipeline.task import EVERYONE, HALF, TARGET
from pryproof.store.workspace import Stored
from pryproof.training.keeper import Keeper, Nowhere


@dataclass(frozen=True, kw_only=True)
class Call:
    """Settings and inputs of one task; ``where`` holds places on this machine, never hashed."""

    settings: Mapping[str, Any]
    inputs: Mapping[str, Stored]
    where: Mapping[str, str]
    progress: Callable[[float, str], None]
    keep: Keeper = field(default_factory=Nowhere)  # where a long step keeps its state
    device: str = "cpu"  # where a training is computed


PLANTED = "canaries/"  # begins the name of a part of canaries, its kind ends it
Part = slice | Int64[np.ndarray, " part"]  # places among a study's images


class Result(NamedTuple):
    """Arrays and JSON-able facts: all a step has to say."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, Any] = {}  # noqa: RUF012 - never changed, and NamedTuple has no default_factory


Step = Callable[[Call], Result]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The images of a study, cut into its parts; ``halves`` says which half holds which canary."""

    images: np.ndarray
    labels: np.ndarray
    ids: list[str]
    classes: list[str]
    parts: dict[str, slice] = field(default_factory=dict)
    halves: Bool[np.ndarray, "halves canaries"] | None = None

    @classmethod
    def of(cls, stored: Stored) -> "Loaded":
        parts = {name: slice(*ends) for name, ends in stored.facts["parts"].items()}
        return cls(
            images=stored.arrays["images"],
            labels=stored.arrays["labels"],
            ids=stored.facts["ids"],
            classes=stored.facts["classes"],
            parts=parts,
            halves=stored.arrays.get("halves"),
        )

    def fold(self, name: str) -> Part:
        """Return what a fold trains on: a part, or all members and some or all canaries."""
        if self.halves is None or not name.startswith((HALF, EVERYONE)):
            return self.parts["members" if name == TARGET else name]
        members, planted = self.parts["members"], self.canaries()
        inside = np.ones(planted.stop - planted.start, dtype=bool)
        if name != EVERYONE:
            inside = self.halves[int(name.removeprefix(HALF))]
        own = planted.start + np.flatnonzero(inside)
        return np.concatenate([np.arange(members.start, members.stop), own])

    def fold_size(self, name: str) -> int:
        """Return the number of samples a fold trains on."""
        part = self.fold(name)
        return part.stop - part.start if isinstance(part, slice) else len(part)

    def canaries(self) -> slice:
        """Return all canaries, whatever their kind."""
        own = [part for name, part in self.parts.items() if name.startswith(PLANTED)]
        return slice(min(part.start for part in own), max(part.stop for part in own))

    def kinds(self) -> dict[str, slice]:
        """Return where among the canaries each kind that there is lies, in their order."""
        first = self.canaries().start
        own = {
            name.removeprefix(PLANTED): slice(part.start - first, part.stop - first)
            for name, part in self.parts.items()
            if name.startswith(PLANTED) and part.stop > part.start
        }
        return dict(sorted(own.items(), key=lambda kind: kind[1].start))

    def outside(self, facts: Mapping[str, Any]) -> slice:
        """Return the images that nobody trained a run with, by the run's ``facts``.

        Where half of the part outside served the defense, it is the other half.
        """
        return self.unclaimed() if facts["uses_reference"] else self.parts["outside"]

    def defenders(self) -> slice:
        """Return what of the part outside a defender owns: every other sample."""
        ends = self.parts["outside"]
        return slice(ends.start, ends.stop, 2)

    def unclaimed(self) -> slice:
        """Return the rest of the part outside, which no model was trained with in any way."""
        ends = self.parts["outside"]
        return slice(ends.start + 1, ends.stop, 2)

    def size(self, part: str) -> int:
        """Return the number of samples of a part."""
        ends = self.parts[part]
        return int(ends.stop - ends.start)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels
