"""Clipped per-sample gradients and noise, by Opacus: the update seam of DP-SGD.

Opacus is imported only when it is used. It hangs hooks on the network while it trains; what is
released afterwards is the plain network.
"""

import importlib
import logging
import math
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast, final

import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.training.defense import Batch, Loss, Seen, Update

MOST_GROUPS = 32  # of a group normalisation (Wu & He 2018)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


@contextmanager
def unwarned() -> Iterator[None]:
    """Silence what Opacus says about itself; what matters of it stands in the facts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def of_opacus(module: str) -> Any:  # noqa: ANN401 - a module
    """Import a module of Opacus. Raises ConfigurationError where the package is missing."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    try:
        with unwarned():
            return importlib.import_module(f"opacus.{module}")
    except ImportError as error:
        raise ConfigurationError(
            "E060",
            f"DP-SGD needs the package opacus, which cannot be imported: {error}",
            fix="Run: pip install 'pryproof[dp]'",
        ) from error
    finally:
        root.handlers[:] = handlers  # it configures logging for the whole process


def private_network(model: nn.Module) -> nn.Module:
    """Make a built network fit for per-sample gradients, in place, and return it.

    Batch normalisation becomes group normalisation with gcd(32, channels) groups: it would make
    every sample's gradient depend on the whole batch. Raises ConfigurationError for modules that
    change their input in place, naming them.
    """
    changing = [name for name, part in model.named_modules() if getattr(part, "inplace", False)]
    if changing:
        raise _refused_in_place(", ".join(changing))
    for parent in list(model.modules()):
        for name, part in list(parent.named_children()):
            if type(part) in BATCH_NORMS:
                setattr(parent, name, _group_norm(part))
    return cast(nn.Module, cast(Any, model).to(memory_format=torch.contiguous_format))


