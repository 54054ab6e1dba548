"""The features of the Fréchet inception distance, from a file of weights that the user names.

The network is Inception v3 as TensorFlow's FID weights want it: 1,008 classes, pooling that leaves
the padding out of its means, and a maximum in place of the last of them. Input: 299 x 299 pixels,
bilinear, in [-1, 1]. Output: the 2,048 means before the last layer.

"FID" is the name of what one file of weights gives. Any other file gives another distance.
"""

import hashlib
import importlib
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from pryproof.checks import ConfigurationError, DataError
from pryproof.models.randomness import global_draws
from pryproof.quality.extractors import Extractor, Features, Images

PUBLISHED = "6726825d"  # the beginning of the SHA-256 of the weights that FID is defined by
CLASSES, WIDTH, SIDE = 1008, 2048, 299
CHUNK = 50  # images a forward pass
MOST_BYTES = 2**29  # the published file has 96 MB
COUNTED = "num_batches_tracked"  # of no use here, and not in every file
MEANS = ("5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b")  # blocks that pool by means
LAST = "Mixed_7c"

Pool = Callable[[torch.Tensor], torch.Tensor]


def inception_extractor(path: Path) -> Extractor:
    """Read Inception's weights from a file of ``torch.save``; nothing in it is executed.

    Errors: E001 no such file, E040 too large, E009 damaged, E030 other than tensors, E027 other
    names or shapes, E026 numbers that are not finite, E050 torchvision is missing.
    """
    state, digest = _read(path)
    network = _network()
    _refuse_other(state, network.state_dict(), path.name)
    network.load_state_dict({**network.state_dict(), **state})
    network.fc = nn.Identity()
    network.eval()
    name = "inception" if digest.startswith(PUBLISHED) else f"inception-{digest[:8]}"
    frechet = "FID" if digest.startswith(PUBLISHED) else f"FD[{name}]"

    def extract(images: Images) -> Features:
        with torch.inference_mode():
            parts = [
                network(prepared(images[start : start + CHUNK])).numpy()
                for start in range(0, len(images), CHUNK)
            ]
        return np.concatenate(parts)

    return Extractor(name=name, extract=extract, frechet=frechet)


def prepared(images: Images) -> Float[torch.Tensor, "images 3 299 299"]:
    """Return images as the network takes them; gray ones get three equal channels.

    >>> tuple(prepared(np.zeros((2, 8, 8, 1), np.uint8)).shape)
    (2, 3, 299, 299)
    """
    if images.shape[3] not in (1, 3):
        raise DataError(
            "E052",
            f"Inception takes images of 1 or 3 channels, got {images.shape[3]}",
            fix="Use another extractor.",
        )
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    pixels = pixels.expand(-1, 3, -1, -1)
    resized = functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", align_corners=False)
    return resized.div(127.5).sub(1.0)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    where = path.name
    if not path.is_file():
        fix = "Name the file pt_inception-2015-12-05-6726825d.pth."
        raise DataError("E001", "there is no such file", where=where, fix=fix)
    if path.stat().st_size > MOST_BYTES:
        raise DataError(
            "E040",
            f"Inception's weights take less than {MOST_BYTES >> 20} MB, the file has "
            f"{path.stat().st_size >> 20} MB",
            where=where,
            fix="Name a file that holds its weights alone.",
        )
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            "E030",
            "the file holds other things than plain tensors, or is no file of weights",
            where=where,
            fix="Save the network's state_dict() with torch.save.",
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise DataError(
            "E009", "the file is cut off or damaged", where=where, fix="Fetch it again."
        ) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(value, torch.Tensor) for value in state.values()
    ):
        raise DataError(
            "E030",
            "the file holds no dictionary of tensors",
            where=where,
            fix="Save the network's state_dict() with torch.save.",
        )
    return {key: value for key, value in state.items() if not key.endswith(COUNTED)}, digest


def _refuse_other(
    state: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor], where: str
) -> None:
    wanted = {key: value.shape for key, value in own.items() if not key.endswith(COUNTED)}
    odd = sorted(set(state) ^ set(wanted)) or [
        key for key, shape in wanted.items() if state[key].shape != shape
    ]
    if odd:
        raise DataError(
            "E027",
            f"{len(odd)} weights have another name or shape than Inception's, such as {odd[0]}",
            where=where,
            fix="Name a file in the form of pt_inception-2015-12-05-6726825d.pth.",
        )
    for key, value in state.items():
        if not value.isfinite().all():
            raise DataError(
                "E026",
                f"weights must be finite, those of {key} are not",
                where=where,
                fix="Fetch the file again.",
            )


def _network() -> nn.Module:
    """Build Inception v3 of torchvision, pooling as the published weights want it."""
    try:
        models = importlib.import_module("torchvision").models
    except (ImportError, RuntimeError) as error:
        raise ConfigurationError(
            "E050",
            f"Inception needs the package torchvision, which cannot be imported: {error}",
            fix="Run: pip install 'pryproof[models]', torch and torchvision from one index.",
        ) from error
    with global_draws(0, "inception", "unused"):
        network: nn.Module = models.inception_v3(
            weights=None, num_classes=CLASSES, aux_logits=False, init_weights=False
        )
    for name in MEANS:
        _repool(network.get_submodule(f"Mixed_{name}"), _mean_without_padding)
    _repool(network.get_submodule(LAST), _maximum)
    return network


def _repool(block: nn.Module, pool: Pool) -> None:
    """Let a block's pooling branch go on from another pooling of the block's input."""
    inputs: list[torch.Tensor] = []

    def keep(_: nn.Module, given: tuple[torch.Tensor]) -> None:
        inputs[:] = given

    def change(_: nn.Module, __: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (pool(inputs.pop()),)

    block.register_forward_pre_hook(keep)
    block.get_submodule("branch_pool").register_forward_pre_hook(change)


def _mean_without_padding(x: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: torch.Tensor) -> torch.Tensor:
    return functional.max_pool2d(x, 3, stride=1, padding=1)
