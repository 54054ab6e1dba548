"""The one loop: learns, repeats byte for byte, visits every sample once an epoch, fails by name."""

import numpy as np
import pytest
import torch
from torch import nn

from pryproof.checks import TrainingError
from pryproof.models.resolve import build
from pryproof.training.defense import Defense, Seen, cross_entropy
from pryproof.training.loop import train
from pryproof.training.predict import predict, weights_of, with_weights
from pryproof.training.recipe import Recipe
from pryproof.training.schedule import one_cycle
from training.stopping import toy

SHAPE = (8, 8, 1)


def fit(
    seed: int, *, defense: Defense | None = None, epochs: int = 4
) -> tuple[nn.Module, np.ndarray]:
    images, labels = toy()
    model = build("small_cnn", classes=2, shape=SHAPE, seed=seed)
    recipe = Recipe(epochs=epochs, batch=16, learning_rate=0.05)
    history = train(model, images, labels, defense=defense or Defense(), recipe=recipe, seed=seed)
    return model, history.batch_loss


def test_it_learns_a_toy():
    model, losses = fit(0)
    images, labels = toy()
    assert (predict(model, images).argmax(axis=1) == labels).mean() > 0.95
    assert losses[-1].mean() < losses[0].mean() / 2
    assert not model.training


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = (weights_of(fit(seed, epochs=1)[0]) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_what_was_drawn_before_does_not_matter():
    first = weights_of(fit(3, epochs=1)[0])
    torch.rand(1000)
    again = weights_of(fit(3, epochs=1)[0])
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_every_epoch_visits_every_sample_once():
    seen: list[torch.Tensor] = []

    def spy(logits: torch.Tensor, step: Seen) -> torch.Tensor:
        seen.append(step.labels)
        return cross_entropy(logits, step)

    images, _ = toy(50)
    model = build("small_cnn", classes=50, shape=SHAPE, seed=0)
    recipe = Recipe(epochs=1, batch=16, learning_rate=0.01)
    train(model, images, np.arange(50), defense=Defense(loss=spy), recipe=recipe, seed=0)
    assert sorted(torch.cat(seen).tolist()) == list(range(50))
    assert {len(part) for part in seen} <= {16, 17}


def test_batches_differ_between_epochs():
    orders: list[list[int]] = []

    def spy(logits: torch.Tensor, step: Seen) -> torch.Tensor:
        orders.append(step.labels.tolist())
        return cross_entropy(logits, step)

    images, _ = toy(16)
    model = build("small_cnn", classes=16, shape=SHAPE, seed=0)
    recipe = Recipe(epochs=2, batch=16, learning_rate=0.01)
    train(model, images, np.arange(16), defense=Defense(loss=spy), recipe=recipe, seed=0)
    assert orders[0] != orders[1]


def test_a_diverging_run_is_named_at_its_step():
    def explode(logits: torch.Tensor, step: Seen) -> torch.Tensor:
        return cross_entropy(logits, step) * float("nan")

    with pytest.raises(TrainingError, match=r"epoch 1, batch 1 - Lower train\.learning_rate"):
        fit(0, defense=Defense(loss=explode))


def test_weights_come_back_from_arrays():
    model, _ = fit(5, epochs=1)
    again = with_weights(build("small_cnn", classes=2, shape=SHAPE, seed=9), weights_of(model))
    images, _ = toy()
    assert np.array_equal(predict(model, images), predict(again, images))


def test_one_cycle_rises_and_falls_to_zero():
    rates = [one_cycle(step / 100, peak=1.0) for step in range(101)]
    assert max(rates) == rates[25] == 1.0
    assert rates[0] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(0.0)
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)
