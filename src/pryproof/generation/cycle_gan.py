"""The objective of CycleGAN (Zhu et al. 2017, methods 7): least squares, and an L1 cycle.

``s2r`` maps safe images to risky ones, ``r2s`` the other way. Losses are batch means in float32.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from pryproof.checks import ConfigurationError
from pryproof.generation.image_pool import Images, Labelled
from pryproof.generation.settings import Adversarial

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
    networks: Networks,
    safe: Labelled,
    risky: Labelled,
    *,
    cycle_weight: float,
    identity_weight: float,
) -> GeneratorLosses:
    """Loss both generators descend: fool the other domain's discriminator, and find the way back.

    ``cycle`` is the sum of both directions' mean absolute errors; ``identity`` is that of images
    given to the generator of their own domain, weighted by cycle_weight x identity_weight, and not
    computed at weight 0. A fake has the label of the image it was made from.
    """
    own = identity_weight > 0
    fake_risky, *same_risky = answers(networks.s2r, [safe, risky] if own else [safe])
    moved_safe = Labelled(fake_risky, safe.labels)
    asked = [risky, moved_safe, safe] if own else [risky, moved_safe]
    fake_safe, back_safe, *same_safe = answers(networks.r2s, asked)
    moved_risky = Labelled(fake_safe, risky.labels)
    (back_risky,) = answers(networks.s2r, [moved_risky])
    (on_risky,) = answers(networks.risky, [moved_safe])
    (on_safe,) = answers(networks.safe, [moved_risky])
    adversarial_s2r, adversarial_r2s = square_distance(on_risky, 1.0), square_distance(on_safe, 1.0)
    cycle = functional.l1_loss(back_safe, safe.images)
    cycle = cycle + functional.l1_loss(back_risky, risky.images)
    identity = torch.zeros((), device=cycle.device)
    if own:
        identity = functional.l1_loss(same_risky[0], risky.images)
        identity = identity + functional.l1_loss(same_safe[0], safe.images)
    total = adversarial_s2r + adversarial_r2s
    total = total + cycle_weight * (cycle + identity_weight * identity)
    return GeneratorLosses(
        total, adversarial_s2r, adversarial_r2s, cycle, identity, fake_risky, fake_safe
    )


def answers(network: nn.Module, parts: Sequence[Labelled]) -> list[torch.Tensor]:
    """Ask a network about several batches in one pass; no answer depends on its neighbours."""
    images = torch.cat([part.images for part in parts])
    labels = [part.labels for part in parts if part.labels is not None]
    found = network(images, torch.cat(labels)) if labels else network(images)
    return list(found.float().split([len(part.images) for part in parts]))


def source_weight(adversarial: Adversarial, source_negatives: float) -> float:
    """Return the weight of source images as negatives that two settings mean together.

    >>> source_weight("lsgan", 0.0), source_weight("source_negatives", 0.0)
    (0.0, 1.0)
    >>> source_weight("lsgan", 0.5) == source_weight("source_negatives", 0.5) == 0.5
    True
    """
    if source_negatives < 0:
        raise ConfigurationError(
            "E044",
            f"source_negatives is a weight, 0 or above, got {source_negatives}",
            where="transform.source_negatives",
            fix="Give 0 to leave source images out.",
        )
    if adversarial == "literal" and source_negatives > 0:
        raise ConfigurationError(
            "E044",
            f"the literal objective has no weight of source images, got {source_negatives}",
            where="transform.source_negatives",
            fix='Leave it at 0, or set adversarial to "source_negatives".',
        )
    return 1.0 if adversarial == "source_negatives" and source_negatives == 0 else source_negatives


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


def literal_loss(on_source: Patches, on_fake: Patches) -> Scalar:
    """Loss of Eq. 2 as printed, which discriminator and generator both descend (methods A14).

    Squared distance to 0 on source images and to 1 on fakes: the discriminator is trained to push
    its answer on fakes to 1, helps the generator, and never sees an image of the target domain.
    """
    return square_distance(on_source, 0.0) + square_distance(on_fake, 1.0)


def square_distance(answers: Patches, target: float) -> Scalar:
    """Mean squared distance of a discriminator's patches from ``target``."""
    return (answers - target).square().mean()
