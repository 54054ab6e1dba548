import math

import numpy as np
import pytest

from pryproof.attacks import signal_kernels as kernels
from pryproof.attacks.signals import signals, signals_from_probabilities
from pryproof.checks import DataError
from pryproof.compiled import available
from reference.signals import signals_exact, signals_from_probabilities_exact

# methods section 14: logits, label, cross entropy, phi, modified entropy, entropy. Entropies of the
# last two rows are those of 250-digit arithmetic; the table prints 4.00235e-12 and 3.39868e-16.
GOLDEN = [
    ((2.0, 0.0, -1.0), 0, 0.16984601956, 1.6867383125, 0.042180988725, 0.52426661673),
    ((0.5, 0.5, 0.5), 2, 1.09861228867, -0.69314718056, 1.00271826452, 1.09861228867),
    ((-1.0, 3.0, 0.0), 0, 4.06588390376, -4.04858735157, 6.57550163190, 0.27431307367),
    ((30.0, 0.0, -1.0), 0, 1.28001e-13, 29.6867383125, 2.632583183e-26, 4.00245579505e-12),
    ((0.0, 40.0, 0.0), 0, 40.0, -40.0, 79.3068528194, 3.48365048934e-16),
]
NAMES = ["phi", "logp", "entropy", "log_mentropy", "correct"]
# what a logarithm loses near 0 is absolute; the other signals are right to 13 digits at any size
CLOSE = {
    "phi": {"rel": 1e-13, "abs": 5e-15},
    "logp": {"rel": 1e-13, "abs": 0.0},
    "entropy": {"rel": 1e-13, "abs": 0.0},
    "log_mentropy": {"rel": 1e-13, "abs": 5e-15},
    "correct": {"rel": 0.0, "abs": 0.0},
}

