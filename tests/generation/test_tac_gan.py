"""TAC-GAN's objective against values worked out by hand."""

import math

import pytest
import torch

from pryproof.generation.tac_gan import discriminator_loss, generator_loss
from pryproof.models.tac_gan import Answers

LN2 = math.log(2)
EVEN = torch.zeros(2, 2)  # both classes as likely: a cross entropy of ln 2
SURE = torch.tensor([[math.log(3), 0.0], [math.log(3), 0.0]])  # class 0 with 3/4
ZEROS, ONES = torch.zeros(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64)


def answers(real, label=EVEN, twin=EVEN) -> Answers:
    return Answers(torch.tensor(real), label, twin)


def test_the_discriminator_by_hand():
    on_real, on_fake = answers([2.0, 0.5], label=SURE), answers([-3.0, 0.25], twin=SURE)
    losses = discriminator_loss(on_real, ZEROS, on_fake, ONES, weight=2.0)
    assert losses.hinge.item() == pytest.approx((0 + 0.5) / 2 + (0 + 1.25) / 2)
    assert losses.label.item() == pytest.approx(math.log(4 / 3))
    assert losses.twin.item() == pytest.approx(math.log(4))
    assert losses.total.item() == pytest.approx(0.875 + 2 * (math.log(4 / 3) + math.log(4)))


def test_the_classifier_learns_from_reals_only_and_its_twin_from_fakes_only():
    heads = [torch.zeros(2, 2, requires_grad=True) for _ in range(4)]
    on_real = answers([0.0, 0.0], heads[0], heads[1])
    on_fake = answers([0.0, 0.0], heads[2], heads[3])
    discriminator_loss(on_real, ZEROS, on_fake, ONES, weight=1.0).total.backward()
    assert [head.grad is not None for head in heads] == [True, False, False, True]


def test_the_generator_by_hand():
    losses = generator_loss(answers([1.0, -3.0], label=SURE, twin=SURE), ZEROS, weight=1.0)
    assert losses.hinge.item() == pytest.approx(1.0)
    assert losses.total.item() == pytest.approx(1.0)  # both classifiers agree: they cancel
    losses = generator_loss(answers([1.0, -3.0], label=SURE), ZEROS, weight=0.5)
    assert losses.total.item() == pytest.approx(1.0 + 0.5 * (math.log(4 / 3) - LN2))


def test_the_generator_gains_where_the_twin_fails():
    twin = torch.zeros(2, 2, requires_grad=True)
    generator_loss(answers([0.0, 0.0], twin=twin), ZEROS, weight=1.0).total.backward()
    assert (twin.grad[:, 0] > 0).all()  # descending lowers the twin's logit of the true class
