"""Adversarial regularisation (Nasr, Shokri & Houmansadr 2018): train against an inference attack.

A second network h reads a softmax answer and the one-hot label and is trained in turn, on every
batch, to tell members from reference images: it ascends log h on members, log(1 - h) on reference.
The classifier descends its cross entropy plus ``weight`` times h's gain on the batch, the mean of
log h over its members. h and its optimizer are kept with the run.

Reference images are cropped and flipped as members are, and pass the classifier in the same mode,
so that h learns membership and not augmentation or batch statistics. Nothing of that pass stays in
the classifier: it has no gradient, and running statistics are updated on a copy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fit import Fit, Fitted, Given, reference_of
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.training.checkpoint import (
    module_arrays,
    optimizer_arrays,
    restore_module,
    restore_optimizer,
)
from pryproof.training.defense import Batch, Defense, Seen, cross_entropy
from pryproof.training.keeper import scoped, within
from pryproof.training.loop import scaled, train
from pryproof.training.recipe import Precision


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """How h is trained: Adam's rate, and its updates for each one of the classifier."""

    learning_rate: float = 1e-3
    updates: int = 1


def adversarial_regularisation(
    *, padding: int, weight: float = 3.0, adversary: Adversary | None = None
) -> Fit:
    """Return the fit with ``weight`` (lambda of the paper) times the gain of the adversary.

    The paper chooses lambda, the adversary's rate and its number of updates by data set; these
    defaults are ours. A weight of 0 is plain training. ``padding`` (pixels) is that of the crop.
    Raises ConfigurationError for a negative weight and where there are no reference images. Facts:
    ``weight``.
    """
    if weight < 0:
        raise ConfigurationError(
            "E044", f"weight must be 0 or more, got {weight}", fix="Leave it at 3."
        )

    def fit(given: Given) -> Fitted:
        model = given.make(given.seed)
        gain = _Gain(
            given,
            weight=weight,
            batch=augmented(padding),
            adversary=adversary or Adversary(),
            device=next(model.parameters()).device,
        )
        history = train(
            model,
            given.images,
            given.labels,
            defense=Defense(batch=augmented(padding), loss=gain.loss, learns=(gain,)),
            recipe=given.recipe,
            seed=given.seed,
            source=given.source,
            progress=given.progress,
            watch=given.watch,
            keep=given.keep,
        )
        return Fitted(model=model, history=history, facts={"weight": weight})

    return fit


class InferenceNetwork(nn.Module):
    """Say of a softmax and a label how likely they are a member's, as a logit (0 = one half).

    Answer and label pass layers of their own, then joint ones. Their widths are ours.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.answer = nn.Sequential(
            nn.Linear(classes, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU()
        )
        self.label = nn.Sequential(
            nn.Linear(classes, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU()
        )
        self.joint = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(
        self, answers: Float[torch.Tensor, "batch classes"], labels: Int64[torch.Tensor, " batch"]
    ) -> Float[torch.Tensor, " batch"]:
        one_hot = functional.one_hot(labels, answers.shape[1]).to(answers.dtype)
        both = torch.cat([self.answer(answers), self.label(one_hot)], dim=1)
        return self.joint(both).squeeze(1)


def inference_loss(
    members: Float[torch.Tensor, " members"], others: Float[torch.Tensor, " others"]
) -> Float[torch.Tensor, ""]:
    """Return what h descends, from its logits: -(mean log h + mean log(1 - h)) / 2 (nats).

    >>> round(inference_loss(torch.zeros(2), torch.zeros(3)).item(), 4)  # it knows nothing: log 2
    0.6931
    """
    gain = functional.logsigmoid(members).mean() + functional.logsigmoid(-others).mean()
    return -gain / 2


@final
class _Gain:
    """The classifier's objective and the adversary in it; a ``Learner``."""

    def __init__(
        self,
        given: Given,
        *,
        weight: float,
        batch: Batch,
        adversary: Adversary,
        device: torch.device,
    ) -> None:
        images, labels = reference_of(given, defense="adversarial regularisation")
        self.images = torch.from_numpy(images).to(device)
        self.labels = torch.from_numpy(labels).to(device)
        self.weight, self.batch, self.updates = weight, batch, adversary.updates
        self.precision: Precision = given.recipe.precision
        self.seed = seeds.derive(given.seed, "adversary")
        with global_draws(self.seed, "initialisation"):
            self.network = InferenceNetwork(given.classes).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=adversary.learning_rate)

    def loss(self, logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        """Train the adversary on this batch, then return the objective against it."""
        answers = torch.softmax(logits, dim=1)
        for update in range(self.updates):
            self._learn(answers.detach(), seen, update)
        gain = functional.logsigmoid(self.network(answers, seen.labels)).mean()
        return cross_entropy(logits, seen) + self.weight * gain

    def _learn(self, answers: torch.Tensor, seen: Seen, update: int) -> None:
        draws = torch_generator(self.seed, "reference", seen.step, update)
        rows = torch.randint(len(self.labels), (len(answers),), generator=draws)
        here = rows.to(self.labels.device)
        images = self.batch(scaled(self.images[here]), here, draws)
        others = self.network(self._answers(images, seen.model), self.labels[here])
        members = self.network(answers, seen.labels)
        self.optimizer.zero_grad()
        inference_loss(members, others).backward()
        self.optimizer.step()

    def _answers(self, images: torch.Tensor, model: nn.Module) -> torch.Tensor:
        """Answer as the classifier answers members now, and leave it untouched."""
        copies = {name: buffer.clone() for name, buffer in model.named_buffers()}
        halved = self.precision == "bfloat16"
        with (
            torch.no_grad(),
            torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=halved),
        ):
            logits = functional_call(model, copies, (images,))
        return torch.softmax(logits.float(), dim=1)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the adversary and what its optimizer remembers."""
        network = scoped("network.", module_arrays(self.network))
        return network | scoped("optimizer.", optimizer_arrays(self.optimizer))

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what ``arrays`` returned."""
        restore_module(self.network, within("network.", arrays))
        restore_optimizer(self.optimizer, within("optimizer.", arrays))
