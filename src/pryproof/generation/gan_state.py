"""A GAN's training under way: its networks and optimizers, its history, and the way back.

Both GANs are trained alike: a step returns a row of losses, a record sums up the rows since the
record before, a state is kept every so often, and a run that diverges goes back once.
"""

from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
import torch
from torch import nn

from pryproof.checks import TrainingError
from pryproof.training.checkpoint import (
    module_arrays,
    optimizer_arrays,
    restore_module,
    restore_optimizer,
)
from pryproof.training.defense import Learner
from pryproof.training.keeper import Keeper, State, scoped, within
from pryproof.training.loop import ROLLBACKS
from pryproof.training.memory import named_when_full

Step = Callable[[int], list[float]]  # take the step of this number; a row of losses
Record = Callable[[int, np.ndarray], list[float]]  # steps so far, means of the rows; a row to keep


class DivergedError(Exception):
    """A loss or a weight is no longer finite."""


@final
class GanState:
    """One training under way, and what of it a kept state must hold.

    ``learners`` are what else remembers something between steps, such as pools of images.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        steps: int,
        records: int,
        learners: Mapping[str, Learner] | None = None,
    ) -> None:
        self.networks, self.optimizers, self.learners = networks, optimizers, learners or {}
        self.steps = steps
        self.marks = np.unique(np.linspace(0, steps, records + 1).round())[1:]
        self.rows: list[list[float]] = []  # of the steps since the last record
        self.records: list[list[float]] = []
        self.done, self.rollbacks = 0, 0  # steps taken, times taken back
        self.safe: State | None = None  # where a run that diverges goes back to

    def train(
        self, step: Step, record: Record, *, keep: Keeper, batch: int, name: str, table: str
    ) -> None:
        """Take all steps, from the state kept last if there is one.

        ``keep`` is asked after every step. A run that diverges goes back once, to the last record
        before which all was well, and on at half the rate of every optimizer (see ``set_rate``);
        then TrainingError E070 names the GAN, ``name``, the step, and the rate in its ``table`` of
        settings.
        What a record ends with is known to be well when the next step's losses are finite.
        """
        kept = keep.load()
        if kept is not None:
            self.restore(kept)
        while self.done < self.steps:
            try:
                self._to_next_record(step, record, keep=keep, batch=batch, table=table)
            except DivergedError as error:
                self._go_back(error, name=name, table=table)

    def set_rate(self, rate: float) -> None:
        """Let every optimizer descend at ``rate``, halved for every time the run was taken back."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate * 0.5**self.rollbacks

    def history(self, columns: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Return the records, one array a column."""
        return dict(zip(columns, np.array(self.records).T, strict=True))

    def _to_next_record(
        self, step: Step, record: Record, *, keep: Keeper, batch: int, table: str
    ) -> None:
        mark, fresh, before = self.marks[len(self.records)], not self.rows, self._now()
        self.safe = self.safe or before
        while self.done < mark:
            with named_when_full(batch=batch, setting=f"{table}.batch"):
                self.rows.append(_finite(step(self.done)))
            if self.done + 1 == mark:
                self._refuse_spoiled()
            self.done += 1
            if fresh:
                self.safe, fresh = before, False
            if self.done == mark:
                self.records.append(record(self.done, np.mean(self.rows, axis=0)))
                self.rows = []
            if keep.due():
                keep.save(self.state())

    def _refuse_spoiled(self) -> None:
        """Notice weights that the step just taken has spoiled: after the last no loss would."""
        for name, network in self.networks.items():
            if not all(bool(torch.isfinite(value).all()) for value in network.parameters()):
                raise DivergedError(f"weights of the {name} are no longer finite")

    def _go_back(self, error: DivergedError, *, name: str, table: str) -> None:
        if self.rollbacks >= ROLLBACKS or self.safe is None:
            raise TrainingError(
                "E070",
                f"{name}: {error}, again at half the learning rate",
                where=f"step {self.done + 1} of {self.steps}",
                fix=f"Lower {table}.learning_rate, or try another seed.",
            ) from None
        again = self.rollbacks + 1
        self._return_to(self.safe)
        self.rollbacks = again

    def state(self) -> State:
        """Return all that decides how the run goes on, and where it would go back to."""
        now, safe = self._now(), self.safe or self._now()
        return State(
            arrays=now.arrays | scoped("safe.", safe.arrays), facts=now.facts | {"safe": safe.facts}
        )

    def restore(self, state: State) -> None:
        """Go on from a state of this run."""
        if state.facts["steps"] != self.steps:
            raise TrainingError(
                "E072",
                f"a kept state must be of this run, {self.steps} steps,"
                f" got {state.facts['steps']} steps",
                fix="Remove the kept state; the run then starts anew.",
            )
        self._return_to(state)
        self.safe = State(arrays=within("safe.", state.arrays), facts=state.facts["safe"])

    def _now(self) -> State:
        arrays = {"rows": np.array(self.rows), "records": np.array(self.records)}
        for name, network in self.networks.items():
            arrays |= scoped(f"network.{name}.", module_arrays(network))
        for name, optimizer in self.optimizers.items():
            arrays |= scoped(f"optimizer.{name}.", optimizer_arrays(optimizer))
        for name, learner in self.learners.items():
            arrays |= scoped(f"learner.{name}.", learner.arrays())
        facts: dict[str, Any] = {
            "done": self.done,
            "rollbacks": self.rollbacks,
            "steps": self.steps,
        }
        return State(arrays=arrays, facts=facts)

    def _return_to(self, state: State) -> None:
        for name, network in self.networks.items():
            restore_module(network, within(f"network.{name}.", state.arrays))
        for name, optimizer in self.optimizers.items():
            restore_optimizer(optimizer, within(f"optimizer.{name}.", state.arrays))
            _lay_out(optimizer)
        for name, learner in self.learners.items():
            learner.restore(within(f"learner.{name}.", state.arrays))
        self.rows, self.records = state.arrays["rows"].tolist(), state.arrays["records"].tolist()
        self.done, self.rollbacks = state.facts["done"], state.facts["rollbacks"]


def _finite(row: list[float]) -> list[float]:
    if not np.isfinite(row).all():
        raise DivergedError(f"a loss is no longer finite ({', '.join(f'{x:.3g}' for x in row)})")
    return row


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Let what an optimizer remembers of a weight lie in memory as the weight does.

    Restored moments are contiguous; beside weights laid out channels last every step would be slow.
    """
    for parameter, remembered in optimizer.state.items():
        for name, value in remembered.items():
            if value.shape == parameter.shape:
                remembered[name] = torch.empty_like(parameter).copy_(value)
