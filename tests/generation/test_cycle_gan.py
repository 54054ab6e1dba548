"""CycleGAN's objective against values worked out by hand."""

import pytest
import torch
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.generation.cycle_gan import (
    Networks,
    answers,
    discriminator_loss,
    generators_loss,
    literal_loss,
    source_weight,
    square_distance,
)
from pryproof.generation.image_pool import Labelled


class Shift(nn.Module):
    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, images):
        return images + self.by


class Mean(nn.Module):
    def forward(self, images):
        return images.mean(dim=(1, 2, 3), keepdim=True)


SAFE, RISKY = Labelled(torch.zeros(2, 1, 4, 4)), Labelled(torch.full((2, 1, 4, 4), 0.5))
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


def test_eq_2_as_printed_by_hand():
    """Source answered .4, fakes .2: .4 squared, and the distance of .2 from 1 squared."""
    source, fake = (torch.full((2, 1, 3, 3), level) for level in (0.4, 0.2))
    assert literal_loss(source, fake).item() == pytest.approx(0.16 + 0.64)


def test_the_printed_loss_falls_when_fakes_are_called_real():
    source, fake = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2, requires_grad=True)
    literal_loss(source, fake).backward()
    assert (fake.grad < 0).all()  # descending raises the answer on fakes


def test_the_weight_of_source_images():
    assert source_weight("lsgan", 0.0) == source_weight("literal", 0.0) == 0.0
    assert source_weight("source_negatives", 0.0) == 1.0
    assert source_weight("source_negatives", 0.25) == source_weight("lsgan", 0.25) == 0.25


@pytest.mark.parametrize(("adversarial", "weight"), [("literal", 0.5), ("lsgan", -1.0)])
def test_weights_that_contradict_are_refused(adversarial, weight):
    with pytest.raises(ConfigurationError, match=r"E044.*transform.source_negatives"):
        source_weight(adversarial, weight)


class AddsLabel(nn.Module):
    def forward(self, images, labels):
        return images + labels.float()[:, None, None, None]


def test_several_batches_in_one_pass_keep_their_labels_and_order():
    parts = [
        Labelled(torch.zeros(2, 1, 2, 2), torch.tensor([0, 1])),
        Labelled(torch.full((1, 1, 2, 2), 10.0), torch.tensor([5])),
    ]
    first, second = answers(AddsLabel(), parts)
    assert first[:, 0, 0, 0].tolist() == [0.0, 1.0]
    assert second[:, 0, 0, 0].tolist() == [15.0]


def test_a_fake_has_the_label_of_its_source():
    """Safe of label 1, risky of label 2; a generator that adds the label, judges that add it."""
    adds = AddsLabel()
    safe = Labelled(torch.zeros(1, 1, 1, 1), torch.tensor([1]))
    risky = Labelled(torch.zeros(1, 1, 1, 1), torch.tensor([2]))
    losses = generators_loss(
        Networks(adds, adds, adds, adds), safe, risky, cycle_weight=1.0, identity_weight=0.0
    )
    assert losses.fake_risky.item() == 1.0
    assert losses.adversarial_s2r.item() == 1.0  # (0 + 1 + 1 - 1) squared
    assert losses.adversarial_r2s.item() == 9.0  # (0 + 2 + 2 - 1) squared
    assert losses.cycle.item() == 2.0 + 4.0
