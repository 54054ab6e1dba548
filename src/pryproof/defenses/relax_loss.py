"""RelaxLoss (Chen et al. 2022): keep the mean training loss near a target instead of at zero.

With L the batch mean of the cross entropy and a target alpha: in even epochs (from 0) descend
|L - alpha|; in odd epochs descend L while it lies above alpha, else raise the loss of correctly
classified samples and flatten the posterior of the others. The soft target is a constant (methods
section 4: the official code lets gradients pass through it; detaching is our recorded default).
"""

import torch
from jaxtyping import Float, Int64
from torch.nn import functional

from pryproof.training.defense import Loss, Objective


def relax_loss(alpha: float, *, upper: float = 1.0) -> Loss:
    """Return the loss seam for target ``alpha`` (nats); ``upper`` caps the soft target."""

    def loss(logits: torch.Tensor, labels: torch.Tensor, epoch: int) -> Objective:
        mean = functional.cross_entropy(logits, labels)
        if epoch % 2 == 0:
            return Objective((mean - alpha).abs(), mean)
        if mean > alpha:
            return Objective(mean, mean)
        return Objective(flattened(logits, labels, upper=upper), mean)

    return loss


def flattened(
    logits: Float[torch.Tensor, "batch classes"],
    labels: Int64[torch.Tensor, " batch"],
    *,
    upper: float,
) -> Float[torch.Tensor, ""]:
    """Mean over the batch of [wrong] * (cross entropy to the soft target) - (cross entropy)."""
    log_p = functional.log_softmax(logits, dim=1)
    rows = torch.arange(len(labels))
    true = log_p[rows, labels].detach().exp().clamp(0.0, upper)
    spread = (1.0 - true) / (logits.shape[1] - 1)
    target = spread[:, None].repeat(1, logits.shape[1])
    target[rows, labels] = true
    soft = -(target * log_p).sum(dim=1)
    wrong = (logits.argmax(dim=1) != labels).to(logits.dtype)
    return (wrong * soft + log_p[rows, labels]).mean()
