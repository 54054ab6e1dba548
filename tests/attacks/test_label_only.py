import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.label_only import TABLE, label_only
from pryproof.attacks.scores import correctness
from pryproof.checks import DataError
from reference.label_only import label_only_naive

ATTACK = TABLE["label_only"]


def test_agrees_with_the_naive_form():
    rng = np.random.default_rng(0)
    correct = rng.integers(2, size=(3, 5, 7)).astype(float)
    assert label_only(correct) == pytest.approx(np.array(label_only_naive(correct)))


def test_one_query_is_the_correctness_attack():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(2, 9, 3)), rng.integers(3, size=9)
    seen = evidence({"logits": logits, "labels": labels, "member": np.ones((2, 9), bool)})
    found = ATTACK.score(seen, np.array([1]), reference=None, options={})
    assert np.array_equal(found[0], correctness({"correct": seen.signals["correct"][1, 0]}))


def test_answers_alone_are_enough():
    correct = np.array([[[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]])
    seen = evidence({"correct": correct, "member": [[True, False]]})
    found = ATTACK.score(seen, np.array([0]), reference=None, options={})
    assert found.tolist() == [[0.75, 0.25]]


def test_refusals():
    seen = evidence({"phi": np.zeros(3), "member": np.zeros(3, bool)})
    with pytest.raises(DataError, match=r"label_only needs correct, got phi"):
        ATTACK.score(seen, np.array([0]), reference=None, options={})
