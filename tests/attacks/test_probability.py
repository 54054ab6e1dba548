import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.probability import ROWS, log_probability, probability, softmax_of_label
from reference.signals import signals_exact


def logits_of(samples: int, kind=np.float64, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=4, size=(2, 1, samples, 3)).astype(kind), rng.integers(3, size=samples)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_logarithm_is_exact_at_every_temperature(temperature: float):
    logits, labels = logits_of(8)
    logits[0, 0, 0] = [0.0, 90.0, -90.0]
    seen = evidence({"logits": logits, "labels": labels, "member": np.zeros((2, 8), bool)})
    found = log_probability(seen, temperature=temperature, attack="rmia")
    for run, x in np.ndindex(2, 8):
        exact = signals_exact((logits[run, 0, x] / temperature).tolist(), int(labels[x]))["logp"]
        assert found[run, 0, x] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_softmax_keeps_its_type(kind):
    logits, labels = logits_of(ROWS + 5, kind)
    found = softmax_of_label(logits, labels, temperature=1.0)
    assert found.dtype == kind
    weights = np.exp(logits.astype(np.float64))
    expected = weights[..., np.arange(ROWS + 5), labels] / weights.sum(axis=-1)
    assert found == pytest.approx(expected, rel=1e-5 if kind == np.float32 else 1e-12)


def test_the_best_source_is_taken_as_it_is():
    p = np.array([[0.25, 0.5]], np.float32)
    given = {"member": np.zeros((1, 2), bool), "labels": np.array([0, 1])}
    rows = np.array([[[0.25, 0.75], [0.5, 0.5]]], np.float32)
    for arrays in ({"p": p}, {"probabilities": rows}, {"p": p, "logits": 9 * rows}):
        found = probability(evidence({**given, **arrays}), attack="rmia")
        assert found.dtype == np.float32
        assert found.tolist() == [p.tolist()]
    found = probability(evidence({**given, "loss": -np.log(p.astype(np.float64))}), attack="rmia")
    assert found == pytest.approx(p[None])
