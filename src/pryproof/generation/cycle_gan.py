"""The objective of CycleGAN (Zhu et al. 2017, methods 7): least squares, and an L1 cycle.

``s2r`` maps safe images to risky ones, ``r2s`` the other way. Losses are batch means.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

Images = Float[torch.Tensor, "batch channels height width"]
Patches = Float[torch.Tensor, "batch 1 rows columns"]
Scalar = Float[torch.Tensor, ""]


class Networks(NamedTuple):
    """Two generators, and for each the discriminator of the domain it maps into."""

    s2r: nn.Module
    r2s: nn.Module
    risky: nn.Module
    safe: nn.Module


class GeneratorLosses(NamedTuple):
    """What both generators descend, its parts, and the fakes they made on the way."""

    total: Scalar
    adversarial_s2r: Scalar
    adversarial_r2s: Scalar
    cycle: Scalar
    identity: Scalar
    fake_risky: Images
    fake_safe: Images


def generators_loss(
    networks: Networks, safe: Images, risky: Images, *, cycle_weight: float, identity_weight: float
) -> GeneratorLosses:
    """Loss both generators descend: fool the other domain's discriminator, and find the way back.

    ``cycle`` is the sum of both directions' mean absolute errors; ``identity`` is that of images
    given to the generator of their own domain, weighted by cycle_weight x identity_weight, and not
    computed at weight 0.
    """
    fake_risky, fake_safe = networks.s2r(safe), networks.r2s(risky)
    adversarial_s2r = square_distance(networks.risky(fake_risky), 1.0)
    adversarial_r2s = square_distance(networks.safe(fake_safe), 1.0)
    cycle = functional.l1_loss(networks.r2s(fake_risky), safe)
    cycle = cycle + functional.l1_loss(networks.s2r(fake_safe), risky)
    identity = torch.zeros(())
    if identity_weight > 0:
        identity = functional.l1_loss(networks.s2r(risky), risky)
        identity = identity + functional.l1_loss(networks.r2s(safe), safe)
    total = adversarial_s2r + adversarial_r2s
    total = total + cycle_weight * (cycle + identity_weight * identity)
    return GeneratorLosses(
        total, adversarial_s2r, adversarial_r2s, cycle, identity, fake_risky, fake_safe
    )


def discriminator_loss(
    on_real: Patches, on_fake: Patches, on_source: Patches | None, *, source_negatives: float
) -> Scalar:
    """Loss a discriminator descends: half the squared distance to 1 on real and to 0 on fake.

    ``on_source`` (images of the other domain, untouched) are further negatives of weight
    ``source_negatives``: the term the paper prints (methods A14); None leaves it out.
    """
    loss = 0.5 * (square_distance(on_real, 1.0) + square_distance(on_fake, 0.0))
    if on_source is not None:
        loss = loss + source_negatives * square_distance(on_source, 0.0)
    return loss


def square_distance(answers: Patches, target: float) -> Scalar:
    """Mean squared distance of a discriminator's patches from ``target``."""
    return (answers - target).square().mean()
