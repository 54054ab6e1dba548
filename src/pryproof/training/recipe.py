"""How long and how fast to train."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from pryproof.training.schedule import Schedule

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Epochs, batch, optimizer and schedule of one run.

    ``bfloat16`` runs the forward pass under autocast: two to three times as fast for dense
    convolutions and attention where the machine multiplies in bfloat16, slower for depthwise
    networks. Weights, loss, updates and whatever is measured later stay float32.
    """

    epochs: int
    batch: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    optimizer: Literal["sgd", "adamw"] = "sgd"
    schedule: Schedule = "one_cycle"
    drops: tuple[float, ...] = ()  # of the schedule "steps": shares of the run
    drop_by: float = 0.1
    nesterov: bool = False
    precision: Precision = "float32"


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Build a recipe's optimizer.

    Parameters that ``model.no_weight_decay()`` names (where it has such a method) do not decay.
    """
    method = getattr(model, "no_weight_decay", None)
    exempt = set(method()) if callable(method) else set()
    named = list(model.named_parameters())
    groups: list[dict[str, Any]] = [{"params": [p for name, p in named if name not in exempt]}]
    if exempt:
        kept = [p for name, p in named if name in exempt]
        groups.append({"params": kept, "weight_decay": 0.0})
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(
            groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, foreach=True
        )
    return torch.optim.SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
        foreach=True,
    )
