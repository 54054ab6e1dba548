import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.song_mittal_2021 import (
    TABLE,
    accuracy,
    correctness_accuracy,
    thresholds,
    values,
    values_of,
)
from pryproof.checks import DataError
from reference.song_mittal_2021 import threshold_naive, values_naive

NAMES = ["correctness", "confidence", "entropy", "modified_entropy"]
NO_OPTIONS: dict[str, float | None] = {}


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def outputs(seed: int, samples: int = 300, classes: int = 5, dtype: type = np.float32):
    """Return probabilities of an over-fitted model: some saturate, some tie."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=samples)
    logits = rng.normal(size=(samples, classes)) * 2
    logits[np.arange(samples), labels] += rng.normal(scale=9, size=samples) + 6
    p = softmax(logits.astype(dtype))
    p[::9] = p[0]
    return p, labels


@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("samples", "classes"), [(1, 2), (700, 100), (90, 300), (40_000, 3)])
def test_values_are_those_of_whole_tables_to_the_last_bit(dtype, samples, classes, accelerate):
    p, labels = outputs(samples, samples, classes, dtype)
    for table in (p, np.asfortranarray(p), p[::-1]):
        found = values(table, labels, accelerate=accelerate)
        expected = values_naive(table, labels)
        assert list(found) == NAMES
        for name in NAMES:
            assert found[name].dtype == dtype
            assert np.array_equal(found[name], expected[name]), name


def test_the_float_type_is_that_of_the_input():
    p = np.array([[1.0, 1e-12]])
    confident = [values(p.astype(kind), np.array([0])) for kind in (np.float32, np.float64)]
    assert confident[0]["modified_entropy"][0] == 0.0  # 1 - 1, and log 1: the tie that we avoid
    assert confident[1]["modified_entropy"][0] == pytest.approx(-1e-24)
    clamped = values(np.array([[0.0, 1.0]], np.float32), np.array([0]))
    assert clamped["modified_entropy"][0] == pytest.approx(-2 * 30 * np.log(10))
    with pytest.raises(DataError, match="float32 or float64 probabilities, got float16"):
        values(p.astype(np.float16), np.array([0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [0, 2, 25])
@pytest.mark.parametrize("size", [30, 400])
def test_thresholds_are_those_of_the_naive_search_to_the_last_bit(dtype, levels, size):
    rng = np.random.default_rng(size + levels)
    sides = []
    for n, shift in ((size, 0.5), (size // 2 + 1, 0.0)):
        scores = rng.normal(size=n) + shift
        scores = -np.exp(5 * np.round(scores * levels) / levels) if levels else scores
        sides += [scores.astype(dtype), rng.integers(6, size=n)]
    members, of_members, nonmembers, of_nonmembers = sides
    of_members[of_members == 5] = 0  # a class of non-members alone, and one of nobody
    found = thresholds(*sides, classes=7)
    expected = [
        threshold_naive(members[of_members == c], nonmembers[of_nonmembers == c]) for c in range(7)
    ]
    assert found.per_class.tolist() == expected
    assert found.fallback.tolist() == [False] * 5 + [True, True]


def test_the_first_of_equally_good_cuts_wins_members_first():
    zeros = np.zeros(2, np.int64)
    members, nonmembers = np.array([2.0, 4.0]), np.array([3.0, 1.0])
    assert thresholds(members, zeros, nonmembers, zeros, classes=1).per_class[0] == 2.0
    assert thresholds(members[::-1], zeros, nonmembers, zeros, classes=1).per_class[0] == 4.0


def test_everybody_is_a_cut_and_nobody_is_none():
    zeros = np.zeros(1, np.int64)
    found = thresholds(np.array([1.0]), zeros, np.array([2.0]), zeros, classes=1)
    assert found.per_class.tolist() == [1.0]


def test_accuracies_have_the_scripts_rounding():
    rng = np.random.default_rng(0)
    inside, outside = rng.random(371) < 0.7, rng.random(113) < 0.4
    hits, spared = np.sum(inside), np.sum(~outside)
    assert accuracy(inside, outside) == 0.5 * (hits / 371.0 + spared / 113.0)
    assert correctness_accuracy(inside, outside) == 0.5 * (
        hits / 371.0 + 1 - (113 - spared) / 113.0
    )


def world(**arrays):
    p, labels = outputs(3, 40)
    member = np.random.default_rng(3).random(40) < 0.5
    return evidence({"labels": labels, "member": member, **(arrays or {"probabilities": p})})


@pytest.mark.parametrize("name", NAMES)
def test_scores_come_from_the_best_source_at_hand(name):
    p, labels = outputs(3, 40)
    logits = np.random.default_rng(4).normal(size=(40, 5)).astype(np.float32)
    score = TABLE[f"{name}@song_mittal_2021"].score
    for given, expected in (
        ({"probabilities": p}, values_naive(p, labels)),
        ({"logits": logits}, values_naive(softmax(logits), labels)),
        ({"probabilities": p[None, None].repeat(2, axis=1)}, values_naive(p, labels)),
    ):
        found = score(world(**given), np.array([0]), reference=None, options=NO_OPTIONS)
        assert np.array_equal(found, expected[name][None].astype(np.float64))


@pytest.mark.parametrize("name", NAMES)
def test_without_outputs_signals_serve(name):
    p, labels = outputs(3, 40, dtype=np.float64)
    p = 0.9 * p + 0.02
    from_p = world(probabilities=p)
    said = {k: v for k, v in from_p.signals.items() if k not in ("phi",)}
    from_signals = world(**{k: v[:, 0] for k, v in said.items()})
    found = values_of(from_signals, name, np.array([0]))
    assert found[0, 0] == pytest.approx(values_naive(p, labels)[name], rel=1e-9)


def test_what_is_missing_is_named():
    found = world(phi=np.zeros(40))
    with pytest.raises(DataError, match="entropy@song_mittal_2021 needs entropy, got"):
        values_of(found, "entropy", np.array([0]))


def test_the_table_says_how_cuts_are_fitted():
    assert {name: attack.fit for name, attack in TABLE.items() if attack.fit is not None} == {
        f"{name}@song_mittal_2021": thresholds for name in NAMES[1:]
    }
    assert all(attack.source and attack.differs for attack in TABLE.values())
