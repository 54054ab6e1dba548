"""The loss by hand, on extremes where the textbook form fails, and a teacher that is kept."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from pryproof.defenses.fit import Given
from pryproof.defenses.soft_labels import (
    Lesson,
    share_of,
    soft_cross_entropy,
    soft_labels,
    teacher,
)
from pryproof.models.resolve import build
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Defense, Seen
from pryproof.training.loop import silent
from pryproof.training.recipe import Recipe
from training.stopping import StoppedError, StopsAfter, assert_same, toy

EXTREME = torch.tensor([[500.0, -500.0], [0.0, 300.0], [-200.0, 0.0]])


def seen(rows: list[int]) -> Seen:
    """Return a step on some rows of the training set; the loss looks at nothing else."""
    return Seen(
        images=torch.zeros(len(rows), 1, 4, 4),
        labels=torch.zeros(len(rows), dtype=torch.int64),
        rows=torch.tensor(rows),
        epoch=0,
        step=0,
        model=torch.nn.Identity(),
    )


def naive(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -(targets * torch.log(torch.softmax(logits, dim=1))).sum(dim=1).mean()


def test_known_answer_of_the_rows_seen():
    targets = np.array([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]])
    logits = torch.tensor([[0.2, 0.8], [0.4, 0.6]]).log()
    expected = -(0.25 * np.log(0.2) + 0.75 * np.log(0.8) + np.log(0.4)) / 2
    assert soft_labels(targets)(logits, seen([2, 0])).item() == pytest.approx(expected, rel=1e-6)


def test_a_temperature_divides_the_logits_and_keeps_the_size_of_the_gradient():
    targets = np.array([[0.25, 0.75]])
    logits = torch.tensor([[0.0, 2 * np.log(3.0)]], dtype=torch.float32)  # at T = 2: (1/4, 3/4)
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    found = soft_labels(targets, temperature=2.0)(logits, seen([0]))
    assert found.item() == pytest.approx(4 * entropy, rel=1e-6)
    for warm in (1.0, 50.0):
        leaf = torch.tensor([[0.1, 0.0]], requires_grad=True)
        soft_labels(targets, temperature=warm)(leaf, seen([0])).backward()
        assert leaf.grad.abs().max() > 0.2 * warm  # T^2 of the loss, 1/T of the logits


@pytest.mark.parametrize(
    "targets",
    [
        [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]],  # exact zeros where p underflows: 0 * -inf
        [[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]],  # log of a p that underflowed
    ],
)
def test_extremes_break_the_textbook_form_and_not_this_one(targets):
    wanted = torch.tensor(targets)
    plain, ours = EXTREME.clone().requires_grad_(), EXTREME.clone().requires_grad_()
    broken = naive(plain, wanted)
    broken.backward()
    assert not torch.isfinite(broken)
    assert not torch.isfinite(plain.grad).all()
    loss = soft_cross_entropy(ours, wanted)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.allclose(ours.grad, (torch.softmax(EXTREME, dim=1) - wanted) / 3)


def test_even_infinite_logits_are_no_nan_where_nothing_is_wanted():
    logits = torch.tensor([[0.0, -torch.inf]], requires_grad=True)
    loss = soft_cross_entropy(logits, torch.tensor([[1.0, 0.0]]))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.isfinite(logits.grad).all()


def given(keep: StopsAfter) -> Given:
    images, labels = toy(32)
    return Given(
        make=lambda seed: build("small_cnn", classes=2, shape=(8, 8, 1), seed=seed),
        images=images,
        labels=labels,
        classes=2,
        recipe=Recipe(epochs=2, batch=16, learning_rate=0.05),
        seed=3,
        keep=keep,
    )


def test_a_finished_teacher_is_loaded_and_not_trained_again():
    keep = StopsAfter(10**6)
    one = given(keep)
    lesson = Lesson(name="teacher", images=one.images, labels=one.labels)
    first = teacher(one, lesson, defense=Defense(), progress=silent)
    asked = keep.left
    told: list[float] = []
    again = teacher(one, lesson, defense=Defense(), progress=lambda share, _: told.append(share))
    assert keep.left == asked  # no step was taken
    assert told == []
    assert not again.training
    assert_same(module_arrays(first), module_arrays(again))
    assert list(keep.kept) == ["teacher"]


def test_a_teacher_stopped_anywhere_goes_on_to_the_same_bytes():
    whole = given(StopsAfter(10**6))
    lesson = Lesson(name="teacher", images=whole.images, labels=whole.labels)
    fit = partial(teacher, lesson=lesson, defense=Defense(), progress=silent)
    expected = module_arrays(fit(whole))
    for stop in (1, 2, 3, 4):
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            fit(replace(whole, keep=keep))
        keep.left = -1
        assert_same(expected, module_arrays(fit(replace(whole, keep=keep))))


def test_a_part_reports_its_share_of_the_whole():
    told: list[tuple[float, str]] = []
    part = share_of(lambda share, words: told.append((share, words)), "b", start=0.5, end=0.75)
    part(0.5, "loss 1")
    assert told == [(0.625, "b, loss 1")]