def _contiguous(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(each.contiguous() for each in inputs)


def _group_norm(norm: Any) -> nn.GroupNorm:  # noqa: ANN401 - one of BATCH_NORMS
    channels = norm.num_features
    place = norm.weight.device if norm.affine else None
    groups = math.gcd(MOST_GROUPS, channels)
    return nn.GroupNorm(groups, channels, affine=norm.affine, device=place)


def in_views(batch: Batch, views: int) -> Batch:
    """Return the batch seam that augments every image ``views`` times, side by side as channels."""

    def side_by_side(
        images: torch.Tensor, rows: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        return torch.cat([batch(images, rows, generator) for _ in range(views)], dim=1)

    return side_by_side if views > 1 else batch


def mean_over_views() -> Loss:
    """Return the loss seam: the cross entropy (nats), mean over samples and their views.

    It reads what ``Clipped``'s network says in training: the mean log-probability over the views.
    An empty batch has loss 0.
    """

    def loss(log_p: torch.Tensor, seen: Seen) -> torch.Tensor:
        total = functional.nll_loss(log_p, seen.labels, reduction="sum")
        return total / max(1, len(seen.labels))

    return loss


@final
class _Viewed(nn.Module):
    """Answer the mean log-probabilities over every sample's views, keeping gradients by view."""

    def __init__(self, by_sample: Any, views: int) -> None:  # noqa: ANN401 - Opacus' wrapper
        super().__init__()
        self.by_sample, self.views = by_sample, views
        self.samples = 0  # of the last batch

    def forward(
        self, images: Float[torch.Tensor, "batch _ height width"]
    ) -> Float[torch.Tensor, "batch classes"]:
        self.samples = len(images)
        _forget(self.by_sample)  # a step that diverged has had no backward pass
        if self.samples:
            self.by_sample.enable_hooks()
        else:
            self.by_sample.disable_hooks()  # not every layer's rule knows empty batches
        channels = images.shape[1] // self.views
        apart = images.contiguous().unflatten(1, (self.views, channels)).flatten(0, 1)
        # torch warns of backward hooks on a module none of whose inputs has a gradient
        apart = apart.detach().requires_grad_()
        try:
            logits = self.by_sample(apart)
        except RuntimeError as error:
            _name_in_place(error, self.by_sample)
            raise
        by_view = logits.unflatten(0, (self.samples, self.views))
        return functional.log_softmax(by_view, dim=2).mean(dim=1)


@final
class Clipped(Update):
    """Clip every sample's gradient to norm ``clip``, sum, add noise, divide by ``expected``.

    The noise is Gaussian with standard deviation ``noise`` * ``clip`` on the sum. ``expected`` is
    the mean size of a Poisson batch: dividing by the actual size would tell of it. The gradients
    of a sample's ``views`` are averaged before they are clipped, so a sample's part in the sum is
    at most ``clip`` however many views it has. The noise of a step is named by the run's seed and
    the step, so nothing has to be kept for a resume. Sources: Abadi et al. 2016; for the views De
    et al. 2022.
    """

    def __init__(self, *, noise: float, clip: float, expected: float, views: int = 1) -> None:
        self.noise, self.clip, self.expected, self.views = noise, clip, expected, views
        self.network: _Viewed | None = None
        self.handles: list[RemovableHandle] = []

    def attach(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Wrap both. Raises ConfigurationError for a layer that keeps buffers."""
        _refuse_buffers(model)
        wrapper = of_opacus("grad_sample").GradSampleModule
        # Opacus reads what enters a convolution by strides it takes for contiguous ones: any other
        # layout, such as channels last, would give wrong gradients without a word
        self.handles = [
            part.register_forward_pre_hook(_contiguous)
            for part in model.modules()
            if isinstance(part, CONVOLUTIONS)
        ]
        with unwarned():
            by_sample = wrapper(model, batch_first=True, loss_reduction="mean", strict=True)
        by_sample.forbid_grad_accumulation()
        self.network = _Viewed(by_sample, self.views)
        private = of_opacus("optimizers").DPOptimizer(
            optimizer,
            noise_multiplier=self.noise,
            max_grad_norm=self.clip,
            expected_batch_size=self.expected,
            loss_reduction="mean",
        )
        return self.network, private

    def change(self, optimizer: Any, *, seed: int, step: int) -> None:  # noqa: ANN401 - Opacus'
        """Clip, sum, add the step's noise and let the recipe's optimizer take the mean."""
        samples = self.network.samples if self.network is not None else 0
        for weights in optimizer.params:
            weights.grad_sample = _by_sample(weights, samples=samples, views=self.views)
        device = optimizer.params[0].device
        draws = torch.Generator(device).manual_seed(seeds.derive(seed, "dp noise", step))
        optimizer.generator = draws
        with unwarned():
            optimizer.step()

    def detach(self) -> None:
        """Take all hooks off the network."""
        for handle in self.handles:
            handle.remove()
        if self.network is not None:
            _forget(self.network.by_sample)
            plain = self.network.by_sample.to_standard_module()
            for weights in plain.parameters():
                vars(weights).clear()
            self.network = None


def _by_sample(weights: Any, *, samples: int, views: int) -> torch.Tensor:  # noqa: ANN401
    """Return the gradient of every sample, float32, the mean over its views."""
    if samples == 0:
        return weights.new_zeros(0, *weights.shape)
    if weights.grad_sample is None:
        raise ConfigurationError(
            "E046",
            f"weights of shape {tuple(weights.shape)} take no part in the answer, so DP-SGD finds "
            "no gradient of theirs",
            where="train.model",
            fix="Remove them from the network, or set requires_grad=False.",
        )
    apart = weights.grad_sample.to(weights.dtype).unflatten(0, (samples, views))
    return apart.mean(dim=1)


def _refuse_buffers(model: nn.Module) -> None:
    """Refuse what Opacus refuses: a module with weights of its own and buffers anywhere in it."""
    keeping = [
        name or type(part).__name__
        for name, part in model.named_modules()
        if any(weights.requires_grad for weights in part.parameters(recurse=False))
        and next(part.buffers(), None) is not None
    ]
    if keeping:
        raise ConfigurationError(
            "E046",
            f"DP-SGD cannot take buffers beside weights, found in {', '.join(keeping[:3])}",
            where="train.model",
            fix="Use group or layer normalisation there, or a convolutional network.",
        )


def _forget(model: nn.Module) -> None:
    """Drop what hooks noted in a forward pass that no backward pass followed."""
    for part in model.modules():
        for noted in ("activations", "max_batch_len"):
            vars(part).pop(noted, None)
    for weights in model.parameters():
        vars(weights).pop("_current_grad_sample", None)
        vars(weights)["_forward_counter"] = 0


def _name_in_place(error: RuntimeError, model: nn.Module) -> None:
    """Raise an error that names the module, if this is one about a change in place."""
    if "inplace" not in str(error) and "in-place" not in str(error):
        return
    names = {id(part): name for name, part in model.named_modules()}
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    owners = [id(frame.f_locals.get("self")) for frame in frames]
    inside = [names[owner] for owner in owners if owner in names]
    name = inside[-1].removeprefix("_module").removeprefix(".") if inside else ""
    raise _refused_in_place(name or "the network itself") from error


def _refused_in_place(names: str) -> ConfigurationError:
    return ConfigurationError(
        "E046",
        f"DP-SGD cannot take operations in place, found in {names}",
        where="train.model",
        fix="Use inplace=False there, and x = x + y instead of x += y.",
    )


def poisson_rows(
    samples: int, *, rate: float, generator: torch.Generator
) -> Int64[torch.Tensor, " batch"]:
    """Draw every row with probability ``rate``, each by itself; there may be none.

    >>> poisson_rows(3, rate=1.0, generator=torch.Generator())
    tensor([0, 1, 2])
    """
    drawn = torch.rand(samples, generator=generator, dtype=torch.float64) < rate
    return drawn.nonzero()[:, 0]
