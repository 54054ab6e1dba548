"""Every sample's own gradient: in any network and layout, or a refusal that names the module."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from defenses.stepping import network, norm, step
from defenses.test_augmentation import toys
from pryproof.checks import ConfigurationError
from pryproof.defenses.dp_sgd import dp_sgd
from pryproof.defenses.per_sample import Clipped
from pryproof.models.randomness import global_draws, torch_generator


class _Loose(nn.Module):
    """Bare weights beside a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.full((1, 8, 8), 0.5))
        self.head = nn.Linear(64, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head((images + self.shift).square().flatten(1))


NETWORKS = ("small_cnn", "small_resnet", "wrn_28_2", "mobilenet_v3_small")


def _clipped_by_hand(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, clip: float
) -> list[torch.Tensor]:
    total = [torch.zeros_like(weights) for weights in model.parameters()]
    model.train()
    for image, label in zip(images, labels, strict=True):
        loss = functional.cross_entropy(model(image[None]), label[None])
        own = torch.autograd.grad(loss, list(model.parameters()))
        share = min(1.0, clip / norm(list(own)))
        total = [sum_ + share * part for sum_, part in zip(total, own, strict=True)]
    return total


def _same_step(make) -> None:
    """Clip so low that every sample's direction counts, and do it sample by sample by hand."""
    models = make().double(), make().double()  # rounding must not decide
    for each in models:
        for part in each.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
    channels = 1 if isinstance(models[0], _Loose) else 3
    side = 8 if channels == 1 else 32
    images = torch.randn(3, channels, side, side, generator=torch_generator(0, "pixels"))
    images, labels = (
        images.double().contiguous(memory_format=torch.channels_last),
        torch.tensor([0, 1, 0]),
    )
    wanted = _clipped_by_hand(models[1], images, labels, clip=0.1)
    fell = step(models[0], images, labels, Clipped(noise=0.0, clip=0.1, expected=1.0))
    for one, other in zip(fell, wanted, strict=True):
        # Opacus adds 1e-6 to a norm before it divides by it
        assert norm([one - other]) <= 1e-4 * norm([other]) + 1e-9


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_by_sample_are_each_samples_own(name):
    """Among them networks laid out channels last, which Opacus alone gets wrong."""
    _same_step(lambda: network(name=name, shape=(32, 32, 3)))


def test_bare_weights_get_gradients_by_sample_too():
    def make() -> nn.Module:
        with global_draws(0, "loose"):
            return _Loose()

    _same_step(make)


@pytest.mark.parametrize("padding", [0, 1])
def test_any_layout_of_what_enters_a_convolution_is_read_right(padding):
    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 3, 3, padding=padding)
            self.head = nn.Linear(3, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.head(self.conv(images.transpose(2, 3)).square().mean(dim=(2, 3)))

    with global_draws(0, "turned"):
        model = Turned()
    images = torch.randn(3, 4, 5, 6, generator=torch_generator(0, "pixels"))
    labels = torch.tensor([0, 1, 0])
    wanted = _clipped_by_hand(model, images, labels, clip=0.1)
    fell = step(model, images, labels, Clipped(noise=0.0, clip=0.1, expected=1.0))
    assert norm([one - other for one, other in zip(fell, wanted, strict=True)]) < 1e-6


class _Adds(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        y += x
        return y


def _toys_with(*layers: nn.Module):
    def make(seed):
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 2))

    return toys(make=make)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((nn.Linear(64, 64), nn.ReLU(inplace=True)), "in place, found in 2 "),
        ((nn.Linear(64, 64), _Adds()), "in place, found in 2 "),
        (
            (nn.InstanceNorm1d(64, affine=True, track_running_stats=True),),
            "buffers beside weights, found in 1 ",
        ),
    ],
)
def test_networks_that_do_not_allow_it_are_refused(layers, words):
    with pytest.raises(ConfigurationError, match=words):
        dp_sgd(padding=0)(_toys_with(*layers))


class _Idle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.spare, self.head = nn.Linear(3, 3), nn.Linear(64, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(images.flatten(1))


def test_weights_that_take_no_part_are_refused():
    def make(seed):
        return _Idle()

    with pytest.raises(ConfigurationError, match=r"\(3, 3\) take no part"):
        dp_sgd(padding=0)(toys(make=make))
