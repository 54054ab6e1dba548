"""How far training is from what one core can multiply and add, and where the time goes.

Multiply-adds of the forward pass are counted by hooks on convolutions, linear layers and the two
products of attention; the backward pass has about twice as many, so a step has three times the
forward count. The peak is that of one large matrix product in the same precision on one thread.
All seconds are those this one thread computes, so that neighbours disturb them less.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from pryproof.models.hivit import Attention
from pryproof.models.mobilenet_v3 import SqueezeExcite
from pryproof.training.loop import scaled
from pryproof.training.recipe import optimizer_of
from training.ours import recipe
from training.plain import Work

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
DEPTHWISE = "depthwise convolution"
KINDS: dict[type[nn.Module], str] = {
    SqueezeExcite: "squeeze-and-excite",  # as a whole
    nn.BatchNorm2d: "batch norm",
    nn.Hardswish: "activation",
    nn.ReLU: "activation",
    nn.Linear: "linear",
}


def distance(work: Work, *, repeats: int = 3) -> dict[str, Any]:
    """Count a step's multiply-adds and say which share of the peak one thread reaches."""
    step, model, images = prepared(work)
    forward = multiply_adds(model, images) / len(images)
    seconds = timed(step, repeats)
    reached = 3 * forward * len(images) / seconds
    peak = matmul_peak(TYPES[work.precision])
    return {
        "forward_multiply_adds_per_image": round(forward),
        "images_per_second_one_thread": round(len(images) / seconds, 1),
        "giga_multiply_adds_per_second": round(reached / 1e9, 2),
        "peak_giga_multiply_adds_per_second": round(peak / 1e9, 1),
        "share_of_peak": round(reached / peak, 4),
    }


def prepared(work: Work) -> tuple[Callable[[], None], nn.Module, torch.Tensor]:
    """Return one step of our training on a fixed batch, its network and the batch."""
    torch.set_num_threads(1)
    pixels, labels = work.arrays()
    images = scaled(torch.from_numpy(pixels[: work.batch]))
    targets = torch.from_numpy(labels[: work.batch])
    model = work.network(0).train()
    optimizer = optimizer_of(model, recipe(work))
    halved = work.precision == "bfloat16"

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=halved):
            logits = model(images)
        optimizer.zero_grad()
        functional.cross_entropy(logits.float(), targets).backward()
        optimizer.step()

    return step, model, images


