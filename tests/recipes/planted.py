"""Studies whose runs are made up: what a recipe must find is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from pryproof import seeds
from pryproof.pipeline.results import Results
from pryproof.recipes.opened import Opened
from pryproof.store.workspace import Stored

MEMBERS, OUTSIDE, EVALUATION = 120, 120, 120
SHADOW = MEMBERS
PARTS = {
    "members": MEMBERS,
    "shadow0": SHADOW,
    "outside": OUTSIDE,
    "evaluation": EVALUATION,
}
CLASSES = 2
RIGHT = 0.7  # nats: a loss below is an answer that is right

Losses = Float[np.ndarray, "runs samples"]


class Made(Results):
    """Results that were never computed."""

    def __init__(self, values: Mapping[str, Stored]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Stored:
        return self._values[name]

    def seconds(self, name: str) -> float:
        return 2.0 if "/selena/" in name else 1.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """Losses (nats) of a row's runs, over all parts in order; and of what was trained on."""

    losses: Losses
    shadow_losses: Losses | None = None
    trained_loss: float = 0.1
    trained_accuracy: float = 0.9
    trained_on: int = MEMBERS
    failed: tuple[int, ...] = field(default=())


def bounds(part: str) -> slice:
    """Return where a part lies."""
    ends = np.cumsum([0, *PARTS.values()]).tolist()
    place = list(PARTS).index(part)
    return slice(ends[place], ends[place + 1])


def around(
    name: str, *, members: float, others: float, runs: int = 4, spread: float = 0.2
) -> Losses:
    """Draw losses about one mean for members, about another for all that a run never saw."""
    draws = seeds.generator(0, "planted", name)
    means = np.full(sum(PARTS.values()), others)
    means[bounds("members")] = members
    return means * np.exp(spread * draws.normal(size=(runs, len(means))))


def study(rows: Mapping[str, Row], **more: Stored) -> Opened:
    """Return a study with these rows, opened."""
    count = sum(PARTS.values())
    values = {
        "load": _stored(
            {
                "images": np.zeros((count, 4, 4, 1), np.uint8),
                "labels": np.arange(count) % CLASSES,
            },
            {
                "parts": {name: [bounds(name).start, bounds(name).stop] for name in PARTS},
                "ids": [f"{place:04}" for place in range(count)],
                "classes": ["cat", "dog"],
            },
        )
    }
    for name, row in rows.items():
        for fold, table in (("target", row.losses), ("shadow0", row.shadow_losses)):
            for run, losses in enumerate([] if table is None else table):
                values[f"train/{fold}/{name}/{run}"] = _run(row, losses, run)
    return Opened(Made(values | more), {name: len(row.losses) for name, row in rows.items()})


def _run(row: Row, losses: np.ndarray, run: int) -> Stored:
    if run in row.failed:
        return _stored({}, {"failed": "the loss became nan", "where": "epoch 1, batch 1"})
    said = {"logp": -losses, "phi": -losses, "log_mentropy": np.log(losses)}
    said |= {"entropy": losses, "correct": (losses < RIGHT).astype(np.float64)}
    arrays = {f"signal.{name}": value for name, value in said.items()}
    wobble = 1e-3 * (run - (len(row.losses) - 1) / 2)
    for what, value in (("loss", row.trained_loss), ("accuracy", row.trained_accuracy)):
        epochs = np.full((2, 3), 0.5)
        epochs[-1] = value + wobble
        arrays[f"batch_{what}"] = epochs
    return _stored(arrays, {"trained_on": row.trained_on, "uses_reference": False})


def _stored(arrays: dict[str, np.ndarray], facts: dict[str, object]) -> Stored:
    return Stored(arrays=arrays, facts=facts, record={})