both_forms = pytest.mark.parametrize(
    "accelerate",
    [False, True] if available() else [False],
    ids=["numpy", "compiled"][: 1 + available()],
)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def rows(seed: int, classes: int, samples: int = 30, dtype: type = np.float64):
    """Return logits of every margin: flat ones, tied ones, confident ones right and wrong."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(samples, classes)) * rng.choice([0.01, 0.3, 3, 20], size=(samples, 1))
    labels = rng.integers(classes, size=samples)
    logits[: samples // 2, 0] += rng.normal(scale=20, size=samples // 2)
    logits[samples // 3 :: 7] = np.round(logits[samples // 3 :: 7] / 10)
    return logits.astype(dtype), labels


def agree(found: dict[str, np.ndarray], sample: int, exact: dict[str, float]) -> None:
    for name, value in exact.items():
        assert found[name][sample] == pytest.approx(value, **CLOSE[name]), (name, sample)


@both_forms
@pytest.mark.parametrize(("logits", "label", "loss", "phi", "modified", "entropy"), GOLDEN)
def test_known_values(logits, label, loss, phi, modified, entropy, accelerate):
    table, labels = np.array([logits]), np.array([label])
    for found in (
        signals(table, labels, accelerate=accelerate),
        signals_from_probabilities(softmax(table), labels, accelerate=accelerate),
    ):
        assert list(found) == NAMES
        assert -found["logp"][0] == pytest.approx(loss, rel=1e-6)
        assert found["phi"][0] == pytest.approx(phi, rel=1e-9)
        assert np.exp(found["log_mentropy"][0]) == pytest.approx(modified, rel=1e-9)
        assert found["entropy"][0] == pytest.approx(entropy, rel=1e-9)


@both_forms
def test_a_tie_for_the_largest_logit_goes_to_the_lowest_class(accelerate):
    found = signals(np.full((3, 3), 0.5), np.arange(3), accelerate=accelerate)
    assert found["correct"].tolist() == [1.0, 0.0, 0.0]
    zeros = np.array([[-1.0, -0.0, 0.0], [-1.0, 0.0, -0.0]])
    assert signals(zeros, np.array([1, 1]), accelerate=accelerate)["correct"].tolist() == [1.0, 1.0]


@both_forms
@pytest.mark.parametrize("classes", [2, 3, 17])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_many_digit_arithmetic_at_every_margin(classes, dtype, accelerate):
    logits, labels = rows(classes, classes, dtype=dtype)
    found = signals(logits, labels, accelerate=accelerate)
    for sample, (row, label) in enumerate(zip(logits.tolist(), labels.tolist(), strict=True)):
        agree(found, sample, signals_exact(row, label))


@both_forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_are_taken_at_their_word(dtype, accelerate):
    logits, labels = rows(7, 9)
    p = softmax(logits).astype(dtype)
    found = signals_from_probabilities(p, labels, accelerate=accelerate)
    for sample, (row, label) in enumerate(zip(p.tolist(), labels.tolist(), strict=True)):
        if 0 < row[label] < sum(row):
            agree(found, sample, signals_from_probabilities_exact(row, label))


@pytest.mark.skipif(not available(), reason="Numba is not installed")
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_both_forms_give_the_same_numbers(classes):
    logits, labels = rows(classes, classes, 400, np.float32)
    for compute, table in (
        (signals, logits),
        (signals, np.asfortranarray(logits)),
        (signals, logits.astype(np.float16)),
        (signals_from_probabilities, softmax(logits)),
    ):
        plain, fast = (compute(table, labels, accelerate=each) for each in (False, True))
        for name in NAMES:
            assert fast[name] == pytest.approx(plain[name], rel=1e-12, abs=1e-14), name


@pytest.mark.parametrize(
    ("function", "exact", "low", "high", "most"),
    [
        (kernels.exponential, math.exp, -1.0, 0.0, 2e-15),
        (kernels.exponential, math.exp, -100.0, 0.0, 2e-14),  # an error of 1 in the 16th digit of v
        (kernels.logarithm, math.log, 1e-300, 1.0, 2e-15),
        (kernels.logarithm, math.log, 1e-9, 1.0, 2e-15),
        (kernels.logarithm, math.log, 1.0, 1.5, 2e-15),
    ],
)
def test_polynomials_of_the_kernels(function, exact, low, high, most):
    points = np.linspace(low, high, 999)[1:-1].tolist()
    worst = max(abs(function(point) / exact(point) - 1) for point in points)
    assert worst < most


@pytest.mark.parametrize("share", [1e-12, 1 / 1024, 0.01, 1 / 16, 0.1, 1 / 8, 0.2, 1 / 4, 0.4, 0.5])
def test_surprise_picks_a_polynomial_that_is_exact_up_to_its_largest_share(share):
    for scale in (1.0, 0.37):
        weights = np.array([share, share / 3]) / scale
        found = kernels.surprise(weights, weights.view(np.int64)[0], scale)
        assert found == pytest.approx(-sum(p * math.log1p(-p) for p in weights * scale), rel=4e-15)


@both_forms
def test_modified_entropy_of_a_margin_of_300_nats(accelerate):
    logits = np.zeros((1, 100))
    logits[0, 0] = 300.0
    log_mentropy = signals(logits, np.array([0]), accelerate=accelerate)["log_mentropy"][0]
    assert log_mentropy == pytest.approx(np.log(99 + 99**2) - 600)
    assert np.exp(log_mentropy) == pytest.approx(2.6e-257, rel=0.02)


@both_forms
def test_margins_beyond_the_range_of_a_float_do_not_underflow(accelerate):
    logits = np.array([[200.0, 0, 0], [900.0, 0, 0], [0, 900.0, 0], [0, 0, 1e300]])
    found = signals(logits, np.zeros(4, np.int64), accelerate=accelerate)
    assert found["phi"] == pytest.approx([200 - np.log(2), 900 - np.log(2), -900, -1e300])
    assert np.isfinite(found["log_mentropy"]).all()
    assert found["log_mentropy"][1] < found["log_mentropy"][0] < -390
    assert found["entropy"][0] > 0


@both_forms
def test_confident_samples_do_not_tie_in_single_precision_input(accelerate):
    margins = np.linspace(25, 60, 500, dtype=np.float32)
    logits = np.zeros((500, 10), np.float32)
    logits[:, 0] = margins
    labels = np.zeros(500, np.int64)
    found = signals(logits, labels, accelerate=accelerate)
    assert np.all(np.diff(found["log_mentropy"]) < 0)
    # a float32 softmax is 1 from a margin of 20 on, but its other entries still tell
    told = signals_from_probabilities(softmax(logits), labels, accelerate=accelerate)
    assert np.all(np.diff(told["log_mentropy"]) < 0)
    assert told["phi"] == pytest.approx(found["phi"], rel=1e-6)


@both_forms
def test_what_a_sample_says_does_not_depend_on_the_others(accelerate):
    logits, labels = rows(2, 5, 30_000, np.float32)
    whole = signals(logits, labels, accelerate=accelerate)
    order = np.random.default_rng(0).permutation(len(labels))[:900]
    for name, values in signals(logits[order], labels[order], accelerate=accelerate).items():
        assert np.array_equal(whole[name][order], values), name


@both_forms
def test_probabilities_of_0_and_1_are_infinite_and_never_nan(accelerate):
    p = np.array([[1.0, 0, 0], [1.0, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0], [1, 1e-200, 0]])
    labels = np.array([0, 1, 2, 0, 0])
    found = signals_from_probabilities(p, labels, accelerate=accelerate)
    inf = np.inf
    assert found["phi"] == pytest.approx([inf, -inf, -inf, 0, np.log(1e200)])
    assert found["logp"] == pytest.approx([0, -inf, -inf, -np.log(2), -1e-200])
    assert found["entropy"] == pytest.approx([0, 0, np.log(2), np.log(2), 0], abs=1e-15)
    assert found["log_mentropy"] == pytest.approx([-inf, inf, inf, np.log(np.log(2)), -920.3409])
    assert found["correct"].tolist() == [1, 0, 0, 1, 1]


@both_forms
def test_rounding_of_probabilities_is_let_pass(accelerate):
    p = np.array([[np.nextafter(np.float32(1), np.float32(2)), -0.0], [0.4996, 0.5]], np.float32)
    found = signals_from_probabilities(p, np.array([0, 0]), accelerate=accelerate)
    assert found["phi"] == pytest.approx([np.inf, np.log(0.4996 / 0.5)], rel=1e-4)


@both_forms
@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([2.0, -1.0, 0.0], "a value outside"),
        ([0.5, np.nan, 0.5], "a value outside"),
        ([0.5, 0.5, 0.5], "the sum 1.5"),
        ([0.0, 0.0, 0.0], "the sum 0"),
    ],
)
def test_what_is_no_probability_is_refused_by_its_first_sample(row, why, accelerate):
    p = np.array([[0.25, 0.25, 0.5], row, [0.1, 0.1, 0.1]])
    with pytest.raises(DataError, match=rf"2 of 3 samples .*sample 1 has {why} .*look like logits"):
        signals_from_probabilities(p, np.zeros(3, np.int64), accelerate=accelerate)


@both_forms
def test_logits_that_look_like_probabilities_are_refused(accelerate):
    p = softmax(np.random.default_rng(0).normal(size=(100, 3))).astype(np.float32)
    with pytest.raises(DataError, match="Name the array probabilities"):
        signals(p, np.zeros(100, np.int64), accelerate=accelerate)
    p[99, 0] += 0.001
    assert len(signals(p, np.zeros(100, np.int64), accelerate=accelerate)["phi"]) == 100
    assert len(signals(np.array([[1.0, 0.0]]), np.array([0]))["phi"]) == 1  # one row may be either


@both_forms
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_unusable_logits_are_refused_by_their_first_sample(bad, column, accelerate):
    logits = np.zeros((5, 3))
    logits[3, column] = logits[4, 0] = bad
    with pytest.raises(DataError, match=r"2 of 5 samples .*sample 3.*half precision"):
        signals(logits, np.zeros(5, np.int64), accelerate=accelerate)


def test_logits_whose_difference_overflows_are_refused():
    with pytest.raises(DataError, match="1 of 1 samples"):
        signals(np.array([[1.7e308, -1.7e308]]), np.array([1]))


def test_no_samples_give_empty_signals():
    for compute in (signals, signals_from_probabilities):
        found = compute(np.zeros((0, 3)), np.zeros(0, np.int64))
        assert {len(values) for values in found.values()} == {0}


@pytest.mark.parametrize("compute", [signals, signals_from_probabilities])
def test_labels_and_classes_are_checked(compute):
    with pytest.raises(DataError, match=r"0\.\.2, got 3.*sample 1"):
        compute(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(DataError, match="at least 2 classes"):
        compute(np.zeros((2, 1)), np.zeros(2, np.int64))


@both_forms
def test_the_arguments_stay_as_they_were(accelerate):
    logits, labels = rows(1, 4)
    for compute, table in ((signals, logits), (signals_from_probabilities, softmax(logits))):
        before = table.copy()
        compute(table, labels, accelerate=accelerate)
        assert np.array_equal(table, before)
