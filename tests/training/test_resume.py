"""A run that is stopped anywhere goes on to the same bytes; one that diverges is taken back."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from pryproof.checks import MachineError, TrainingError
from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.defenses.relax_loss import relax_loss
from pryproof.models.resolve import build
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Defense, Seen, cross_entropy
from pryproof.training.loop import History, train
from pryproof.training.recipe import Recipe
from pryproof.training.trace import LossTrace
from training.stopping import StoppedError, StopsAfter, assert_same, toy

SHAPE = (8, 8, 1)
DEFENSES = {
    "cross entropy": lambda: Defense(batch=dynamic_crop_flip(1)),
    "RelaxLoss": lambda: Defense(batch=dynamic_crop_flip(1), loss=relax_loss(0.4)),
}
RECIPES = {
    "sgd": Recipe(epochs=4, batch=16, learning_rate=0.05),
    "adamw": Recipe(epochs=4, batch=16, learning_rate=0.01, optimizer="adamw", schedule="cosine"),
}
STEPS = 24  # four epochs of six batches


class _Counter:
    """A learner: counts steps, and the loss depends on its count."""

    def __init__(self) -> None:
        self.count = np.zeros(1)

    def __call__(self, logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        self.count += 1
        return cross_entropy(logits, seen) * float(1 + self.count[0] % 3)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"count": self.count.copy()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.count = arrays["count"].copy()


def _scaled_by_itself() -> Defense:
    counter = _Counter()
    return Defense(loss=counter, learns=(counter,))


DEFENSES["one that learns"] = _scaled_by_itself


def network() -> nn.Module:
    """Build a net with dropout, so that its draws are tested too."""
    net = build("small_cnn", classes=2, shape=SHAPE, seed=1)
    return nn.Sequential(
        net.features, nn.Dropout(0.3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), net.head
    )


def fit(defense: Defense, recipe: Recipe, keep=None) -> tuple[nn.Module, History, LossTrace]:
    images, labels = toy()
    model, trace = network(), LossTrace(images[:10], labels[:10])
    source = (np.arange(len(labels)) % 3 == 0).astype(np.int64)
    history = train(
        model,
        images,
        labels,
        defense=defense,
        recipe=recipe,
        seed=7,
        source=source,
        watch=trace,
        keep=keep,
    )
    return model, history, trace


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", DEFENSES)
def test_a_stopped_run_goes_on_to_the_same_bytes(name, recipe):
    model, history, trace = fit(DEFENSES[name](), RECIPES[recipe])
    for stop in range(1, STEPS, 2):  # twelve places, within and between epochs
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            fit(DEFENSES[name](), RECIPES[recipe], keep)
        again, told, traced = fit(DEFENSES[name](), RECIPES[recipe], keep)
        assert keep.loads == 2
        assert_same(module_arrays(model), module_arrays(again))
        assert np.array_equal(history.batch_loss, told.batch_loss)
        assert np.array_equal(history.batch_accuracy, told.batch_accuracy)
        assert np.array_equal(history.source_loss, told.source_loss)
        assert np.array_equal(trace.losses, traced.losses)


def test_losses_are_recorded_apart_by_source():
    _, labels = toy()
    _, history, trace = fit(Defense(), RECIPES["sgd"])
    assert history.source_loss.shape == (4, 2)
    share = np.mean(np.arange(len(labels)) % 3 == 0)
    whole = history.source_loss @ [1 - share, share]
    assert whole == pytest.approx(history.batch_loss.mean(axis=1))
    assert trace.losses.shape == (4, 10)
    assert trace.losses[-1].mean() < trace.losses[0].mean()


def _explodes(at: set[int]) -> Defense:
    """Spoil the loss the first time each of these steps is taken."""
    left = set(at)

    def loss(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        spoiled = seen.step in left
        left.discard(seen.step)
        return cross_entropy(logits, seen) * (float("nan") if spoiled else 1.0)

    return Defense(loss=loss)


def test_a_run_that_diverges_goes_back_once_at_half_the_rate():
    recipe = RECIPES["sgd"]
    half = Recipe(epochs=4, batch=16, learning_rate=0.025)
    spoiled, history, trace = fit(_explodes({3}), recipe)
    slow, plain, _ = fit(Defense(), half)
    assert (history.rollbacks, plain.rollbacks) == (1, 0)
    assert len(trace.losses) == 4
    assert_same(module_arrays(spoiled), module_arrays(slow))  # it diverged in its first epoch


def test_a_run_that_diverges_again_fails_by_its_step():
    with pytest.raises(TrainingError, match=r"again at half the learning rate - epoch 3, batch 2"):
        fit(_explodes({3, 13}), RECIPES["sgd"])


def _spoils(step: int) -> Defense:
    """Let one update throw the weights so far that the next step has no finite loss."""
    left = {step}

    def loss(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        spoiled = seen.step in left
        left.discard(seen.step)
        return cross_entropy(logits, seen) * (1e38 if spoiled else 1.0)

    return Defense(loss=loss)


def test_weights_spoiled_by_an_epochs_last_step_are_not_gone_back_to():
    model, history, _ = fit(_spoils(11), RECIPES["sgd"])
    assert history.rollbacks == 1
    assert np.isfinite(history.batch_loss).all()
    assert all(np.isfinite(value).all() for value in module_arrays(model).values())


@pytest.mark.parametrize("stop", [6, 8, 11])
def test_a_run_that_diverges_after_a_stop_goes_back_as_far_as_one_that_did_not_stop(stop):
    whole, _, _ = fit(_explodes({12}), RECIPES["sgd"])
    keep = StopsAfter(stop)
    with pytest.raises(StoppedError):
        fit(_explodes({12}), RECIPES["sgd"], keep)
    again, told, _ = fit(_explodes({12}), RECIPES["sgd"], keep)
    assert told.rollbacks == 1
    assert_same(module_arrays(whole), module_arrays(again))


def test_a_rollback_survives_a_stop():
    whole, history, _ = fit(_explodes({3}), RECIPES["sgd"])
    keep = StopsAfter(12)
    with pytest.raises(StoppedError):
        fit(_explodes({3}), RECIPES["sgd"], keep)
    again, told, _ = fit(Defense(), RECIPES["sgd"], keep)
    assert told.rollbacks == history.rollbacks == 1
    assert_same(module_arrays(whole), module_arrays(again))


@pytest.mark.parametrize("words", ["CUDA out of memory.", "DefaultCPUAllocator: not enough memory"])
def test_out_of_memory_names_the_batch(words):
    def full(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        raise RuntimeError(words)

    with pytest.raises(MachineError, match=r"16 images does not fit.*Set train\.batch below 16"):
        fit(Defense(loss=full), RECIPES["sgd"])


def test_other_errors_are_left_alone():
    def broken(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        fit(Defense(loss=broken), RECIPES["sgd"])


def test_the_state_of_another_run_is_refused():
    keep = StopsAfter(2)
    with pytest.raises(StoppedError):
        fit(Defense(), RECIPES["sgd"], keep)
    with pytest.raises(TrainingError, match=r"must be of this run, \(9, 6\)"):
        fit(Defense(), Recipe(epochs=9, batch=16), keep)


def test_bfloat16_learns_too():
    images, labels = toy()
    model = build("small_cnn", classes=2, shape=SHAPE, seed=1)
    recipe = Recipe(epochs=4, batch=16, learning_rate=0.05, precision="bfloat16")
    history = train(model, images, labels, defense=Defense(), recipe=recipe, seed=7)
    assert history.batch_loss[-1].mean() < history.batch_loss[0].mean() / 2
    assert all(weight.dtype == torch.float32 for weight in model.parameters())
