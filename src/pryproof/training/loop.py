"""The one training loop. What a defense changes enters through ``Defense``, never a branch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn

from pryproof.checks import TrainingError
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.training.defense import Defense, Objective
from pryproof.training.schedule import one_cycle

Progress = Callable[[float, str], None]


def silent(fraction: float, detail: str) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How long and how fast to train: SGD with momentum on a one-cycle schedule."""

    epochs: int
    batch: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4


@dataclass(frozen=True, kw_only=True)
class History:
    """Cross entropy (nats) of every batch as it was trained on, and the number of steps taken."""

    batch_loss: Float[np.ndarray, "epochs batches"]
    steps: int


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
    progress: Progress = silent,
) -> History:
    """Train ``model`` in place and leave it in evaluation mode.

    Every epoch visits every sample once, in batches whose sizes differ by at most one. Order,
    augmentation and dropout are drawn by name from ``seed``, so a run is the same bytes whenever
    and wherever it is run on one kind of machine.
    """
    pixels, targets = torch.from_numpy(images), torch.from_numpy(labels)
    batches = max(1, round(len(labels) / recipe.batch))
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        foreach=True,
    )
    losses = np.zeros((recipe.epochs, batches))
    model.train()
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(labels), generator=torch_generator(seed, "order", epoch))
        draws = torch_generator(seed, "augmentation", epoch)
        with global_draws(seed, "dropout", epoch):
            for index, rows in enumerate(torch.tensor_split(order, batches)):
                done = (epoch * batches + index) / (recipe.epochs * batches)
                optimizer.param_groups[0]["lr"] = one_cycle(done, peak=recipe.learning_rate)
                batch = defense.batch(scaled(pixels[rows]), draws)
                objective = defense.loss(model(batch), targets[rows], epoch)
                losses[epoch, index] = _step(optimizer, objective, epoch=epoch, batch=index)
        progress((epoch + 1) / recipe.epochs, f"loss {losses[epoch].mean():.3f}")
    model.eval()
    return History(batch_loss=losses, steps=losses.size)


def _step(
    optimizer: torch.optim.Optimizer, objective: Objective, *, epoch: int, batch: int
) -> float:
    loss = objective.cross_entropy.item()
    if not np.isfinite(loss):
        raise TrainingError(
            "E070",
            f"the loss became {loss}",
            where=f"epoch {epoch + 1}, batch {batch + 1}",
            fix="Lower train.learning_rate, or check the images for a constant channel.",
        )
    optimizer.zero_grad()
    objective.descend.backward()
    optimizer.step()
    return loss
