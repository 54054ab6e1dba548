"""The masked answer by hand, what masking never does, resume, and what it is for."""

import numpy as np
import pytest
import torch
from torch import nn

from defenses.worlds import real_given, toy_given
from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.defenses.fit import by_seams
from pryproof.defenses.memguard import Attack, masking, memguard, trained_attack
from pryproof.defenses.soft_labels import probabilities
from pryproof.evaluation.roc import auc
from pryproof.models.randomness import global_draws
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Defense
from pryproof.training.predict import predict
from training.stopping import StoppedError, StopsAfter, assert_same


class Above(nn.Module):
    """An attack that calls member what is answered with more than ``cut``."""

    def __init__(self, cut: float) -> None:
        super().__init__()
        self.cut = cut

    def forward(self, logits):
        return 10 * (torch.softmax(logits, dim=1).amax(dim=1) - self.cut)


def answers(count: int = 400, classes: int = 5) -> np.ndarray:
    draws = seeds.generator(0, "answers")
    spread = draws.choice([0.5, 3.0, 40.0], (count, 1))
    return (draws.normal(size=(count, classes)) * spread).astype(np.float32)


def some_attack(classes: int = 5) -> Attack:
    with global_draws(1, "attack"):
        return Attack(classes).requires_grad_(False)


@pytest.mark.parametrize(
    ("cut", "budget", "expected"),
    [
        (0.7, 2.0, 0.7),  # where the attack says 1/2
        (0.7, 0.2, 0.8),  # as near as the budget lets: |0.9 - 0.8| + |0.1 - 0.2|
        (0.95, 2.0, 0.95),  # from below
        (0.4, 2.0, 0.5),  # the predicted class stays ahead, by a hair
        (0.7, 0.0, 0.9),  # no budget
    ],
)
def test_known_answers(cut, budget, expected):
    logits = np.log([[0.9, 0.1], [0.1, 0.9]]).astype(np.float32)
    masked = probabilities(masking(Above(cut), budget=budget)(logits))
    assert masked == pytest.approx(
        np.array([[expected, 1 - expected], [1 - expected, expected]]), abs=1e-3
    )


def test_the_predicted_class_never_changes_and_the_budget_holds():
    logits = answers()
    for budget in (0.05, 0.5, 2.0):
        masked = masking(some_attack(), budget=budget)(logits)
        assert masked.dtype == logits.dtype
        assert np.array_equal(masked.argmax(axis=1), logits.argmax(axis=1))
        moved = np.abs(probabilities(masked) - probabilities(logits)).sum(axis=1)
        assert moved.max() <= budget


def test_the_attack_is_never_surer_than_before_and_untouched_answers_are_the_same_bytes():
    logits, attack = answers(), some_attack()
    masked = masking(attack, budget=0.3)(logits)
    before, after = (attack(torch.from_numpy(x).double()).abs() for x in (logits, masked))
    assert (after <= before).all()
    same = (masked == logits).all(axis=1)
    assert torch.equal(after[torch.from_numpy(same)], before[torch.from_numpy(same)])
    assert np.array_equal(masking(attack, budget=0.0)(logits), logits)


def test_of_equal_classes_the_first_stays():
    logits = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]], np.float32)
    masked = masking(Above(0.9), budget=2.0)(logits)
    assert masked.argmax(axis=1).tolist() == [0, 1]


def test_an_answer_depends_on_nothing_else():
    logits, attack = answers(8), some_attack()
    mask = masking(attack, budget=1.0)
    together = mask(logits)
    assert np.array_equal(together, mask(logits))
    alone = np.concatenate([mask(row[None]) for row in logits])
    assert alone == pytest.approx(together, abs=1e-4)


def test_the_attack_learns_to_tell_members_from_others():
    draws = seeds.generator(0, "logits")
    noise = draws.normal(size=(2, 200, 3))
    noise[0, :, 1] += 6.0  # members are answered surely
    members, others = torch.from_numpy(noise[0]), torch.from_numpy(noise[1])
    attack = trained_attack(members, others, steps=150, seed=0)
    assert (attack(members) > 0).double().mean() > 0.9
    assert (attack(others) < 0).double().mean() > 0.9


def test_a_stopped_run_goes_on_to_the_same_bytes():
    fit = memguard(padding=1, attack_steps=5)
    whole, logits = fit(toy_given()), answers(3, classes=2)
    for stop in range(1, 3 * 4 + 1):
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            fit(toy_given(keep=keep))
        again = fit(toy_given(keep=keep))
        assert_same(module_arrays(whole.model), module_arrays(again.model))
        assert np.array_equal(whole.answer(logits), again.answer(logits))
        assert whole.facts == again.facts


def test_a_wrong_budget_and_no_reference_are_refused():
    for budget in (-0.1, 2.1):
        with pytest.raises(ConfigurationError, match=r"budget must lie in \[0, 2\]"):
            memguard(padding=0, budget=budget)
    with pytest.raises(ConfigurationError, match="MemGuard needs reference images"):
        memguard(padding=0)(toy_given(reference=None))


def test_an_attack_on_plain_answers_is_told_less_and_labels_stay():
    one, images, _ = real_given()
    plain = by_seams(Defense)(one)
    fitted = memguard(padding=0, attack_steps=300)(one)
    assert_same(module_arrays(plain.model), module_arrays(fitted.model))
    said = predict(fitted.model, images)
    masked = fitted.answer(said)
    assert np.array_equal(said.argmax(axis=1), masked.argmax(axis=1))
    ins, outs = (torch.from_numpy(x).double() for x in (said[:300], said[300:]))
    attacker = trained_attack(ins, outs, steps=300, seed=99)  # another than the defender's
    told = [attacker(torch.from_numpy(x).double()).numpy() for x in (said, masked)]
    plain_auc, masked_auc = (auc(score[:300], score[300:]) for score in told)
    assert plain_auc > 0.6
    assert abs(masked_auc - 0.5) < plain_auc - 0.5
