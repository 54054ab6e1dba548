"""RelaxLoss (Chen et al. 2022): keep the mean training loss near a target instead of at zero.

With L the batch mean of the cross entropy and a target alpha: in even epochs descend |L - alpha|;
in odd epochs descend L while it lies above alpha, else flatten. Three dialects differ in how epochs
are counted and in what flattening is (methods section 4):

- ``official`` (the authors' code; the default): epochs from 0; raise the loss of every sample and
  flatten the posterior of those classified wrongly, too.
- ``paper`` (its text): epochs from 1; flatten the posterior of those classified wrongly, and leave
  the others alone.
- ``crl`` (Fang & Kim 2024): epochs from 1; flatten the posterior of every sample.

The soft target is a constant. In the authors' code gradients pass through it too
(``detach_target=False``); detaching is our recorded default.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch.nn import functional

from pryproof.checks import ConfigurationError, known_name
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fakes import FAKE, REAL
from pryproof.defenses.fit import Fit, Fitted, Given, by_seams
from pryproof.training.defense import Defense, Loss, Seen
from pryproof.training.loop import History

Dialect = Literal["official", "paper", "crl"]  # for settings; functions check the name
Flattening = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

LEAST_BINDING = 0.01  # share of batches; below it a run is as good as plain cross entropy


def _official(soft: torch.Tensor, hard: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
    return (wrong * soft - hard).mean()


def _paper(soft: torch.Tensor, hard: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:  # noqa: ARG001
    return (wrong * soft).mean()


def _crl(soft: torch.Tensor, hard: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:  # noqa: ARG001
    return soft.mean()


FLATTENING: dict[str, Flattening] = {"official": _official, "paper": _paper, "crl": _crl}
FIRST_EPOCH: dict[str, int] = {"official": 0, "paper": 1, "crl": 1}


def relax_loss(
    alpha: float,
    *,
    upper: float = 1.0,
    dialect: str = "official",
    detach_target: bool = True,
) -> Loss:
    """Return the loss seam for target ``alpha`` (nats); ``upper`` caps the soft target.

    Raises ConfigurationError for a negative alpha, a cap outside (0, 1] or an unknown dialect.
    """
    known_name(dialect, FLATTENING, kind="dialect of RelaxLoss")
    if alpha < 0 or not 0 < upper <= 1:
        raise ConfigurationError(
            "E044",
            f"alpha must be 0 nats or more and upper lie in (0, 1], got {alpha} and {upper}",
            fix="Leave upper at 1, and let choose_alpha find alpha.",
        )

    def loss(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        mean = functional.cross_entropy(logits, seen.labels)
        if (seen.epoch + FIRST_EPOCH[dialect]) % 2 == 0:
            return (mean - alpha).abs()
        if mean > alpha:
            return mean
        return flattened(
            logits, seen.labels, upper=upper, dialect=dialect, detach_target=detach_target
        )

    return loss


def flattened(
    logits: Float[torch.Tensor, "batch classes"],
    labels: Int64[torch.Tensor, " batch"],
    *,
    upper: float,
    dialect: str = "official",
    detach_target: bool = True,
) -> Float[torch.Tensor, ""]:
    """Return what an odd epoch descends below the target, as the dialect has it."""
    log_p = functional.log_softmax(logits, dim=1)
    confident = log_p.detach() if detach_target else log_p
    target = soft_target(confident.exp(), labels, upper=upper)
    soft = -(target * log_p).sum(dim=1)
    hard = -log_p.gather(1, labels[:, None])[:, 0]
    wrong = (logits.argmax(dim=1) != labels).to(logits.dtype)
    return FLATTENING[dialect](soft, hard, wrong)


def soft_target(
    posterior: Float[torch.Tensor, "batch classes"],
    labels: Int64[torch.Tensor, " batch"],
    *,
    upper: float,
) -> Float[torch.Tensor, "batch classes"]:
    """Keep the true class's probability, at most ``upper``; share the rest among the others.

    >>> posterior = torch.tensor([[0.2, 0.5, 0.3]])
    >>> soft_target(posterior, torch.tensor([0]), upper=1.0)
    tensor([[0.2000, 0.4000, 0.4000]])
    """
    classes = posterior.shape[1]
    true = posterior.gather(1, labels[:, None]).clamp(0.0, upper)
    is_label = functional.one_hot(labels, classes).bool()
    return torch.where(is_label, true, (1.0 - true) / (classes - 1))


def relaxed(
    *,
    padding: int,
    alpha: float,
    upper: float = 1.0,
    dialect: str = "official",
    detach_target: bool = True,
    per_source_alpha: bool = False,
) -> Fit:
    """Train with RelaxLoss for target ``alpha`` (nats).

    With ``per_source_alpha`` the reals' mean loss and the fakes' are each held near the target, so
    that neither hides behind the other.

    Facts are of the last quarter of the epochs: ``binds`` is the share of batches whose loss lies
    below alpha; below 1% a ``warning`` says that the run is plain cross entropy. Where the training
    set says where its samples come from, ``loss_real`` and ``loss_fake`` are their mean losses
    apart: hard fakes can hold the mean at alpha while the reals are memorised. Source: Chen et al.
    2022, ICLR.
    """
    batch = augmented(padding)
    loss = relax_loss(alpha, upper=upper, dialect=dialect, detach_target=detach_target)

    def fit(given: Given) -> Fitted:
        chosen = loss
        if per_source_alpha and given.source is not None:
            chosen = by_source(loss, given.source)
        fitted = by_seams(lambda: Defense(batch=batch, loss=chosen))(given)
        facts = {"dialect": dialect, "detach_target": detach_target}
        told = binding(fitted.history, alpha=alpha)
        if given.source is not None:
            told |= _apart(fitted.history)
        return replace(fitted, facts=facts | told)

    return fit


def by_source(loss: Loss, source: Int64[np.ndarray, " samples"]) -> Loss:
    """Apply a batch loss to each source's samples alone, weighted by their share of the batch."""
    sources = torch.from_numpy(source)

    def apart(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        where = sources[seen.rows.cpu()].to(logits.device)
        total = logits.new_zeros(())
        for one in where.unique():
            here = where == one
            part = replace(
                seen, images=seen.images[here], labels=seen.labels[here], rows=seen.rows[here]
            )
            total = total + loss(logits[here], part) * here.float().mean()
        return total

    return apart


def binding(history: History, *, alpha: float) -> dict[str, object]:
    """Return ``binds``, the share of late batches with a loss below alpha, and any ``warning``."""
    share = float((_late(history.batch_loss) < alpha).mean())
    facts: dict[str, object] = {"binds": share}
    if share < LEAST_BINDING:
        facts["warning"] = (
            f"RelaxLoss does not bind: {share:.1%} of the late batches have a loss below "
            f"alpha = {alpha}. The run is plain cross entropy; raise alpha."
        )
    return facts


def _apart(history: History) -> dict[str, object]:
    late = _late(history.source_loss).mean(axis=0)
    names = {"loss_real": REAL, "loss_fake": FAKE}
    return {name: float(late[place]) for name, place in names.items() if place < len(late)}


def _late(by_epoch: np.ndarray) -> np.ndarray:
    """Return the last quarter of the epochs, two at least: one of each kind."""
    return by_epoch[-max(2, len(by_epoch) // 4) :]
