"""HAMP: labels, loss and answers by hand; an answer keeps the label and hides the rest."""

import math

import numpy as np
import pytest
import torch

from defenses.test_augmentation import MEMBERS, OTHERS, clothes, given, leak, plain, resumes, toys
from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.defenses.hamp import (
    hamp,
    label_probability,
    reordered,
    strangers_scores,
    unsure_cross_entropy,
)
from pryproof.training.defense import Seen
from pryproof.training.predict import predict


def seen(labels: list[int]) -> Seen:
    count = len(labels)
    return Seen(
        images=torch.zeros(count, 1, 4, 4),
        labels=torch.tensor(labels),
        rows=torch.arange(count),
        epoch=0,
        step=0,
        model=torch.nn.Identity(),
    )


@pytest.mark.parametrize("label", [0.9, 0.5, 0.26])
def test_the_label_has_the_entropy_asked_for(label):
    """(p, q, q, q) of four classes: the entropy is written out, and p found back."""
    other = (1 - label) / 3
    entropy = -label * math.log(label) - 3 * other * math.log(other)
    found = label_probability(entropy / math.log(4), classes=4)
    assert found == pytest.approx(label, abs=1e-9)


def test_known_answer_of_the_loss():
    """Two classes, target (.75, .25), said (.5, .5): KL = ln 2 - H(.75); entropy = ln 2."""
    entropy = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    loss = unsure_cross_entropy(classes=2, gamma=entropy / math.log(2), alpha=0.1)
    found = loss(torch.zeros(3, 2, dtype=torch.float64), seen([0, 1, 0])).item()
    assert found == pytest.approx(math.log(2) - entropy - 0.1 * 2 * math.log(2), abs=1e-9)


def test_without_entropy_it_is_cross_entropy():
    logits = torch.tensor([[2.0, 0.0, -1.0]], dtype=torch.float64)
    loss = unsure_cross_entropy(classes=3, gamma=0.0, alpha=0.0)
    assert loss(logits, seen([0])).item() == pytest.approx(0.16984601956, abs=1e-10)


def test_answers_are_strangers_scores_in_the_answers_order():
    answer = np.array([[5.0, 1.0, 3.0], [1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    strangers = np.array([[0.2, 0.1, 0.3], [3.0, 1.0, 2.0], [7.0, 7.0, 4.0]])
    found = reordered(answer, strangers)
    assert found[0].tolist() == [0.3, 0.1, 0.2]
    assert found[1].tolist() == [3.0, 2.0, 1.0]  # of equal scores the first stays predicted
    assert found[2].tolist() == [4.0, np.nextafter(7.0, np.inf), 7.0]
    assert np.array_equal(found.argmax(axis=1), answer.argmax(axis=1))


def test_asking_twice_teaches_nothing_and_the_bank_is_used():
    draws = seeds.generator(0, "answers")
    logits = draws.normal(size=(200, 5)).astype(np.float32)
    bank = draws.normal(size=(20, 5)).astype(np.float32)
    answer = strangers_scores(bank, seed=0)
    first = answer(logits)
    assert first.dtype == np.float32
    assert np.array_equal(first, answer(logits))
    assert np.array_equal(first[::-1], answer(logits[::-1]))  # its place does not matter
    rows = {tuple(np.sort(row)) for row in first}
    assert rows <= {tuple(np.sort(row)) for row in bank}
    assert len(rows) > 15


@pytest.mark.parametrize("options", [{"gamma": 1.1}, {"alpha": -1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ConfigurationError, match="gamma must lie in"):
        hamp(padding=0, **options)(toys())
    with pytest.raises(ConfigurationError, match="bank must be 1 image or more"):
        hamp(padding=0, bank=0)


def test_a_stopped_run_goes_on_to_the_same_bytes_and_answers():
    whole = resumes(lambda: hamp(padding=1, gamma=0.5, bank=8))
    again = hamp(padding=1, gamma=0.5, bank=8)(toys())
    logits = predict(whole.model, toys().images)
    assert np.array_equal(whole.answer(logits), again.answer(logits))


def test_labels_stay_and_members_look_like_others():
    fitted = hamp(padding=0)(given())
    for part in (MEMBERS, OTHERS):
        logits = predict(fitted.model, clothes()[0][part])
        assert np.array_equal(fitted.answer(logits).argmax(axis=1), logits.argmax(axis=1))
    assert leak(fitted) < leak(plain())
