"""From a name to a classifier: built-in names, ``package.module:function``, or a callable."""

import importlib
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from pryproof.checks import ConfigurationError, nearest
from pryproof.models.layout import channels_last
from pryproof.models.mobilenet_v3 import MobileNetV3Small
from pryproof.models.randomness import global_draws
from pryproof.models.resnet import resnet18, small_resnet
from pryproof.models.small_cnn import SmallCnn

Make = Callable[..., nn.Module]

MODELS: dict[str, Make] = {
    "small_cnn": SmallCnn,
    "small_resnet": small_resnet,
    "resnet18": resnet18,
    "mobilenet_v3_small": MobileNetV3Small,
    "mobilenet_v3_small/torchvision": partial(MobileNetV3Small, strides="torchvision"),
    "mobilenet_v3_small/bsconv": partial(MobileNetV3Small, strides="bsconv"),
}


def build(name: str, *, classes: int, shape: tuple[int, int, int], seed: int) -> nn.Module:
    """Build a freshly initialised classifier for images of ``shape`` (height, width, channels).

    A function of the user's is called as ``make(classes=..., channels=...)``. The initial weights
    depend on ``seed`` alone. One blank batch is passed through before anything is trained.

    >>> net = build("small_cnn", classes=10, shape=(28, 28, 1), seed=0)
    >>> sum(p.numel() for p in net.parameters())
    24058
    """
    make = MODELS.get(name) or _imported(name)
    with global_draws(seed, "initialisation"):
        try:
            model = make(classes=classes, channels=shape[2])
        except (TypeError, ValueError, ImportError) as error:
            raise ConfigurationError(
                "E050",
                f"{name} cannot be built: {error}",
                where="train.model",
                fix="It is called as make(classes=..., channels=...) and returns a Module.",
            ) from error
        if not isinstance(model, nn.Module):
            raise ConfigurationError(
                "E050",
                f"{name} must return a torch.nn.Module, got {type(model).__name__}",
                where="train.model",
                fix="Return the network itself.",
            )
        _probe(model, name, classes=classes, shape=shape)
    return channels_last(model)


def _imported(name: str) -> Make:
    module, colon, function = name.partition(":")
    if not colon:
        raise ConfigurationError(
            "E049",
            f"no model is called {name!r}",
            where="train.model",
            fix=f"{nearest(name, MODELS)} An own one is written package.module:function.",
        )
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            "E050",
            f"{name} cannot be imported: {error}",
            where="train.model",
            fix="Put its folder on PYTHONPATH, or install its package.",
        ) from error


def _probe(model: nn.Module, name: str, *, classes: int, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    model.eval()
    try:
        with torch.no_grad():
            answer = model(torch.zeros(2, channels, height, width))
    except (RuntimeError, ValueError, TypeError) as error:
        raise ConfigurationError(
            "E052",
            f"{name} fails on a batch of 2 x {channels} x {height} x {width}: {error}",
            where="train.model",
            fix="Choose a network for this image size, or resize the images.",
        ) from error
    if not isinstance(answer, torch.Tensor) or answer.shape != (2, classes):
        came = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise ConfigurationError(
            "E051",
            f"{name} must answer logits of shape (2, {classes}), got {came}",
            where="train.model",
            fix="Return one logit a class, and nothing else.",
        )
