"""CRL (Fang & Kim 2024): relax the loss, and the distance of features to their class's centre.

Both logits and features are shortened, v / (1 + t |v|), so that their length cannot tell members.
With L the cross entropy of the shortened logits, and D half the mean squared distance of shortened
features to the shortened centre of their class, the loss is relaxed(L) + weight * relaxed(D).
Relaxing L is the dialect ``crl`` of RelaxLoss, its soft target taken from the logits as they are;
relaxing D is its twin (see ``relaxed_distance``). Epochs are counted from 1.

Centres start as standard normal draws and descend relaxed(D) by a rate of their own, with the
momentum and weight decay of the recipe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn import functional

from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fit import Fit, Fitted, Given
from pryproof.defenses.relax_loss import binding, soft_target
from pryproof.models.randomness import torch_generator
from pryproof.training.defense import Defense, Seen
from pryproof.training.loop import train


@dataclass(frozen=True, kw_only=True)
class Relaxing:
    """The numbers of CRL.

    Caps and the centres' alpha are the defaults of the authors' code, the weight that of its centre
    loss. It has no values for alpha, the shortening of logits and the centres' rate (its example
    settings were not published): these are ours, and alpha has to be chosen for the data.
    """

    alpha: float = 1.0  # nats
    upper: float = 1.0
    shorten: float = 0.04  # per unit of a logit vector's length
    centre_alpha: float = 1.0  # half a squared distance
    centre_upper: float = 1.0
    centre_shorten: float = 1.0
    weight: float = 0.1
    centre_rate: float = 0.5


def shortened(
    vectors: Float[torch.Tensor, "rows size"], by: float
) -> Float[torch.Tensor, "rows size"]:
    """Divide every vector by 1 + ``by`` times its length.

    >>> shortened(torch.tensor([[3.0, 4.0]]), 0.2)
    tensor([[1.5000, 2.0000]])
    """
    # vector_norm has a gradient of zero, not NaN, at the zero vector
    return vectors / (1 + by * torch.linalg.vector_norm(vectors, dim=1, keepdim=True))


def relaxed_cross_entropy(
    logits: Float[torch.Tensor, "batch classes"],
    labels: Int64[torch.Tensor, " batch"],
    *,
    epoch: int,
    numbers: Relaxing,
) -> Float[torch.Tensor, ""]:
    """Return relaxed(L), nats; ``epoch`` counts from 0."""
    short = shortened(logits, numbers.shorten)
    mean = functional.cross_entropy(short, labels)
    if epoch % 2 == 1:
        return (mean - numbers.alpha).abs()
    if mean > numbers.alpha:
        return mean
    posterior = functional.softmax(logits.detach(), dim=1)
    target = soft_target(posterior, labels, upper=numbers.upper)
    return functional.cross_entropy(short, target)


def relaxed_distance(
    features: Float[torch.Tensor, "batch size"],
    centres: Float[torch.Tensor, "batch size"],
    sure: Float[torch.Tensor, " batch"],
    *,
    epoch: int,
    numbers: Relaxing,
) -> Float[torch.Tensor, ""]:
    """Return relaxed(D); ``centres`` are those of the samples' classes, ``epoch`` counts from 0.

    In odd epochs descend |D - alpha|. In even ones descend D while it lies above alpha, else let
    every sample be drawn to its centre as far as the model is ``sure`` of the label, and to the
    origin for the rest.
    """
    near = shortened(features, numbers.centre_shorten)
    apart = (near - shortened(centres, numbers.centre_shorten)).square().sum(dim=1)
    distance = apart.mean() / 2
    if epoch % 2 == 1:
        return (distance - numbers.centre_alpha).abs()
    if distance > numbers.centre_alpha:
        return distance
    held = sure.clamp(0.0, numbers.centre_upper)
    return (held * apart + (1 - held) * near.square().sum(dim=1)).mean() / 2


class Centres:
    """The loss seam of CRL and the learner of its centres, ``[classes, size]``."""

    def __init__(
        self, start: torch.Tensor, *, numbers: Relaxing, momentum: float, weight_decay: float
    ) -> None:
        self.at, self.pace = start, torch.zeros_like(start)
        self.numbers, self.momentum, self.weight_decay = numbers, momentum, weight_decay
        self.features = torch.zeros(0, start.shape[1])  # of the batch under way
        self.losses: list[float] = []  # L of every batch

    def look(self, layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:  # noqa: ARG002 - a hook
        """Take the features that enter the last linear layer."""
        self.features = inputs[0].float()

    def __call__(self, logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        """Return the scalar to descend, and let the centres take their own step."""
        features = self.features
        chance = functional.softmax(logits.detach(), dim=1)
        sure = chance.gather(1, seen.labels[:, None])[:, 0]
        distance = relaxed_distance(
            features, self.at[seen.labels], sure, epoch=seen.epoch, numbers=self.numbers
        )
        relaxed = relaxed_cross_entropy(logits, seen.labels, epoch=seen.epoch, numbers=self.numbers)
        self._step(features.detach(), seen, sure)
        self._note(logits.detach(), seen)
        return relaxed + self.numbers.weight * distance

    def _step(self, features: torch.Tensor, seen: Seen, sure: torch.Tensor) -> None:
        at = self.at.clone().requires_grad_()
        distance = relaxed_distance(
            features, at[seen.labels], sure, epoch=seen.epoch, numbers=self.numbers
        )
        (slope,) = torch.autograd.grad(self.numbers.weight * distance, at)
        self.pace = self.momentum * self.pace + slope + self.weight_decay * self.at
        self.at = (
            self.at - self.numbers.centre_rate * self.pace
        )  # a new tensor: graphs hold the old

    def _note(self, logits: torch.Tensor, seen: Seen) -> None:
        short = shortened(logits, self.numbers.shorten)
        self.losses.append(functional.cross_entropy(short, seen.labels).item())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the centres, their momentum, and the loss L of every batch so far."""
        return {
            "at": self.at.cpu().numpy().copy(),
            "pace": self.pace.cpu().numpy().copy(),
            "losses": np.array(self.losses, dtype=np.float64),
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what ``arrays`` returned."""
        device = self.at.device
        self.at = torch.from_numpy(arrays["at"].copy()).to(device)
        self.pace = torch.from_numpy(arrays["pace"].copy()).to(device)
        self.losses = arrays["losses"].tolist()


def last_linear(model: nn.Module, *, classes: int) -> nn.Linear:
    """Return the last linear layer that ends in the classes; ConfigurationError if none does."""
    found = [
        layer
        for layer in model.modules()
        if isinstance(layer, nn.Linear) and layer.out_features == classes
    ]
    if not found:
        raise ConfigurationError(
            "E044",
            f"CRL needs a network that ends in a linear layer of {classes} classes",
            where="model",
            fix="Choose a network with a linear head, or leave this row out.",
        )
    return found[-1]


def crl(*, padding: int, numbers: Relaxing | None = None) -> Fit:
    """Train with relaxed cross entropy and relaxed distances to centres that are learnt beside.

    Features are what enters the network's last linear layer. Facts are of the last quarter of the
    epochs: ``binds`` is the share of batches whose loss L lies below alpha; below 1% a ``warning``
    says so. Source: Fang & Kim 2024, UAI; formulas as in its authors' code, but for the soft
    targets, which are constants here.
    """
    numbers = numbers or Relaxing()
    batch = augmented(padding)

    def fit(given: Given) -> Fitted:
        model = given.make(given.seed)
        layer = last_linear(model, classes=given.classes)
        start = torch.randn(
            given.classes, layer.in_features, generator=torch_generator(given.seed, "crl centres")
        )
        centres = Centres(
            start.to(layer.weight.device),
            numbers=numbers,
            momentum=given.recipe.momentum,
            weight_decay=given.recipe.weight_decay,
        )
        hook = layer.register_forward_pre_hook(centres.look)
        history = train(
            model,
            given.images,
            given.labels,
            defense=Defense(batch=batch, loss=centres, learns=(centres,)),
            recipe=given.recipe,
            seed=given.seed,
            source=given.source,
            progress=given.progress,
            watch=given.watch,
            keep=given.keep,
        )
        hook.remove()
        relaxed = np.array(centres.losses).reshape(history.batch_loss.shape)
        facts = binding(replace(history, batch_loss=relaxed), alpha=numbers.alpha)
        return Fitted(model=model, history=history, facts=facts)

    return fit
