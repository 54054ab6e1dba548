"""The two players' losses by hand, that each moves only itself, resume, and what it is for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from defenses.worlds import confidence, real_given, toy_given
from pryproof.checks import ConfigurationError
from pryproof.defenses.adversarial_regularisation import (
    Adversary,
    InferenceNetwork,
    adversarial_regularisation,
    inference_loss,
)
from pryproof.defenses.fit import Given, by_seams
from pryproof.evaluation.roc import auc
from pryproof.models.randomness import global_draws
from pryproof.training import loop
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Defense, Seen, cross_entropy
from training.stopping import StoppedError, StopsAfter, assert_same


def defense_of(one: Given, monkeypatch, **options) -> Defense:
    """Return the seams that a fit hands to the loop."""
    caught: list[Defense] = []

    def catch(*args, defense: Defense, **rest) -> loop.History:
        caught.append(defense)
        return loop.train(*args, defense=defense, **rest)

    place = "pryproof.defenses.adversarial_regularisation.train"
    with monkeypatch.context() as patch:
        patch.setattr(place, catch)
        short = replace(one.recipe, epochs=1)
        adversarial_regularisation(padding=0, **options)(replace(one, recipe=short))
    return caught[0]


def step(model: nn.Module, one: Given) -> tuple[torch.Tensor, Seen]:
    images = loop.scaled(torch.from_numpy(one.images[:8]))
    seen = Seen(
        images=images,
        labels=torch.from_numpy(one.labels[:8]),
        rows=torch.arange(8),
        epoch=0,
        step=0,
        model=model,
    )
    return model(images), seen


def test_known_answer_of_the_adversary():
    members = torch.tensor([0.8, 0.6], dtype=torch.float64).logit()
    others = torch.tensor([0.1], dtype=torch.float64).logit()
    expected = -((np.log(0.8) + np.log(0.6)) / 2 + np.log(0.9)) / 2
    assert inference_loss(members, others).item() == pytest.approx(expected)


def test_known_answer_of_the_classifier(monkeypatch):
    one = toy_given()
    defense = defense_of(one, monkeypatch, weight=2.0)
    (adversary,) = defense.learns
    model = one.make(0).train()
    logits, seen = step(model, one)
    found = defense.loss(logits, seen)
    network = InferenceNetwork(2)  # the adversary after its update, rebuilt
    prefix = "network."
    network.load_state_dict(
        {
            name.removeprefix(prefix): torch.from_numpy(value)
            for name, value in adversary.arrays().items()
            if name.startswith(prefix)
        }
    )
    h = torch.sigmoid(network(torch.softmax(logits, dim=1), seen.labels))
    expected = cross_entropy(logits, seen) + 2.0 * h.log().mean()
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_step_of_the_adversary_leaves_the_classifier_untouched(monkeypatch):
    one = toy_given()
    defense = defense_of(one, monkeypatch, adversary=Adversary(updates=3))
    (adversary,) = defense.learns
    model = one.make(0).train()
    logits, seen = step(model, one)
    before, learnt = module_arrays(model), adversary.arrays()
    defense.loss(logits, seen)
    assert_same(before, module_arrays(model))  # running statistics too
    assert all(weight.grad is None for weight in model.parameters())
    after = adversary.arrays()
    assert not np.array_equal(learnt["network.joint.2.weight"], after["network.joint.2.weight"])
    assert after["optimizer.0.step"] == learnt["optimizer.0.step"] + 3


def test_the_adversary_learns_to_tell_answers_apart():
    with global_draws(0, "test"):
        network = InferenceNetwork(2)
        sure = torch.tensor([[0.99, 0.01]]).repeat(8, 1)
        unsure = torch.tensor([[0.6, 0.4]]).repeat(8, 1)
    labels = torch.zeros(8, dtype=torch.int64)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        inference_loss(network(sure, labels), network(unsure, labels)).backward()
        optimizer.step()
    assert network(sure, labels).min() > 1
    assert network(unsure, labels).max() < -1


def test_a_weight_of_zero_is_plain_training():
    plain = by_seams(Defense)(toy_given())
    found = adversarial_regularisation(padding=0, weight=0.0)(toy_given())
    assert_same(module_arrays(plain.model), module_arrays(found.model))


def test_a_stopped_run_goes_on_to_the_same_bytes():
    fit = adversarial_regularisation(padding=1, adversary=Adversary(updates=2))
    whole = fit(toy_given())
    for stop in range(1, 3 * 4 + 1):
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            fit(toy_given(keep=keep))
        again = fit(toy_given(keep=keep))
        assert_same(module_arrays(whole.model), module_arrays(again.model))
        assert np.array_equal(whole.history.batch_loss, again.history.batch_loss)


def test_a_negative_weight_and_no_reference_are_refused():
    with pytest.raises(ConfigurationError, match="0 or more"):
        adversarial_regularisation(padding=0, weight=-1.0)
    with pytest.raises(ConfigurationError, match="needs reference images"):
        adversarial_regularisation(padding=0)(toy_given(reference=None))


def test_it_tells_less_of_the_members_than_plain_training():
    one, images, labels = real_given()
    told = {}
    for name, fit in {
        "plain": by_seams(Defense),
        # so short a training needs a strong adversary; it costs much accuracy
        "adversarial": adversarial_regularisation(
            padding=0, weight=6.0, adversary=Adversary(updates=5)
        ),
    }.items():
        score = confidence(fit(one).model, images, labels)
        told[name] = auc(score[:300], score[300:])
    assert told["adversarial"] < told["plain"] - 0.02
