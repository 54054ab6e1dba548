"""Augmentation as a defense: what is trained on, that it resumes, and that it narrows the gap.

``given``, ``toys``, ``resumes`` and ``leak`` serve the other defenses that are seams of the loop.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch

from pryproof.checks import ConfigurationError
from pryproof.data.sources import read
from pryproof.defenses.augmentation import (
    augmented,
    crop_flip,
    cutout,
    dynamic_crop_flip,
    dynamic_cutout,
    in_turn,
    none,
    only_for,
    static_copies,
)
from pryproof.defenses.fit import Fit, Fitted, Given
from pryproof.models.randomness import torch_generator
from pryproof.models.resolve import build
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import as_is
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe
from training.stopping import StoppedError, StopsAfter, assert_same, toy

MEMBERS, OTHERS = slice(0, 300), slice(300, 1300)


@cache
def clothes() -> tuple[np.ndarray, np.ndarray]:
    """Return real images in an order that is not their classes'."""
    samples = read("embedded:fashion-mnist").samples
    order = np.random.default_rng(0).permutation(len(samples.labels))
    return samples.images[order], samples.labels[order]


def given(epochs: int = 20) -> Given:
    """Return three hundred real images and a recipe that memorises them."""
    images, labels = clothes()
    return Given(
        make=partial(build_net, classes=10, shape=(28, 28, 1)),
        images=images[MEMBERS],
        labels=labels[MEMBERS],
        classes=10,
        recipe=Recipe(epochs=epochs, batch=32, learning_rate=0.05),
        seed=0,
    )


def toys(**options) -> Given:
    """Return the toy set: four epochs of six batches."""
    images, labels = toy()
    made = Given(
        make=partial(build_net, classes=2, shape=(8, 8, 1)),
        images=images,
        labels=labels,
        classes=2,
        recipe=Recipe(epochs=4, batch=16, learning_rate=0.05),
        seed=7,
    )
    return replace(made, **options)


def build_net(seed: int, *, classes: int, shape: tuple[int, int, int]) -> torch.nn.Module:
    return build("small_cnn", classes=classes, shape=shape, seed=seed)


def resumes(make: Callable[[], Fit], *, stops: range = range(1, 24, 2)) -> Fitted:
    """Assert that a run stopped at each of these questions goes on to the same bytes."""
    whole = make()(toys())
    for stop in stops:
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            make()(toys(keep=keep))
        again = make()(toys(keep=keep))
        assert_same(module_arrays(whole.model), module_arrays(again.model))
        assert np.array_equal(whole.history.batch_loss, again.history.batch_loss)
        assert whole.facts == again.facts
    return whole


def losses(fitted: Fitted, part: slice) -> np.ndarray:
    """Return the cross entropy (nats) of what the released service says."""
    images, labels = clothes()
    logits = fitted.answer(predict(fitted.model, images[part])).astype(np.float64)
    top = logits.max(axis=1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
    return log_sum - logits[np.arange(len(logits)), labels[part]]


def leak(fitted: Fitted) -> float:
    """Return the area under the curve of the loss attack, members against others."""
    inside, outside = losses(fitted, MEMBERS), losses(fitted, OTHERS)
    below = (inside[:, None] < outside).mean() + (inside[:, None] == outside).mean() / 2
    return float(below)


def accuracy(fitted: Fitted, part: slice) -> float:
    """Return the share of right answers."""
    images, labels = clothes()
    said = fitted.answer(predict(fitted.model, images[part])).argmax(axis=1)
    return float((said == labels[part]).mean())


@cache
def plain() -> Fitted:
    """Return plain cross entropy on the same set."""
    return none(padding=0)(given())


FITS = {
    "none": none(padding=3),
    "crop and flip": crop_flip(padding=1),
    "cutout": cutout(padding=1, length=4),
    "static copy": static_copies(padding=1),
}


@pytest.mark.parametrize("name", FITS)
def test_a_stopped_run_goes_on_to_the_same_bytes(name):
    resumes(lambda: FITS[name])


def test_no_padding_is_no_augmentation():
    assert augmented(0) is as_is
    weights = module_arrays(none(padding=4)(toys()).model)
    assert_same(weights, module_arrays(crop_flip(padding=0)(toys()).model))
    assert_same(weights, module_arrays(static_copies(padding=0)(toys()).model))


def test_steps_come_one_after_the_other_from_one_generator():
    images = torch.rand(16, 1, 8, 8, generator=torch_generator(0, "images"))
    rows, both = torch.arange(16), in_turn(dynamic_crop_flip(1), dynamic_cutout(4))
    draws = torch_generator(0, "draws")
    moved = dynamic_crop_flip(1)(images, rows, draws)
    expected = dynamic_cutout(4)(moved, rows, draws)
    assert torch.equal(both(images, rows, torch_generator(0, "draws")), expected)


def test_eight_copies_take_eight_times_the_steps():
    where = (np.arange(96) >= 60).astype(np.int64)
    one = static_copies(padding=1)(toys(source=where))
    eight = static_copies(padding=1, copies=8)(toys(source=where))
    assert one.history.steps * 8 == eight.history.steps == 4 * 48
    assert eight.facts == {"copies": 8, "trained_on": 768}
    assert eight.history.source_loss.shape == (4, 2)
    assert np.isfinite(eight.history.source_loss).all()


def test_negative_padding_is_refused():
    with pytest.raises(ConfigurationError, match="padding must be 0 or more, got -1"):
        crop_flip(padding=-1)


@pytest.mark.parametrize("fit", [crop_flip(padding=2), cutout(padding=2), static_copies(padding=2)])
def test_augmentation_narrows_the_gap(fit):
    fitted = fit(given())
    assert leak(fitted) < leak(plain()) - 0.05
    gap = accuracy(fitted, MEMBERS) - accuracy(fitted, OTHERS)
    assert gap < accuracy(plain(), MEMBERS) - accuracy(plain(), OTHERS)


@pytest.mark.parametrize(("arm", "moved"), [("real", 0), ("fake", 1)])
def test_only_the_chosen_source_is_augmented_and_with_the_draws_of_both(arm, moved):
    images = torch.rand(16, 1, 8, 8, generator=torch_generator(0, "images"))
    rows = torch.arange(40, 56)
    source = np.arange(60) % 2
    both = dynamic_crop_flip(2)(images, rows, torch_generator(0, "draws"))
    seam = only_for(source == moved, dynamic_crop_flip(2))
    made = seam(images, rows, torch_generator(0, "draws"))
    chosen = torch.from_numpy(source[40:56] == moved)
    assert torch.equal(made[chosen], both[chosen])
    assert torch.equal(made[~chosen], images[~chosen])
    assert not torch.equal(made[chosen], images[chosen])


def test_arms_of_augmentation_differ_and_end_where_they_must():
    source = (np.arange(96) >= 50).astype(np.int64)
    arms = {
        arm: module_arrays(crop_flip(padding=2, augments=arm)(toys(source=source)).model)
        for arm in ("both", "real", "fake", "none")
    }
    assert_same(arms["both"], module_arrays(crop_flip(padding=2)(toys()).model))
    assert_same(arms["none"], module_arrays(none(padding=2)(toys()).model))
    name = next(name for name in arms["both"] if name.endswith("weight"))
    assert len({each[name].tobytes() for each in arms.values()}) == 4
    for arm, same in (("real", "both"), ("fake", "none")):  # without sources all are real
        assert_same(arms[same], module_arrays(crop_flip(padding=2, augments=arm)(toys()).model))
