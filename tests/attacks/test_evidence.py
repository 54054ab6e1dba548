import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.needed import signal
from pryproof.attacks.signals import signals
from pryproof.checks import DataError

RUNS, QUERIES, SAMPLES, CLASSES = 3, 2, 6, 4
DRAWS = np.random.default_rng(0)
LOGITS = DRAWS.normal(size=(RUNS, QUERIES, SAMPLES, CLASSES)).astype(np.float32)
LABELS = DRAWS.integers(CLASSES, size=SAMPLES)
MEMBER = DRAWS.random((RUNS, SAMPLES)) < 0.5


def test_every_form_of_logits_gives_the_same_signals():
    whole = evidence({"logits": LOGITS, "labels": LABELS, "member": MEMBER})
    assert whole.signals["phi"].shape == (RUNS, QUERIES, SAMPLES)
    expected = signals(LOGITS[1, 0], LABELS)
    for name, values in expected.items():
        assert np.array_equal(whole.signals[name][1, 0], values)
    one = evidence({"logits": LOGITS[1, 0], "labels": LABELS, "member": MEMBER[1]})
    runs = evidence({"logits": LOGITS[:, 0], "labels": LABELS, "member": MEMBER})
    queries = evidence({"logits": LOGITS[1], "labels": LABELS, "member": MEMBER[1]})
    assert np.array_equal(one.signals["phi"], whole.signals["phi"][1:2, :1])
    assert np.array_equal(runs.signals["phi"], whole.signals["phi"][:, :1])
    assert np.array_equal(queries.signals["phi"], whole.signals["phi"][1:2])
    assert whole.raw["logits"].dtype == np.float32


def test_phi_and_the_labels_probability_tell_each_other():
    phi = np.array([[-800.0, -3.0, 0.0, 5.0, 800.0]])
    member = np.zeros((1, 5), bool)
    logp = signal(evidence({"phi": phi, "member": member}), "logp", attack="one")[0, 0]
    assert logp.tolist() == pytest.approx(
        [-800.0, -np.log1p(np.exp(3.0)), -np.log(2), -np.log1p(np.exp(-5.0)), 0.0]
    )
    for name in ("p", "loss", "logp"):
        given = {"p": np.exp(logp), "loss": -logp, "logp": logp}[name][1:4]
        found = evidence({name: given[None], "member": member[:, :3]})
        assert found.signals["phi"][0, 0] == pytest.approx(phi[0, 1:4])
        assert signal(found, "logp", attack="one")[0, 0] == pytest.approx(logp[1:4])


def test_a_probability_of_0_or_1_is_infinite_not_nan():
    found = evidence({"p": [0.0, 1.0], "member": [False, True]}).signals
    assert found["phi"][0, 0].tolist() == [-np.inf, np.inf]


def test_a_population_has_its_own_samples():
    found = evidence(
        {
            "logits": LOGITS[:, 0],
            "labels": LABELS,
            "member": MEMBER,
            "population_logits": LOGITS[:, 1, :4],
            "population_labels": LABELS[:4],
        }
    ).population
    assert found.signals["phi"].shape == (RUNS, 1, 4)
    assert not found.member.any()
    assert np.array_equal(
        found.signals["logp"][2, 0], signals(LOGITS[2, 1, :4], LABELS[:4])["logp"]
    )


def test_arguments_stay_as_they_were():
    given = {"logits": LOGITS.copy(), "labels": LABELS.copy(), "member": MEMBER.copy()}
    evidence(given)
    assert np.array_equal(given["logits"], LOGITS)


GOOD = {"phi": np.zeros((2, 3)), "member": np.zeros((2, 3), bool)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"member": None}, "need an array 'member'"),
        ({"logit": np.zeros(3)}, "no array is called 'logit'.*Did you mean logits"),
        ({"member": np.zeros((2, 3, 1), bool)}, "member must be"),
        ({"member": np.full((2, 3), 2)}, "truth values"),
        ({"member": np.zeros((2, 0), bool)}, "not be empty"),
        ({"phi": np.zeros((2, 4))}, r"phi must be 3 samples.*\[2, 4\]"),
        ({"phi": np.zeros((3, 3))}, "of 2 runs"),
        ({"phi": np.full((2, 3), np.nan)}, "6 of 6 values are NaN"),
        ({"phi": np.full((2, 3), "a")}, "must hold numbers"),
        ({"p": np.full((2, 3), 1.5)}, r"p must lie in \[0, 1\]"),
        ({"loss": np.full((2, 3), -1.0), "phi": None}, "loss must not be negative"),
        ({"labels": np.zeros(4, int)}, "one label a sample"),
        ({"labels": np.array([0, 1, -1])}, "whole numbers from 0"),
        ({"labels": np.array([0, 0.5, 1])}, "whole numbers from 0"),
        ({"logits": np.zeros((2, 3, 4))}, "logits need an array 'labels'"),
        ({"group": np.zeros(3, int)}, "one whole number a run"),
        ({"population_p": np.zeros((3, 3))}, "of 2 runs"),
        ({"population_p": np.zeros((2, 0))}, "at least one sample"),
        ({"features": np.zeros(3)}, "width"),
    ],
)
def test_refusals(change, said):
    given = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(DataError, match=said):
        evidence(given)
