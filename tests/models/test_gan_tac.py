"""TAC-GAN's networks: published sizes, every side and channel, conditional and normalised."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from pryproof.checks import ConfigurationError
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.models.tac_gan import (
    ConditionalNorm,
    SubPixel,
    bottom_and_doublings,
    convolved_then_halved,
    doubled_then_convolved,
    tac_discriminator,
    tac_generator,
)

SIDES = (28, 32, 64)
PAIRS = ((8, 16), (16, 32))  # widths before and after the medium discriminator's halvings


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def pair(network, *, shape=(32, 32, 3), classes=5, width=8, latent=6):
    with global_draws(0, "test"):
        generator = tac_generator(network, shape=shape, classes=classes, width=width, latent=latent)
        return generator, tac_discriminator(network, shape=shape, classes=classes, width=width)


def test_the_published_sizes():
    generator, discriminator = pair("published", classes=100, width=256, latent=128)
    assert parameters(generator) == 4_580_867
    assert parameters(discriminator) == 4_256_201


def test_sixty_four_pixels_are_one_block_more_in_each():
    # by hand, width w = 256, c = 200 classes: a doubling has 4cw + 2(9ww + w) + ww + w = 1,450,752
    # parameters, a halving 2(9ww + w) + ww + w = 1,245,952
    generator, discriminator = pair(
        "published", shape=(64, 64, 3), classes=200, width=256, latent=128
    )
    smaller, judge = pair("published", classes=200, width=256, latent=128)
    assert parameters(generator) == parameters(smaller) + 1_450_752 == 6_338_819
    assert parameters(discriminator) == parameters(judge) + 1_245_952 == 5_553_553


def test_the_medium_networks_are_the_small_generator_painted_and_a_residual_discriminator():
    # by hand, width w = 8, c = 5 classes: the last doubling answers 4w planes instead of 4 x 3 (its
    # input is w wide), then a norm a class (2cw) and a convolution to 3 planes
    generator, discriminator = pair("medium")
    small, _ = pair("small")
    last = (9 * 8 + 1) * (4 * 8 - 4 * 3) + 2 * 5 * 8 + (9 * 8 + 1) * 3
    assert parameters(generator) == parameters(small) + last
    # a stem of 4x4, then halvings 9iw + w + 9ww + w + iw + w from i to w planes, heads 4w -> 1 + 2c
    stem, blocks = 16 * 3 * 8 + 8, [9 * i * w + 9 * w * w + i * w + 3 * w for i, w in PAIRS]
    assert parameters(discriminator) == stem + sum(blocks) + 11 * (32 + 1)


@pytest.mark.parametrize("network", ["small", "medium", "published"])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(network, side, channels):
    generator, discriminator = pair(network, shape=(side, side, channels))
    labels = torch.arange(4)
    images = generator(torch.randn(4, 6, generator=torch_generator(0, "z")), labels)
    assert images.shape == (4, channels, side, side)
    assert images.abs().max() <= 1
    answers = discriminator(images)
    assert answers.real.shape == (4,)
    assert answers.label.shape == answers.twin.shape == (4, 5)
    answers.real.sum().backward()
    assert all(p.grad is not None for p in generator.parameters())


@pytest.mark.parametrize("network", ["small", "medium", "published"])
def test_the_label_decides(network):
    generator, _ = pair(network, shape=(28, 28, 1))
    generator.eval()
    z = torch.randn(1, 6, generator=torch_generator(0, "z"))
    first, second = (generator(z, torch.tensor([label])) for label in (0, 1))
    assert (first - second).abs().max() > 1e-3


def test_a_conditional_norm_is_normalisation_then_the_classes_gain_and_bias():
    norm = ConditionalNorm(2, 3)
    with torch.no_grad():
        norm.gain.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0]]))
        norm.bias.weight.copy_(torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]]))
    x = torch.randn(3, 2, 4, 4, generator=torch_generator(0, "x"))
    plain = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True, correction=0)
    answer = norm(x, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(answer[0], plain[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(answer[1, 0], 2 * plain[1, 0] + 5, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(answer[2, 1], torch.full((4, 4), 7.0))


@pytest.mark.parametrize("network", ["small", "medium"])
def test_every_layer_of_a_discriminator_is_spectrally_normalised(network):
    _, discriminator = pair(network)
    for _ in range(300):
        discriminator(torch.zeros(1, 3, 32, 32))  # every pass is one power iteration
    for layer in discriminator.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            norm = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
            assert norm.item() == pytest.approx(1.0, abs=1e-2)


def test_a_new_sub_pixel_layer_doubles_without_a_checkerboard():
    layer = SubPixel(3, 2)
    nn.init.zeros_(layer.conv.bias)
    layer.start_even()
    doubled = layer(torch.randn(1, 3, 5, 5, generator=torch_generator(0, "x")))
    assert doubled.shape == (1, 2, 10, 10)
    torch.testing.assert_close(doubled[..., ::2, ::2], doubled[..., 1::2, 1::2])


def _up(x, conv):
    return conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


def _down(x, conv):
    return functional.avg_pool2d(conv(x), 2)


@pytest.mark.parametrize(
    ("ours", "plain"), [(doubled_then_convolved, _up), (convolved_then_halved, _down)]
)
@pytest.mark.parametrize("side", [2, 6])
def test_a_convolution_beside_a_change_of_size_is_one_with_it(ours, plain, side):
    with global_draws(0, "conv"):
        conv = nn.Conv2d(3, 5, 3, padding=1).double()
        x = torch.randn(2, 3, side, side, dtype=torch.float64, requires_grad=True)
    found = []
    for way in (ours, plain):
        answer = way(x, conv)
        sides = torch.autograd.grad((answer**2).sum(), [x, conv.weight, conv.bias])
        found.append([answer, *sides])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=1e-10)


def test_initialisation_comes_from_the_named_generator():
    first, again = (pair("small")[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("shape", [(30, 30, 1), (32, 28, 3), (7, 7, 1), (36, 36, 3)])
def test_sides_that_cannot_be_doubled_to_are_refused(shape):
    with pytest.raises(ConfigurationError, match=r"E052.*squares of 4 to 7 pixels.*Resize"):
        bottom_and_doublings(shape)
