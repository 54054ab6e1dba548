"""CycleGAN's networks: published sizes, sides that halve, answers that ignore the batch."""

import pytest
import torch
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.cycle_gan import cycle_generator, patch_discriminator
from pryproof.models.randomness import global_draws, torch_generator

RGB = (32, 32, 3)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch_generator(0, "noise")) * 2 - 1


@pytest.mark.parametrize(("blocks", "count"), [(6, 7_837_699), (9, 11_378_179)])
def test_the_published_generators(blocks, count):
    assert parameters(cycle_generator(RGB, width=64, blocks=blocks, downs=2)) == count


@pytest.mark.parametrize(("layers", "count"), [(1, 136_385), (2, 662_977), (3, 2_764_737)])
def test_the_published_discriminators(layers, count):
    assert parameters(patch_discriminator(RGB, width=64, layers=layers)) == count


@pytest.mark.parametrize(("layers", "side"), [(1, 14), (2, 6), (3, 2)])
def test_the_patches_of_32_pixels(layers, side):
    network = patch_discriminator(RGB, width=4, layers=layers)
    assert network(noise(2, 3, 32, 32)).shape == (2, 1, side, side)


@pytest.mark.parametrize("side", [20, 28, 32, 36, 64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("downs", [1, 2])
@pytest.mark.parametrize("skip", [False, True])
def test_a_generator_keeps_the_shape(side, channels, downs, skip):
    shape = (side, side, channels)
    network = cycle_generator(shape, width=4, blocks=1, downs=downs, stem=3, skip=skip)
    images = network(noise(2, channels, side, side))
    assert images.shape == (2, channels, side, side)
    assert images.abs().max() <= 1
    images.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_an_answer_depends_on_its_image_alone():
    with global_draws(0, "test"):
        network = cycle_generator(RGB, width=4, blocks=1, downs=1)
    images = noise(3, 3, 32, 32)
    torch.testing.assert_close(network(images)[:1], network(images[:1]))


def test_sides_that_do_not_halve_are_refused():
    with pytest.raises(ConfigurationError, match=r"E052.*multiples of 4.*Choose fewer halvings"):
        cycle_generator((30, 30, 1), width=4, blocks=1, downs=2)


def test_images_too_small_for_the_discriminator_are_refused():
    with pytest.raises(ConfigurationError, match=r"E052.*sides of 24 pixels.*fewer layers"):
        patch_discriminator((20, 20, 1), width=4, layers=3)


def test_the_label_reaches_every_image_by_itself():
    with global_draws(0, "test"):
        networks = (
            cycle_generator(RGB, width=4, blocks=1, downs=1, classes=3),
            patch_discriminator(RGB, width=4, layers=2, classes=3),
        )
    images, labels = noise(3, 3, 32, 32), torch.tensor([0, 1, 2])
    for network in networks:
        whole = network(images, labels)
        torch.testing.assert_close(whole[1:2], network(images[1:2], labels[1:2]))
        assert not torch.allclose(whole[1:2], network(images[1:2], labels[:1]), atol=1e-6)


def test_the_label_s_projection_has_the_size_of_the_answer_and_its_own_weights():
    network = patch_discriminator(RGB, width=4, layers=2, classes=3)
    plain = network(noise(2, 3, 32, 32))
    assert network(noise(2, 3, 32, 32), torch.tensor([0, 1])).shape == plain.shape
    assert parameters(network) == parameters(patch_discriminator(RGB, width=4, layers=2)) + 3 * 16
