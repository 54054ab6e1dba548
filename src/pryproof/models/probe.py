"""Show one batch to a new classifier, and refuse what would spoil a study hours later."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.randomness import torch_generator

NOISY = 2  # rows of noise, which come before the blank one
FAILURES = (RuntimeError, ValueError, TypeError, AssertionError, LookupError, AttributeError)

Batch = Float[torch.Tensor, "batch channels height width"]
Logits = Float[torch.Tensor, "batch classes"]


def probe(model: nn.Module, name: str, *, classes: int, shape: tuple[int, int, int]) -> None:
    """Refuse a network that does not answer one batch with logits, in both of its modes.

    The batch is two images of noise and a blank one, of ``shape`` (height, width, channels).
    Errors: E051 for the number of answers, E052 for the image size, E053 for tuples, dictionaries,
    probabilities, log-probabilities and numbers that are not finite, E054 for an evaluation mode
    whose answers depend on chance or on the other images. The network is left in evaluation mode;
    what it counts in its buffers while training is not changed.
    """
    height, width, channels = shape
    noise = torch.randn(NOISY, channels, height, width, generator=torch_generator(0, "probe"))
    batch = torch.cat([noise, torch.zeros(1, channels, height, width)])
    # as training lays images out: a view that needs channels first fails here, not there
    batch = batch.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        model.train()
        _answers(model, name, batch, classes=classes)
        model.eval()
        first = _answers(model, name, batch, classes=classes)
        again = _answers(model, name, batch, classes=classes)
        fewer = _answers(model, name, batch[:NOISY].flip(0), classes=classes).flip(0)
    # equal up to what another order of summation may change
    if not _close(first, again, within=1e-5):
        raise _refused(
            "E054",
            f"{name} answers the same batch differently the second time, in evaluation mode",
            fix="Draw nothing at random there: dropout and the like look at self.training.",
        )
    if not _close(first[:NOISY], fewer, within=1e-3):
        raise _refused(
            "E054",
            f"{name} answers an image differently beside other images, in evaluation mode",
            fix="Keep running statistics in batch normalisation (track_running_stats=True).",
        )


def _answers(model: nn.Module, name: str, batch: Batch, *, classes: int) -> Logits:
    """Return the logits of the batch, or refuse what is none; buffers stay as they were."""
    mode = "training" if model.training else "evaluation"
    buffers = {key: buffer.clone() for key, buffer in model.named_buffers()}
    try:
        answer = torch.func.functional_call(model, buffers, (batch,))
    except FAILURES as error:
        size = " x ".join(str(length) for length in batch.shape)
        raise _refused(
            "E052",
            f"{name} fails on a batch of {size} in {mode} mode: {error}",
            fix="Choose a network for this image size, resize the images, or mend its forward.",
        ) from error
    if not isinstance(answer, torch.Tensor):
        raise _no_tensor(name, answer, wanted=(len(batch), classes), mode=mode)
    if answer.shape != (len(batch), classes):
        raise _refused(
            "E051",
            f"{name} must answer logits of shape ({len(batch)}, {classes}) in {mode} mode,"
            f" got {tuple(answer.shape)}",
            fix="Return one logit a class, and nothing else.",
        )
    answer = answer.float()
    _finite(name, answer, mode=mode)
    _unnormalised(name, answer, mode=mode)
    return answer


def _no_tensor(
    name: str, answer: object, *, wanted: tuple[int, int], mode: str
) -> ConfigurationError:
    """Say what came, and which of its elements is the one to return."""
    pairs: list[tuple[object, object]] = []
    if isinstance(answer, Mapping):
        pairs = list(answer.items())
    elif isinstance(answer, list | tuple):
        pairs = list(enumerate(answer))
    right = [key for key, part in pairs if isinstance(part, torch.Tensor) and part.shape == wanted]
    fix = "Return one logit a class, and nothing else."
    if right:
        fix = f"Return its element {right[0]!r} alone: it has the shape of logits, {wanted}."
    return _refused(
        "E053",
        f"{name} must answer a tensor of logits in {mode} mode, got a {type(answer).__name__}",
        fix=fix,
    )


def _finite(name: str, answer: Logits, *, mode: str) -> None:
    finite = answer.isfinite().all(dim=1)
    if not finite.all():
        image = "noise" if not finite[:NOISY].all() else "a blank image"
        raise _refused(
            "E053",
            f"{name} answers {image} with numbers that are not finite, in {mode} mode",
            fix="Look for a division by a standard deviation, or a logarithm, that may be of 0.",
        )


def _unnormalised(name: str, answer: Logits, *, mode: str) -> None:
    """Refuse rows that are distributions: attacks need what comes before the softmax."""
    noisy = answer[:NOISY].double()  # the logits of a blank image may happen to look like one
    ways = {"probabilities": noisy, "log-probabilities": noisy.exp()}
    for what, rows in ways.items():
        if (rows >= 0).all() and ((rows.sum(dim=1) - 1).abs() < 1e-3).all():
            raise _refused(
                "E053",
                f"{name} answers {what} in {mode} mode, where logits are needed",
                fix="Leave the last softmax out: the loss and the attacks take it themselves.",
            )


def _close(first: Logits, second: Logits, *, within: float) -> bool:
    return bool((first - second).abs().max() <= within * first.abs().max())


def _refused(code: str, what: str, *, fix: str) -> ConfigurationError:
    return ConfigurationError(code, what, where="train.model", fix=fix)
