"""The one training loop. What a defense changes enters through ``Defense``, never a branch.

A run can be stopped between any two steps and goes on with the same bytes: see ``checkpoint``.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn
from torch.nn import functional

from pryproof.checks import TrainingError
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.training.checkpoint import (
    module_arrays,
    optimizer_arrays,
    restore_module,
    restore_optimizer,
)
from pryproof.training.defense import Defense, Learner, Seen
from pryproof.training.keeper import Keeper, Nowhere, State, scoped, within
from pryproof.training.memory import named_when_full
from pryproof.training.recipe import Recipe, optimizer_of
from pryproof.training.schedule import rate

Progress = Callable[[float, str], None]

ROLLBACKS = 1  # a run that diverges goes back this often, each time at half the rate


def silent(fraction: float, detail: str) -> None:
    """Report progress to nobody."""


@runtime_checkable
class Watch(Learner, Protocol):
    """Somebody who looks at the model after every epoch, such as ``trace.LossTrace``."""

    def after(self, model: nn.Module, *, epoch: int) -> None:
        """Look; the model is in evaluation mode."""


@dataclass(frozen=True, kw_only=True)
class History:
    """How a run went: the cross entropy (nats) of every batch as it was trained on.

    ``batch_accuracy`` is the share of a batch classified rightly, by the same outputs.
    ``source_loss`` is the mean over an epoch by where the samples come from; NaN where an epoch saw
    none. ``rollbacks`` counts how often the run diverged and was taken back.
    """

    batch_loss: Float[np.ndarray, "epochs batches"]
    batch_accuracy: Float[np.ndarray, "epochs batches"]
    source_loss: Float[np.ndarray, "epochs sources"]
    steps: int
    rollbacks: int


def scaled(images: UInt8[torch.Tensor, "batch height width channels"]) -> torch.Tensor:
    """Map stored pixels to [-1, 1], channels first by shape, channels last in memory."""
    return images.permute(0, 3, 1, 2).float().div(127.5).sub(1.0)


def train(
    model: nn.Module,
    images: UInt8[np.ndarray, "samples height width channels"],
    labels: Int64[np.ndarray, " samples"],
    *,
    defense: Defense,
    recipe: Recipe,
    seed: int,
    source: Int64[np.ndarray, " samples"] | None = None,
    progress: Progress = silent,
    watch: Watch | None = None,
    keep: Keeper | None = None,
) -> History:
    """Train ``model`` in place and leave it in evaluation mode.

    Every draw (order, augmentation, dropout) is named by ``seed`` and its step, so a run is the
    same bytes whenever and wherever it is run on one kind of machine, stopped or not. ``source``
    says where each sample comes from (0, 1, ...; all 0 if left out): losses are recorded apart.
    ``keep`` holds the state of a run under way. A run whose loss is no longer finite goes back to
    the start of its epoch, once, at half the rate (from an epoch's first step, whose weights the
    step before spoiled, to the start of the epoch before); then TrainingError names the step.
    """
    run = _Run(model, images, labels, defense=defense, recipe=recipe, seed=seed, source=source)
    run.watch = watch
    keep = keep or Nowhere()
    kept = keep.load()
    if kept is not None:
        run.restore(kept)
    started, at_first = time.perf_counter(), run.done
    while run.epoch < recipe.epochs:
        run.train_epoch(keep)
        pace = (run.done - at_first) * recipe.batch / (time.perf_counter() - started)
        loss = run.losses[run.epoch - 1].mean() if run.epoch else np.nan
        progress(run.epoch / recipe.epochs, f"loss {loss:.3f}, {pace:.0f} images/s")
    model.eval()
    return run.history()


class _DivergedError(Exception):
    """A loss is no longer finite."""


@final
class _Run:
    """One training under way, and what of it a checkpoint must hold."""

    def __init__(
        self,
        model: nn.Module,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        defense: Defense,
        recipe: Recipe,
        seed: int,
        source: np.ndarray | None,
    ) -> None:
        self.model, self.defense, self.recipe, self.seed = model, defense, recipe, seed
        self.device = next(model.parameters()).device
        self.pixels = torch.from_numpy(images).to(self.device)
        self.targets = torch.from_numpy(labels).to(self.device)
        self.source = np.zeros(len(labels), np.int64) if source is None else source
        self.batches = max(1, round(len(labels) / recipe.batch))
        self.network, self.optimizer = defense.update.attach(model, optimizer_of(model, recipe))
        self.rate = rate(
            recipe.schedule, peak=recipe.learning_rate, drops=recipe.drops, by=recipe.drop_by
        )
        self.losses = np.full((recipe.epochs, self.batches), np.nan)
        self.accuracies = self.losses.copy()
        sources = int(self.source.max(initial=0)) + 1
        self.source_sums = np.zeros((2, recipe.epochs, sources))  # of losses, of samples
        self.done, self.rollbacks = 0, 0  # steps taken, times taken back
        self.safe: State | None = None  # where a run that diverges goes back to
        self.watch: Watch | None = None

    @property
    def epoch(self) -> int:
        """The epoch the next step belongs to."""
        return self.done // self.batches

    def train_epoch(self, keep: Keeper) -> None:
        """Do the rest of the epoch; if it diverges, go back to where it began.

        If it diverges in its first step, the step before spoiled the weights: then to where the
        epoch before began.
        """
        epoch, first = divmod(self.done, self.batches)
        before = self._now()
        self.safe = self.safe or before
        order = self.defense.order(
            samples=len(self.targets), batches=self.batches, seed=self.seed, epoch=epoch
        )
        self.network.train()
        try:
            for index in range(first, self.batches):
                with named_when_full(batch=self.recipe.batch, setting="train.batch"):
                    self._step(epoch, index, order[index])
                self.done += 1
                if index == 0:
                    self.safe = before
                if index + 1 < self.batches and keep.due():
                    keep.save(self.state())
        except _DivergedError as error:
            self._go_back(error)
            return
        if self.watch is not None:
            self.network.eval()
            self.watch.after(self.model, epoch=epoch)
        if keep.due():
            keep.save(self.state())

    def _step(self, epoch: int, index: int, rows: torch.Tensor) -> None:
        here = rows.to(self.device)
        draws = torch_generator(self.seed, "augmentation", epoch, index)
        with global_draws(self.seed, "dropout", epoch, index, device=self.device):
            batch = self.defense.batch(scaled(self.pixels[here]), here, draws)
            halved = self.recipe.precision == "bfloat16"
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=halved):
                logits = self.network(batch)
            logits, labels = logits.float(), self.targets[here]
            seen = Seen(
                images=batch,
                labels=labels,
                rows=here,
                epoch=epoch,
                step=self.done,
                model=self.model,
            )
            objective = self.defense.loss(logits, seen)
        self._record(rows.numpy(), logits.detach(), labels, objective.item())
        progress = self.done / (self.recipe.epochs * self.batches)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(progress) * 0.5**self.rollbacks
        self.optimizer.zero_grad()
        objective.backward()
        self.defense.update.change(self.optimizer, seed=self.seed, step=self.done)

    def _record(
        self, rows: np.ndarray, logits: torch.Tensor, labels: torch.Tensor, objective: float
    ) -> None:
        losses = functional.cross_entropy(logits, labels, reduction="none")
        right = (logits.argmax(dim=1) == labels).to(losses.dtype)
        plain, hits = torch.stack([losses, right]).cpu().double().numpy()  # one wait on a device
        if not (np.isfinite(plain).all() and np.isfinite(objective)):
            raise _DivergedError(f"the loss became {objective}")
        epoch, index = divmod(self.done, self.batches)
        self.losses[epoch, index] = plain.mean() if len(plain) else 0.0
        self.accuracies[epoch, index] = hits.mean() if len(hits) else np.nan
        sources = self.source_sums.shape[2]
        for place, weights in enumerate((plain, None)):
            self.source_sums[place, epoch] += np.bincount(
                self.source[rows], weights=weights, minlength=sources
            )

    def _go_back(self, error: _DivergedError) -> None:
        if self.rollbacks >= ROLLBACKS or self.safe is None:
            epoch, batch = divmod(self.done, self.batches)
            raise TrainingError(
                "E070",
                f"{error}, again at half the learning rate",
                where=f"epoch {epoch + 1}, batch {batch + 1}",
                fix="Lower train.learning_rate, or check the images for a constant channel.",
            ) from None
        again = self.rollbacks + 1
        self._return_to(self.safe)
        self.rollbacks = again

    def state(self) -> State:
        """Return all that decides how the run goes on, and where it would go back to."""
        now, safe = self._now(), self.safe or self._now()
        return State(
            arrays=now.arrays | scoped("safe.", safe.arrays),
            facts=dict(now.facts) | {"safe": safe.facts},
        )

    def restore(self, state: State) -> None:
        """Go on from a state of this run."""
        _refuse_other(state.arrays, self.losses)
        self._return_to(state)
        self.safe = State(arrays=within("safe.", state.arrays), facts=state.facts["safe"])

    def _now(self) -> State:
        arrays = scoped("model.", module_arrays(self.model))
        arrays |= scoped("optimizer.", optimizer_arrays(self.optimizer))
        for prefix, learner in self._learners():
            arrays |= scoped(prefix, learner.arrays())
        arrays |= {
            "losses": self.losses.copy(),
            "accuracies": self.accuracies.copy(),
            "source_sums": self.source_sums.copy(),
        }
        return State(arrays=arrays, facts={"done": self.done, "rollbacks": self.rollbacks})

    def _return_to(self, state: State) -> None:
        restore_module(self.model, within("model.", state.arrays))
        restore_optimizer(self.optimizer, within("optimizer.", state.arrays))
        for prefix, learner in self._learners():
            learner.restore(within(prefix, state.arrays))
        self.losses = state.arrays["losses"].copy()
        self.accuracies = state.arrays["accuracies"].copy()
        self.source_sums = state.arrays["source_sums"].copy()
        self.done, self.rollbacks = state.facts["done"], state.facts["rollbacks"]

    def _learners(self) -> list[tuple[str, Learner]]:
        named: list[tuple[str, Learner]] = [
            (f"learner{index}.", learner) for index, learner in enumerate(self.defense.learns)
        ]
        return named if self.watch is None else [*named, ("watch.", self.watch)]

    def history(self) -> History:
        """Say how the run went."""
        sums, counts = self.source_sums
        means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        return History(
            batch_loss=self.losses,
            batch_accuracy=self.accuracies,
            source_loss=means,
            steps=self.losses.size,
            rollbacks=self.rollbacks,
        )


def _refuse_other(arrays: Mapping[str, np.ndarray], losses: np.ndarray) -> None:
    found = arrays["losses"].shape
    if found != losses.shape:
        raise TrainingError(
            "E072",
            f"a kept state must be of this run, {losses.shape} epochs and batches, got {found}",
            fix="Remove the kept state; the run then starts anew.",
        )
