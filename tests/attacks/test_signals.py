import numpy as np
import pytest

from pryproof.attacks.signals import signals
from pryproof.checks import DataError
from reference.signals import signals_exact

# methods section 14: logits, label, cross entropy, phi, modified entropy
GOLDEN = [
    ((2.0, 0.0, -1.0), 0, 0.16984601956, 1.6867383125, 0.042180988725),
    ((0.5, 0.5, 0.5), 2, 1.09861228867, -0.69314718056, 1.00271826452),
    ((-1.0, 3.0, 0.0), 0, 4.06588390376, -4.04858735157, 6.57550163190),
    ((30.0, 0.0, -1.0), 0, 1.28001e-13, 29.6867383125, 2.632583183e-26),
    ((0.0, 40.0, 0.0), 0, 40.0, -40.0, 79.3068528194),
]


@pytest.mark.parametrize(("logits", "label", "loss", "phi", "modified"), GOLDEN)
def test_known_values(
    logits: tuple[float, ...], label: int, loss: float, phi: float, modified: float
):
    found = signals(np.array([logits]), np.array([label]))
    assert -found["logp"][0] == pytest.approx(loss, rel=1e-6)
    assert found["phi"][0] == pytest.approx(phi, rel=1e-9)
    assert np.exp(found["log_mentropy"][0]) == pytest.approx(modified, rel=1e-9)


def test_entropy_known_values():
    logits = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [-1.0, 3.0, 0.0], [30.0, 0.0, -1.0]])
    found = signals(logits, np.zeros(4, np.int64))["entropy"]
    assert found == pytest.approx([0.52426661673, 1.09861228867, 0.27431307367, 4.00245e-12])


def test_a_tie_for_the_largest_logit_goes_to_the_lowest_class():
    found = signals(np.full((3, 3), 0.5), np.arange(3))
    assert found["correct"].tolist() == [1.0, 0.0, 0.0]


def test_agrees_with_many_digit_arithmetic_at_every_margin():
    rng = np.random.default_rng(1)
    rows = [rng.normal(size=4) * scale for scale in (0.1, 1, 5, 20, 100) for _ in range(4)]
    labels = rng.integers(4, size=len(rows))
    found = signals(np.array(rows), labels)
    for sample, (row, label) in enumerate(zip(rows, labels, strict=True)):
        for name, value in signals_exact(row.tolist(), int(label)).items():
            assert found[name][sample] == pytest.approx(value, rel=1e-12, abs=1e-300), (name, row)


def test_modified_entropy_of_a_margin_of_300_nats():
    logits = np.zeros((1, 100))
    logits[0, 0] = 300.0
    log_mentropy = signals(logits, np.array([0]))["log_mentropy"][0]
    assert log_mentropy == pytest.approx(np.log(99 + 99**2) - 600)
    assert np.exp(log_mentropy) == pytest.approx(2.6e-257, rel=0.02)


def test_margins_beyond_the_range_of_a_float_do_not_underflow():
    found = signals(np.array([[200.0, 0, 0], [900.0, 0, 0]]), np.zeros(2, np.int64))
    assert found["phi"] == pytest.approx([200 - np.log(2), 900 - np.log(2)])
    assert np.isfinite(found["log_mentropy"]).all()
    assert found["log_mentropy"][1] < found["log_mentropy"][0] < -390


def test_confident_samples_do_not_tie_in_single_precision_input():
    margins = np.linspace(25, 60, 500, dtype=np.float32)
    logits = np.zeros((500, 10), np.float32)
    logits[:, 0] = margins
    found = signals(logits, np.zeros(500, np.int64))
    assert len(np.unique(found["log_mentropy"])) == len(np.unique(margins))
    assert np.all(np.diff(found["log_mentropy"]) < 0)


def test_blocks_of_rows_give_what_single_rows_give():
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(size=(5000, 5)), rng.integers(5, size=5000)
    whole = signals(logits, labels)
    for name, values in signals(logits[4990:], labels[4990:]).items():
        assert np.array_equal(whole[name][4990:], values)


def test_no_samples_give_empty_signals():
    found = signals(np.zeros((0, 3)), np.zeros(0, np.int64))
    assert {len(values) for values in found.values()} == {0}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_unusable_logits_are_refused_by_their_first_sample(bad: float):
    logits = np.zeros((5, 3))
    logits[3, 1] = logits[4, 0] = bad
    with pytest.raises(DataError, match=r"2 of 5 samples .*sample 3.*half precision"):
        signals(logits, np.zeros(5, np.int64))


def test_labels_and_classes_are_checked():
    with pytest.raises(DataError, match=r"0\.\.2, got 3.*sample 1"):
        signals(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(DataError, match="at least 2 classes"):
        signals(np.zeros((2, 1)), np.zeros(2, np.int64))
