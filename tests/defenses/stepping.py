"""One step of DP-SGD on a network of two classes, for tests of what it does to the weights."""

import math

import torch
from torch import nn
from torch.nn import functional

from pryproof.defenses.per_sample import Clipped, private_network
from pryproof.models.randomness import global_draws
from pryproof.models.resolve import build
from pryproof.training.loop import scaled
from training.stopping import toy


def network(
    seed: int = 1, *, name: str = "small_cnn", shape: tuple[int, int, int] = (8, 8, 1)
) -> nn.Module:
    return private_network(build(name, classes=2, shape=shape, seed=seed))


def smooth() -> nn.Module:
    """Build a network without kinks, in which rounding does not grow."""
    with global_draws(1, "smooth"):
        layers = [nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Tanh()]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, 2))


def step(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, update: Clipped, **more):
    """Take one step of rate 1 on these images and return by how much every weight fell."""
    before = [weights.detach().clone() for weights in model.parameters()]
    called, optimizer = update.attach(model, torch.optim.SGD(model.parameters(), lr=1.0))
    called.train()
    log_p = called(images)
    optimizer.zero_grad()
    loss = functional.nll_loss(log_p, labels, reduction="sum") / max(1, len(labels))
    loss.backward()
    update.change(optimizer, **({"seed": 0, "step": 0} | more))
    update.detach()
    pairs = zip(before, model.parameters(), strict=True)
    return [old - new.detach() for old, new in pairs]


def norm(parts: list[torch.Tensor]) -> float:
    return math.sqrt(sum(float(part.double().square().sum()) for part in parts))


def some(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = toy(count)
    return scaled(torch.from_numpy(images)), torch.from_numpy(labels)
