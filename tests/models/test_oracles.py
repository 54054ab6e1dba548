"""Torchvision's networks, given our weights, answer what ours answer and learn what ours learn."""

import pytest
import torch
from torch import nn

from models.shim import torchvision
from pryproof.models.mobilenet_v3 import MobileNetV3Small
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.models.resnet import resnet18

CLASSES = 11
KINDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def mobilenets() -> tuple[nn.Module, nn.Module]:
    theirs = torchvision().models.mobilenet_v3_small(weights=None, num_classes=CLASSES)
    return MobileNetV3Small(classes=CLASSES, channels=3, strides="torchvision"), theirs


def resnets() -> tuple[nn.Module, nn.Module]:
    """Give theirs the stem of small images: 3x3, stride 1, no pooling."""
    theirs = torchvision().models.resnet18(weights=None, num_classes=CLASSES)
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.maxpool = nn.Identity()
    return resnet18(classes=CLASSES, channels=3), theirs


PAIRS = {
    "mobilenet_v3_small": (mobilenets, "features.0.weight", "features.0.0.weight"),
    "resnet18": (resnets, "stem.0.weight", "conv1.weight"),
}


def paired(ours: nn.Module, theirs: nn.Module) -> list[tuple[str, str]]:
    """Pair the names: both define their layers in the order of the forward pass.

    A resnet's block is (conv, norm, conv, norm, shortcut) and a mobilenet's (expand, filter,
    squeeze, project) in both; so the order maps, and what is paired must agree in kind and shape.
    """
    names = list(zip(ours.state_dict(), theirs.state_dict(), strict=True))
    for mine, other in names:
        kind = mine.rpartition(".")[2]
        assert kind in KINDS
        assert kind == other.rpartition(".")[2]
        assert ours.state_dict()[mine].shape == theirs.state_dict()[other].shape
    return names


def shaken(network: nn.Module) -> nn.Module:
    """Move norms off their start, where a gain or a running mean could be ignored unseen."""
    generator = torch_generator(0, "norms")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
            for tensor in (module.bias, module.running_mean):
                tensor.data = torch.randn(tensor.shape, generator=generator) * 0.1
    return network


@pytest.fixture(params=PAIRS)
def pair(request) -> tuple[nn.Module, nn.Module, str, str]:
    make, mine, other = PAIRS[request.param]
    with global_draws(0, "test"):
        ours, theirs = make()
    shaken(ours)
    state = ours.state_dict()
    theirs.load_state_dict({there: state[here] for here, there in paired(ours, theirs)})
    return ours.double(), theirs.double(), mine, other


def images(side: int) -> torch.Tensor:
    return torch.randn(4, 3, side, side, generator=torch_generator(0, "images")).double()


@pytest.mark.parametrize("side", [32, 64])
def test_the_same_weights_give_the_same_logits(pair, side):
    ours, theirs, _, _ = pair
    with torch.no_grad():
        mine, other = (network.eval()(images(side)) for network in (ours, theirs))
    assert mine.std() > 1e-3
    torch.testing.assert_close(mine, other)


def test_a_training_step_has_the_same_gradients_and_statistics(pair):
    ours, theirs, first_of_ours, first_of_theirs = pair
    labels = torch.arange(4)
    for network in (ours, theirs):
        with global_draws(0, "dropout"):
            nn.functional.cross_entropy(network.train()(images(32)), labels).backward()
    mine = ours.get_parameter(first_of_ours).grad
    assert mine.abs().max() > 0
    torch.testing.assert_close(mine, theirs.get_parameter(first_of_theirs).grad)
    states = ours.state_dict(), theirs.state_dict()
    for here, there in paired(ours, theirs):
        torch.testing.assert_close(states[0][here], states[1][there])
