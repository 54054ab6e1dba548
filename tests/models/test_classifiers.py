"""Parameter counts of methods section 14, shapes, seeded initialisation, and refusals that help."""

import sys
from functools import partial
from types import ModuleType

import pytest
import torch
from torch import nn

from models.shim import torchvision
from models_for_tests import Sided
from pryproof.checks import ConfigurationError
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.models.resolve import MODELS, build
from pryproof.models.small_cnn import SmallCnn

# every other model takes every size
REFUSED = {("hivit_tiny/patch8", 28): r"E052.*side divisible by 8.*got 28"}


def size(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "classes", "parameters"),
    [
        ("mobilenet_v3_small", 100, 1_620_356),
        ("mobilenet_v3_small", 200, 1_722_856),
        ("resnet18", 100, 11_220_132),
        ("resnet18", 10, 11_173_962),
        ("hivit_tiny", 100, 18_749_920),
        ("hivit_tiny/kernel3", 100, 18_752_224),
        ("small_cnn/width32", 10, 94_762),
    ],
)
def test_parameter_counts(name, classes, parameters):
    assert size(build(name, classes=classes, shape=(32, 32, 3), seed=0)) == parameters


def test_the_parameters_of_the_wide_resnet_by_hand():
    def group(inside, outside):
        """Count four blocks; the first has a 1x1 shortcut, and a norm has gain and bias."""
        first = 2 * inside + 9 * inside * outside + 2 * outside + 9 * outside**2 + inside * outside
        return first + 3 * 2 * (2 * outside + 9 * outside**2)

    stem, norm, head = 9 * 3 * 16, 2 * 128, 128 * 10 + 10
    groups = group(16, 32) + group(32, 64) + group(64, 128)
    assert stem + groups + norm + head == 1_467_610
    assert size(build("wrn_28_2", classes=10, shape=(32, 32, 3), seed=0)) == 1_467_610


def test_the_wide_resnet_halves_twice_and_starts_as_he_proposed():
    model = build("wrn_28_2", classes=10, shape=(32, 32, 3), seed=0)
    assert model.features(torch.zeros(1, 3, 32, 32)).shape == (1, 128, 8, 8)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 28  # a stem, two in each of twelve blocks, three shortcuts
    last = convolutions[-1].weight
    assert last.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)


def test_strides_of_mobilenet_change_places_not_weights():
    sides = {}
    for name in ("crl", "torchvision", "bsconv"):
        suffix = "" if name == "crl" else f"/{name}"
        model = build(f"mobilenet_v3_small{suffix}", classes=10, shape=(32, 32, 3), seed=0)
        sides[name] = model.features(torch.zeros(1, 3, 32, 32)).shape[-1]
        assert size(model) == size(
            build("mobilenet_v3_small", classes=10, shape=(32, 32, 3), seed=0)
        )
    assert sides == {"crl": 2, "torchvision": 1, "bsconv": 4}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3)])
def test_every_model_answers_logits_without_operations_in_place(name, shape):
    if (name, shape[0]) in REFUSED:
        with pytest.raises(ConfigurationError, match=REFUSED[name, shape[0]]):
            build(name, classes=7, shape=shape, seed=0)
        return
    model = build(name, classes=7, shape=shape, seed=0)
    assert not any(getattr(module, "inplace", False) for module in model.modules())
    images = torch.zeros(2, shape[2], *shape[:2], requires_grad=True)
    model(images).sum().backward()
    assert images.grad is not None


def test_the_seed_decides_the_weights_and_nothing_else_does():
    def first(seed: int) -> torch.Tensor:
        return next(build("small_cnn", classes=3, shape=(28, 28, 1), seed=seed).parameters())

    once = first(1)
    torch.rand(3)
    assert torch.equal(once, first(1))
    assert not torch.equal(once, first(2))


def test_global_draws_restore_what_was_there():
    before = torch.get_rng_state()
    with global_draws(0, "anything"):
        inside = torch.rand(4)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(inside, torch.rand(4, generator=torch_generator(0, "anything")))


