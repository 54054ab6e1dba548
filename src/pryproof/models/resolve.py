"""From a name to a classifier: built-in, of timm or torchvision, one's own by path or callable."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType

from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.hivit import hivit_tiny
from pryproof.models.layout import channels_last
from pryproof.models.mobilenet_v3 import MobileNetV3Small
from pryproof.models.probe import probe
from pryproof.models.randomness import global_draws
from pryproof.models.resnet import resnet18, small_resnet
from pryproof.models.small_cnn import SmallCnn
from pryproof.models.vit import vit_mini
from pryproof.models.wide_resnet import wrn_28_2

Make = Callable[..., nn.Module]

MODELS: dict[str, Make] = {
    "small_cnn": SmallCnn,
    "small_cnn/width32": partial(SmallCnn, width=32),
    "small_resnet": small_resnet,
    "resnet18": resnet18,
    "wrn_28_2": wrn_28_2,
    "mobilenet_v3_small": MobileNetV3Small,
    "mobilenet_v3_small/torchvision": partial(MobileNetV3Small, strides="torchvision"),
    "mobilenet_v3_small/bsconv": partial(MobileNetV3Small, strides="bsconv"),
    "hivit_tiny": hivit_tiny,
    "hivit_tiny/patch8": partial(hivit_tiny, patch=8),
    "hivit_tiny/kernel3": partial(hivit_tiny, kernel=3),
    "vit_mini": vit_mini,
}


def build(name: str | Make, *, classes: int, shape: tuple[int, int, int], seed: int) -> nn.Module:
    """Build a freshly initialised classifier for images of ``shape`` (height, width, channels).

    ``name`` is one of ``MODELS``, ``timm:NAME``, ``torchvision:NAME``, a function of the user's
    as ``package.module:function``, or a callable. It is called as ``make(classes=...,
    channels=...)``, and with ``side=...`` (pixels, square images only) where it has such an
    argument. The initial weights depend on ``seed`` alone. One batch is passed through
    (``probe``) before anything is trained.

    >>> net = build("small_cnn", classes=10, shape=(28, 28, 1), seed=0)
    >>> sum(p.numel() for p in net.parameters())
    24058
    """
    make = _found(name) if isinstance(name, str) else name
    label = name if isinstance(name, str) else _label(name)
    sizes = {"classes": classes, "channels": shape[2], **_side(make, label, shape)}
    with global_draws(seed, "initialisation"):
        network = channels_last(_made(make, label, sizes))
        probe(network, label, classes=classes, shape=shape)
    return network


def _label(make: Make) -> str:
    inner = make.func if isinstance(make, partial) else make
    return getattr(inner, "__qualname__", type(inner).__name__)


def _made(make: Make, name: str, sizes: dict[str, int]) -> nn.Module:
    called = ", ".join(f"{key}=..." for key in sizes)
    if isinstance(make, nn.Module):
        raise _refused(
            "E050",
            f"{name} is a network already, and every run needs one with fresh weights",
            fix=f"Give its class, or a function called as make({called}).",
        )
    try:
        network = make(**sizes)
    except ConfigurationError:
        raise  # it names its own way out
    except (TypeError, ValueError, ImportError) as error:
        raise _refused(
            "E050",
            f"{name} cannot be built: {error}",
            fix=f"It is called as make({called}) and returns a Module.",
        ) from error
    if not isinstance(network, nn.Module):
        raise _refused(
            "E050",
            f"{name} must return a torch.nn.Module, got {type(network).__name__}",
            fix="Return the network itself.",
        )
    return network


def _side(make: Make, name: str, shape: tuple[int, int, int]) -> dict[str, int]:
    """Return the side for a maker that asks for it, nothing for one that fits every size."""
    try:
        asks = "side" in inspect.signature(make).parameters
    except (TypeError, ValueError):  # a builtin without a signature, or no function at all
        asks = False
    if asks and shape[0] != shape[1]:
        raise _refused(
            "E052",
            f"{name} takes square images only, got {shape[0]} x {shape[1]}",
            fix="Resize the images to a square, or choose another network.",
        )
    return {"side": shape[0]} if asks else {}


def _found(name: str) -> Make:
    if name in MODELS:
        return MODELS[name]
    place, colon, inner = name.partition(":")
    if not colon:
        raise _unknown(name, MODELS, otherwise=f"Known: {', '.join(sorted(MODELS))}.")
    if place == "timm":
        return _of_timm(inner)
    if place == "torchvision":
        return _of_torchvision(inner)
    try:
        return getattr(importlib.import_module(place), inner)
    except (ImportError, AttributeError) as error:
        raise _refused(
            "E050",
            f"{name} cannot be imported: {error}",
            fix="Put its folder on PYTHONPATH, or install its package.",
        ) from error


def _of_timm(name: str) -> Make:
    timm = _package("timm")
    known = timm.list_models()
    if not timm.is_model(name):
        raise _unknown(name, known, prefix="timm:", otherwise="See timm.list_models().")

    def make(*, classes: int, channels: int) -> nn.Module:
        return timm.create_model(name, pretrained=False, num_classes=classes, in_chans=channels)

    return make


def _of_torchvision(name: str) -> Make:
    models = _package("torchvision").models
    known = models.list_models(module=models)  # the classifiers alone
    if name not in known:
        listed = "See torchvision.models.list_models()."
        raise _unknown(name, known, prefix="torchvision:", otherwise=listed)

    def make(*, classes: int, channels: int) -> nn.Module:
        if channels != 3:
            raise _refused(
                "E052",
                f"torchvision:{name} takes images of 3 channels, got {channels}",
                fix="Choose a built-in network or one of timm, or write package.module:function.",
            )
        return models.get_model(name, weights=None, num_classes=classes)

    return make


def _package(name: str) -> ModuleType:
    """Import a package that only its own names need."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise _refused(
            "E050",
            f"{name}:... needs the package {name}, which cannot be imported: {error}",
            fix="Run: pip install 'pryproof[models]'",
        ) from error
    except RuntimeError as error:
        raise _refused(
            "E050",
            f"{name} does not load beside this torch: {error}",
            fix="Install torch and torchvision anew, both from one index.",
        ) from error


def _unknown(
    name: str, known: Iterable[str], *, otherwise: str, prefix: str = ""
) -> ConfigurationError:
    close = [prefix + one for one in difflib.get_close_matches(name, list(known), n=3)]
    fix = f"Did you mean {' or '.join(close)}?" if close else otherwise
    own = "An own one is written package.module:function."
    return _refused("E049", f"no model is called {prefix + name!r}", fix=f"{fix} {own}")


def _refused(code: str, what: str, *, fix: str) -> ConfigurationError:
    return ConfigurationError(code, what, where="train.model", fix=fix)