def timed(work: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of a piece of work, after one that warms up."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds[1:])


def multiply_adds(model: nn.Module, images: torch.Tensor) -> int:
    """Count the multiply-adds of one forward pass."""
    counts: list[int] = []

    def count(layer: nn.Module, given: tuple[torch.Tensor, ...], said: torch.Tensor) -> None:
        counts.append(layer_multiply_adds(layer, given[0], said))

    hooks = [layer.register_forward_hook(count) for layer in model.modules()]
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def layer_multiply_adds(layer: nn.Module, given: torch.Tensor, said: torch.Tensor) -> int:
    """Count one layer's own multiply-adds; an attention's linear layers count for themselves."""
    if isinstance(layer, nn.Conv2d):
        return said.numel() * layer.weight[0].numel()
    if isinstance(layer, nn.Linear):
        return said.numel() * layer.in_features
    if isinstance(layer, Attention):
        batch, tokens, width = given.shape
        return 2 * batch * tokens**2 * width  # queries by keys, weights by values
    return 0


def matmul_peak(dtype: torch.dtype, *, side: int = 2048) -> float:
    """Measure the multiply-adds a second of a square matrix product on one thread."""
    left, right = (torch.ones(side, side, dtype=dtype) for _ in range(2))
    return side**3 / min(timed(lambda: left @ right, 1) for _ in range(5))


def copy_speed(*, megabytes: int = 256) -> float:
    """Measure bytes read and written a second by copying memory that no cache holds."""
    source = torch.ones(megabytes * 2**18)
    target = torch.zeros_like(source)
    return 2 * 4 * source.numel() / timed(lambda: target.copy_(source), 5)


def breakdown(work: Work, *, repeats: int = 3) -> dict[str, Any]:
    """Say which kinds of layer a step's time goes to, and what faster depthwise ones would buy.

    Times are taken before and after every layer, forward and backward; the rest is the stem's
    backward pass, residuals, pooling, dropout, loss, optimizer and the watching itself. A good
    depthwise path is set at the time in which its maps pass once at copying speed (see
    ``depthwise_bytes``).
    """
    step, model, images = prepared(work)
    unwatched = timed(step, repeats)
    with clocked(model) as clock:
        step()
        clock.clear()
        started = time.process_time()
        for _ in range(repeats):
            step()
        whole = (time.process_time() - started) / repeats
    shares = {name: seconds / repeats / whole for name, seconds in clock.items()}
    shares["rest"] = 1 - sum(shares.values())
    depthwise = shares[DEPTHWISE]
    copied = depthwise_bytes(model, images) / copy_speed() / whole
    return {
        "seconds_a_step": round(unwatched, 4),
        "seconds_a_step_watched": round(whole, 4),
        "shares": {
            name: round(share, 4)
            for name, share in sorted(shares.items(), key=lambda item: -item[1])
        },
        "depthwise_share_at_copying_speed": round(copied, 4),
        "step_faster_if_depthwise_were": {
            "2 x as fast": round(1 / (1 - depthwise / 2), 3),
            "4 x as fast": round(1 / (1 - depthwise * 3 / 4), 3),
            "at copying speed": round(1 / (1 - depthwise + copied), 3),
            "free": round(1 / (1 - depthwise), 3),
        },
    }


@contextmanager
def clocked(model: nn.Module) -> Iterator[dict[str, float]]:
    """Add up the seconds in every kind of layer, forward and backward, while in the block.

    The first layer's input needs no gradient, so its backward pass has no end to be watched.
    """
    spent: dict[str, float] = defaultdict(float)
    since: dict[nn.Module, float] = {}

    def begin(layer: nn.Module, _: object) -> None:
        since[layer] = time.process_time()

    def end(layer: nn.Module, *_: object) -> None:
        spent[kind(layer)] += time.process_time() - since[layer]

    layers = outermost(model)
    hooks = []
    for layer in layers:
        hooks += [layer.register_forward_pre_hook(begin), layer.register_forward_hook(end)]
    for layer in layers[1:]:
        hooks.append(layer.register_full_backward_pre_hook(begin))
        hooks.append(layer.register_full_backward_hook(end))
    try:
        yield spent
    finally:
        for hook in hooks:
            hook.remove()


def outermost(model: nn.Module) -> list[nn.Module]:
    """Return the layers that have a kind and are in no other such layer."""
    found: list[nn.Module] = []
    for layer in model.children():
        found += [layer] if kind(layer) else outermost(layer)
    return found


def kind(layer: nn.Module) -> str:
    """Name the kind of a layer; empty for containers and what counts as rest."""
    if isinstance(layer, nn.Conv2d):
        if layer.groups > 1:
            return DEPTHWISE
        return "1x1 convolution" if layer.kernel_size == (1, 1) else "other convolution"
    return KINDS.get(type(layer), "")


def depthwise_bytes(model: nn.Module, images: torch.Tensor) -> int:
    """Count the bytes a step's depthwise convolutions must move if no cache keeps their maps.

    Forward they read the input and write the output, backward they read the output's gradient and
    the input and write the input's gradient: float32, once each.
    """
    counts: list[int] = []

    def count(layer: nn.Module, given: tuple[torch.Tensor, ...], said: torch.Tensor) -> None:
        counts.append(4 * (3 * given[0].numel() + 2 * said.numel()))

    layers = [layer for layer in outermost(model) if kind(layer) == DEPTHWISE]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()
    return sum(counts)
