"""Label smoothing (Szegedy et al. 2016): a part of every label is shared among all classes."""

import torch
from torch.nn import functional

from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fit import Fit, by_seams
from pryproof.training.defense import Defense, Loss, Seen

SMOOTHING = 0.1  # as published


def smoothed_cross_entropy(smoothing: float = SMOOTHING) -> Loss:
    """Return the loss seam with the target (1 - smoothing) * label + smoothing / classes.

    Unit: nats, mean over the batch. Raises ConfigurationError outside [0, 1).
    """
    if not 0 <= smoothing < 1:
        raise ConfigurationError(
            "E044",
            f"smoothing must lie in [0, 1), got {smoothing}",
            fix=f"Leave it at {SMOOTHING}.",
        )

    def loss(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        return functional.cross_entropy(logits, seen.labels, label_smoothing=smoothing)

    return loss


def label_smoothing(*, padding: int, smoothing: float = SMOOTHING) -> Fit:
    """Train on labels of which the share ``smoothing`` is spread evenly over all classes.

    Source: Szegedy et al. 2016. Smoothed labels cap how sure the model grows of its members, but
    members can still be told apart by how well they meet the cap: it is a baseline, no defense by
    design.
    """
    batch, loss = augmented(padding), smoothed_cross_entropy(smoothing)
    return by_seams(lambda: Defense(batch=batch, loss=loss))
