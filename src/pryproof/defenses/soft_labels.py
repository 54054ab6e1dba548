"""Learning from soft labels: the loss of a student, and a teacher trained as a part of the work.

The cross entropy -sum_c t_c log p_c (nats) is that of Hinton et al. 2015; it differs from the
Kullback-Leibler divergence KL(t || p) by the entropy of t, a constant with the same gradient.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn
from torch.nn import functional

from pryproof import seeds
from pryproof.defenses.fit import Given
from pryproof.training.checkpoint import module_arrays, restore_module
from pryproof.training.defense import Defense, Loss, Seen
from pryproof.training.keeper import State
from pryproof.training.loop import Progress, train


def soft_labels(targets: Float[np.ndarray, "samples classes"], *, temperature: float = 1.0) -> Loss:
    """Return the loss seam that learns row ``i`` of ``targets`` for training sample ``i``.

    ``targets`` are probabilities. With a ``temperature`` T they are taken to be softened by T, the
    student's logits are divided by T, and the loss is multiplied by T^2, so that its gradient keeps
    its size (Hinton et al. 2015).
    """
    table = torch.from_numpy(targets.astype(np.float32))

    def loss(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        wanted = table[seen.rows.cpu()].to(logits)
        return temperature**2 * soft_cross_entropy(logits / temperature, wanted)

    return loss


def soft_cross_entropy(
    logits: Float[torch.Tensor, "batch classes"], targets: Float[torch.Tensor, "batch classes"]
) -> Float[torch.Tensor, ""]:
    """Take the batch mean of -sum_c t_c log p_c (nats), where 0 log p is 0 even for p = 0.

    >>> far = torch.tensor([[0.0, -1000.0]])
    >>> soft_cross_entropy(far, torch.tensor([[0.0, 1.0]])).item()
    1000.0
    >>> soft_cross_entropy(far, torch.tensor([[0.5, 0.5]])).item()
    500.0
    """
    # log_softmax never takes the log of a probability that underflowed; the mask comes before the
    # product because 0 * -inf would be NaN, and so would its gradient.
    log_p = functional.log_softmax(logits, dim=1).masked_fill(targets == 0, 0.0)
    return (targets * -log_p).sum(dim=1).mean()


def probabilities(
    logits: Float[np.ndarray, "queries classes"], *, temperature: float = 1.0
) -> Float[np.ndarray, "queries classes"]:
    """Return the float64 softmax of ``logits`` / ``temperature``.

    >>> probabilities(np.log([[1.0, 3.0]])).tolist()
    [[0.25, 0.75]]
    """
    softened = torch.from_numpy(logits).double() / temperature
    return torch.softmax(softened, dim=1).numpy()


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What one teacher is trained on, and its name among the parts of the work."""

    name: str
    images: UInt8[np.ndarray, "samples height width channels"]
    labels: Int64[np.ndarray, " samples"]


def teacher(given: Given, lesson: Lesson, *, defense: Defense, progress: Progress) -> nn.Module:
    """Train a fresh network on ``lesson`` and return it, in evaluation mode.

    Its draws are named by the lesson. Its state is kept under ``given.keep.part(name)``; once it
    has finished, it is loaded from there and not trained again.
    """
    seed = seeds.derive(given.seed, lesson.name)
    keep = given.keep.part(lesson.name)
    model = given.make(seed)
    kept = keep.load()
    if kept is not None and kept.facts.get("finished"):
        restore_module(model, kept.arrays)
        return model.eval()
    train(
        model,
        lesson.images,
        lesson.labels,
        defense=defense,
        recipe=given.recipe,
        seed=seed,
        progress=progress,
        keep=keep,
    )
    keep.save(State(arrays=module_arrays(model), facts={"finished": True}))
    return model


def share_of(progress: Progress, name: str, *, start: float, end: float) -> Progress:
    """Return the progress of a part that lasts from ``start`` to ``end`` (shares of the whole)."""

    def report(fraction: float, detail: str) -> None:
        progress(start + (end - start) * fraction, f"{name}, {detail}")

    return report
