"""CycleGAN's objective against values worked out by hand."""

import pytest
import torch
from torch import nn

from pryproof.generation.cycle_gan import (
    Networks,
    discriminator_loss,
    generators_loss,
    square_distance,
)


class Shift(nn.Module):
    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, images):
        return images + self.by


class Mean(nn.Module):
    def forward(self, images):
        return images.mean(dim=(1, 2, 3), keepdim=True)


SAFE, RISKY = torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 0.5)
NETWORKS = Networks(s2r=Shift(0.25), r2s=Shift(-0.5), risky=Mean(), safe=Mean())


def test_the_generators_by_hand():
    losses = generators_loss(NETWORKS, SAFE, RISKY, cycle_weight=10.0, identity_weight=0.5)
    assert losses.fake_risky.unique().tolist() == [0.25]
    assert losses.fake_safe.unique().tolist() == [0.0]
    assert losses.adversarial_s2r.item() == pytest.approx(0.75**2)
    assert losses.adversarial_r2s.item() == pytest.approx(1.0)
    assert losses.cycle.item() == pytest.approx(0.25 + 0.25)
    assert losses.identity.item() == pytest.approx(0.25 + 0.5)
    assert losses.total.item() == pytest.approx(0.5625 + 1.0 + 10 * (0.5 + 0.5 * 0.75))


def test_no_identity_term_unless_asked_for():
    losses = generators_loss(NETWORKS, SAFE, RISKY, cycle_weight=10.0, identity_weight=0.0)
    assert losses.identity.item() == 0.0
    assert losses.total.item() == pytest.approx(0.5625 + 1.0 + 5.0)


def test_the_discriminator_by_hand():
    real, fake, source = (torch.full((2, 1, 3, 3), level) for level in (0.5, 0.2, 0.4))
    loss = discriminator_loss(real, fake, None, source_negatives=0.0)
    assert loss.item() == pytest.approx(0.5 * (0.25 + 0.04))
    loss = discriminator_loss(real, fake, source, source_negatives=2.0)
    assert loss.item() == pytest.approx(0.145 + 2 * 0.16)


def test_the_square_distance():
    assert square_distance(torch.tensor([[[[0.0, 2.0]]]]), 1.0).item() == 1.0