@pytest.mark.parametrize(
    "model", ["pryproof.models.small_cnn:SmallCnn", SmallCnn, partial(SmallCnn, width=16)]
)
def test_an_own_model_by_path_or_as_a_callable(model):
    own = build(model, classes=3, shape=(28, 28, 1), seed=0).state_dict()
    builtin = build("small_cnn", classes=3, shape=(28, 28, 1), seed=0).state_dict()
    assert all(torch.equal(own[name], builtin[name]) for name in builtin)


def test_a_maker_that_asks_for_the_side_is_told_it():
    assert build(Sided, classes=3, shape=(6, 6, 1), seed=0).weight.shape == (36, 3)
    with pytest.raises(ConfigurationError, match=r"Sided takes square images only, got 6 x 8"):
        build(Sided, classes=3, shape=(6, 8, 1), seed=0)


def test_a_network_instead_of_its_maker_is_refused():
    network = SmallCnn(classes=3, channels=1)
    with pytest.raises(ConfigurationError, match=r"E050.*SmallCnn is a network already.*its class"):
        build(network, classes=3, shape=(28, 28, 1), seed=0)


def test_networks_of_torchvision_by_name():
    torchvision()
    shape = (32, 32, 3)
    model = build("torchvision:mobilenet_v3_small", classes=100, shape=shape, seed=0)
    assert size(model) == size(build("mobilenet_v3_small", classes=100, shape=shape, seed=0))
    again = build("torchvision:mobilenet_v3_small", classes=100, shape=shape, seed=0)
    assert torch.equal(next(model.parameters()), next(again.parameters()))


@pytest.mark.parametrize(
    ("name", "channels", "words"),
    [
        ("mobilnet_v3_small", 3, r"E049.*Did you mean torchvision:mobilenet_v3_small"),
        ("mobilenet_v3_small", 1, r"E052.*images of 3 channels, got 1.*Choose a built-in"),
        ("xyzzy", 3, r"E049.*See torchvision.models.list_models"),
    ],
)
def test_what_torchvision_does_not_have_is_refused(name, channels, words):
    torchvision()
    with pytest.raises(ConfigurationError, match=words):
        build(f"torchvision:{name}", classes=3, shape=(32, 32, channels), seed=0)


def fake_timm(name: str, *, pretrained: bool, num_classes: int, in_chans: int) -> nn.Module:
    assert (name, pretrained) == ("little", False)
    return SmallCnn(classes=num_classes, channels=in_chans)


def test_networks_of_timm_by_name(monkeypatch):
    names = ["little", "lithe"]
    package = ModuleType("timm")
    package.list_models, package.is_model = lambda: names, names.__contains__
    package.create_model = fake_timm
    monkeypatch.setitem(sys.modules, "timm", package)
    assert size(build("timm:little", classes=10, shape=(28, 28, 1), seed=0)) == 24_058
    with pytest.raises(ConfigurationError, match=r"E049.*Did you mean timm:little"):
        build("timm:litle", classes=3, shape=(28, 28, 1), seed=0)


@pytest.mark.parametrize("package", ["timm", "torchvision"])
def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)  # its import fails, installed or not
    with pytest.raises(
        ConfigurationError, match=rf"E050.*{package}.*pip install 'pryproof\[models"
    ):
        build(f"{package}:resnet18", classes=3, shape=(32, 32, 3), seed=0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smal_cnn", "Did you mean small_cnn"),
        ("hivit_tiny/patch", "Did you mean hivit_tiny/patch8 or "),
        ("xyzzy", "Known: hivit_tiny, .* vit_mini, .* package.module:function"),
        ("nowhere.at_all:make", "PYTHONPATH"),
        ("pryproof.models.small_cnn:Missing", "cannot be imported"),
        ("builtins:dict", "must return a torch.nn.Module"),
        ("torch.nn:Linear", "called as make"),
        ("models_for_tests:Wide", "one logit a class"),
    ],
)
def test_refusals_name_the_way_out(name, words):
    with pytest.raises(ConfigurationError, match=words):
        build(name, classes=3, shape=(8, 8, 1), seed=0)


def test_a_network_for_another_image_size_is_named():
    with pytest.raises(ConfigurationError, match="fails on a batch of 3 x 1 x 5 x 5"):
        build("models_for_tests:Fixed", classes=3, shape=(5, 5, 1), seed=0)
