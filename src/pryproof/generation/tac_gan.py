"""The objective of TAC-GAN (Gong et al. 2019, methods 6.1): hinge, auxiliary and twin classifier.

The auxiliary classifier learns the class of real images, its twin that of fakes. The generator
helps the first and hinders the second; the second term undoes the bias of AC-GAN towards images
that are easy to classify, and with it the loss of variety within a class.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch.nn import functional

from pryproof.models.tac_gan import Answers

Labels = Int64[torch.Tensor, " batch"]
Scalar = Float[torch.Tensor, ""]


class Losses(NamedTuple):
    """A loss and its parts, all batch means; the classifiers' parts are cross entropies in nats."""

    total: Scalar
    hinge: Scalar
    label: Scalar
    twin: Scalar


def discriminator_loss(
    on_real: Answers, labels: Labels, on_fake: Answers, fake_labels: Labels, *, weight: float
) -> Losses:
    """Loss the discriminator descends: both hinges, and ``weight`` times both classifiers'.

    ``label`` is judged on real images, ``twin`` on fakes.
    """
    hinge = functional.relu(1 - on_real.real).mean() + functional.relu(1 + on_fake.real).mean()
    label = functional.cross_entropy(on_real.label, labels)
    twin = functional.cross_entropy(on_fake.twin, fake_labels)
    return Losses(hinge + weight * (label + twin), hinge, label, twin)


def generator_loss(on_fake: Answers, fake_labels: Labels, *, weight: float) -> Losses:
    """Loss the generator descends: look real, be recognised by the classifier, not by its twin."""
    hinge = -on_fake.real.mean()
    label = functional.cross_entropy(on_fake.label, fake_labels)
    twin = functional.cross_entropy(on_fake.twin, fake_labels)
    return Losses(hinge + weight * (label - twin), hinge, label, twin)
