"""A defense is a value: the one training loop changes only through these seams."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional


class Objective(NamedTuple):
    """What a loss says of one batch: the scalar to descend, and the plain cross entropy (nats)."""

    descend: torch.Tensor
    cross_entropy: torch.Tensor


Batch = Callable[[torch.Tensor, torch.Generator], torch.Tensor]  # images in [-1, 1] -> images
Loss = Callable[[torch.Tensor, torch.Tensor, int], Objective]  # logits, labels, epoch from 0


def as_is(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:  # noqa: ARG001 - a seam
    """Leave the batch as it is."""
    return images


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, epoch: int) -> Objective:  # noqa: ARG001
    """Descend the batch mean of the cross entropy (nats)."""
    loss = functional.cross_entropy(logits, labels)
    return Objective(loss, loss)


@dataclass(frozen=True, kw_only=True)
class Defense:
    """Plain training, but for what is set here."""

    batch: Batch = as_is  # every batch: augmentation
    loss: Loss = cross_entropy  # RelaxLoss and its kin
