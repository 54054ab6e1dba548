"""A defense is a value: the one training loop changes only through these seams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn import functional

from pryproof.models.randomness import torch_generator


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one step sees beside the logits; ``rows`` are places in the training set."""

    images: Float[torch.Tensor, "batch channels height width"]  # as augmented
    labels: Int64[torch.Tensor, " batch"]
    rows: Int64[torch.Tensor, " batch"]
    epoch: int  # from 0
    step: int  # from 0, over the whole run
    model: nn.Module


# images in [-1, 1], their places in the training set, draws -> images
Batch = Callable[[torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]
Loss = Callable[[torch.Tensor, Seen], torch.Tensor]  # float32 logits -> the scalar to descend


@runtime_checkable
class Order(Protocol):
    """How an epoch's batches are drawn."""

    def __call__(
        self, *, samples: int, batches: int, seed: int, epoch: int
    ) -> list[Int64[torch.Tensor, " batch"]]:
        """Return the rows of every batch of an epoch."""


@runtime_checkable
class Learner(Protocol):
    """What a defense itself learns during a run. Kept with the run, so that it resumes exactly."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all it has learnt."""

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what ``arrays`` returned."""


class Update:
    """How a batch's losses become a change of the weights: by their mean gradient."""

    def attach(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Return the network to call and the optimizer to step, once per run."""
        return model, optimizer

    def change(self, optimizer: torch.optim.Optimizer, *, seed: int, step: int) -> None:  # noqa: ARG002 - a seam
        """Change the weights; the gradients are there."""
        optimizer.step()


MEAN_GRADIENT = Update()


def as_is(
    images: torch.Tensor,
    rows: torch.Tensor,  # noqa: ARG001 - a seam
    generator: torch.Generator,  # noqa: ARG001
) -> torch.Tensor:
    """Leave the batch as it is."""
    return images


def cross_entropy(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
    """Descend the batch mean of the cross entropy (nats)."""
    return functional.cross_entropy(logits, seen.labels)


def shuffled(*, samples: int, batches: int, seed: int, epoch: int) -> list[torch.Tensor]:
    """Visit every sample once, in batches whose sizes differ by at most one."""
    order = torch.randperm(samples, generator=torch_generator(seed, "order", epoch))
    return list(torch.tensor_split(order, batches))


@dataclass(frozen=True, kw_only=True)
class Defense:
    """Plain training, but for what is set here."""

    batch: Batch = as_is  # every batch: augmentation
    loss: Loss = cross_entropy  # RelaxLoss, soft labels and their kin
    order: Order = shuffled  # Poisson sampling for differential privacy
    update: Update = MEAN_GRADIENT  # per-sample clipping and noise, for the same
    learns: tuple[Learner, ...] = ()  # adversaries, centres: what has to be kept with the run
