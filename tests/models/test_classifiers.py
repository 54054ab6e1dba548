"""Parameter counts of methods section 14, shapes, seeded initialisation, and refusals that help."""

import pytest
import torch
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.models.resolve import MODELS, build


def size(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "classes", "parameters"),
    [
        ("mobilenet_v3_small", 100, 1_620_356),
        ("mobilenet_v3_small", 200, 1_722_856),
        ("resnet18", 100, 11_220_132),
        ("resnet18", 10, 11_173_962),
    ],
)
def test_parameter_counts(name, classes, parameters):
    assert size(build(name, classes=classes, shape=(32, 32, 3), seed=0)) == parameters


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


def test_an_own_model_by_path_or_a_clear_refusal():
    model = build("pryproof.models.small_cnn:SmallCnn", classes=3, shape=(28, 28, 1), seed=0)
    assert size(model) == size(build("small_cnn", classes=3, shape=(28, 28, 1), seed=0))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smal_cnn", "Did you mean small_cnn"),
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
    with pytest.raises(ConfigurationError, match="fails on a batch of 2 x 1 x 5 x 5"):
        build("models_for_tests:Fixed", classes=3, shape=(5, 5, 1), seed=0)
