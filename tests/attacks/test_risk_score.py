from dataclasses import replace

import numpy as np
import pytest

from pryproof.attacks import song_mittal_risk
from pryproof.attacks.evidence import evidence
from pryproof.attacks.risk_score import TABLE, Valued, risk_score
from pryproof.attacks.song_mittal_2021 import TABLE as DIALECT
from pryproof.checks import ConfigurationError, DataError
from pryproof.evaluation.roc import auc
from reference.risk_score import risk_naive
from reference.song_mittal_2021 import risk_scores_naive

ATTACKS = {"risk_score": TABLE["risk_score"], **DIALECT}
both = pytest.mark.parametrize("name", ["risk_score", "risk_score@song_mittal_2021"])


def valued(values, labels=None) -> Valued:
    values = np.asarray(values)
    labels = np.zeros(len(values), np.int64) if labels is None else labels
    return Valued(values=values, labels=labels)


def sides(seed: int, *, size: int = 60, classes: int = 3, levels: int = 0):
    rng = np.random.default_rng(seed)
    found = []
    for shift, n in ((-1.0, size), (0.0, size // 2), (-0.5, 40)):
        values = rng.normal(size=n) + shift
        values = np.round(values * levels) / levels if levels else values
        found.append(valued(values, rng.integers(classes, size=n)))
    return found


@pytest.mark.parametrize("levels", [0, 1, 4])
@pytest.mark.parametrize("bins", [1, 2, 5, 30])
def test_agrees_with_the_naive_score(levels, bins):
    members, nonmembers, judged = sides(bins, levels=levels)
    found = risk_score(members, nonmembers, judged, bins=bins)
    for value, label, score in zip(judged.values, judged.labels, found, strict=True):
        inside, outside = (side.values[side.labels == label] for side in (members, nonmembers))
        assert score == pytest.approx(risk_naive(inside, outside, value, bins))
    assert np.all((found > 0) & (found < 1))


def test_a_class_that_lacks_a_side_uses_all_classes():
    members, nonmembers, judged = sides(1, classes=2)
    strangers = Valued(values=judged.values, labels=judged.labels + 2)
    found = risk_score(members, nonmembers, strangers)
    for value, score in zip(strangers.values, found, strict=True):
        assert score == pytest.approx(risk_naive(members.values, nonmembers.values, value, 5))


def test_infinite_values_have_bins_too():
    inf = np.inf
    found = risk_score(valued([-inf, -inf, 1.0]), valued([0.0, 2.0, inf]), valued([-inf, inf]))
    assert found[0] > 0.5 > found[1]


def test_all_ties_say_nothing():
    found = risk_score(valued(np.ones(4)), valued(np.ones(4)), valued(np.ones(2)))
    assert found.tolist() == [0.5, 0.5]


def test_nobody_known_is_an_error():
    with pytest.raises(DataError, match="0 members and 1 non-members"):
        risk_score(valued(np.zeros(0)), valued([1.0]), valued([1.0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [0.1, 3.0, 12.0])
def test_the_dialect_agrees_with_the_naive_score(dtype, width):
    rng = np.random.default_rng(1)
    parts = [np.exp(rng.normal(size=n) * width - 3).astype(dtype) for n in (200, 90, 60)]
    found = song_mittal_risk.risk_score(*(valued(part) for part in parts))
    assert found == pytest.approx(risk_scores_naive(*parts), rel=1e-12)


def test_the_dialects_empty_bins_borrow_from_the_nearest_the_lower_first():
    # of five bins, two decades each, the first, the third and the last are filled
    members, nonmembers = valued([1e-10, 1e-10, 2e-6]), valued([1e-6, 1.0])
    judged = valued([1e-8, 0.0, 1e-6, 1e-4, 1e-3, 1.0, 99.0])
    found = song_mittal_risk.risk_score(members, nonmembers, judged)
    naive = risk_scores_naive(members.values, nonmembers.values, judged.values)
    assert found == pytest.approx(naive)
    assert found[1] == 1.0
    assert found[-1] == 0.0


def test_the_dialects_odd_classes():
    # single values are 1, whose logarithm and power are exact on every processor: the dialect loses
    # a single value that is rounded out of its bin
    members = valued([0.1, 1.0], np.array([0, 1]))
    nonmembers = valued([0.3, 1.0], np.array([0, 2]))
    judged = valued(np.full(4, 1.0), np.arange(4))
    found = song_mittal_risk.risk_score(members, nonmembers, judged)
    assert found[1:3].tolist() == [1.0, 0.0]
    assert np.isnan(found[3])
    same = song_mittal_risk.risk_score(valued([1.0]), valued([1.0]), valued([0.5, 1.0, 2.0]))
    assert same.tolist() == [0.5, 0.5, 0.5]
    with pytest.raises(DataError, match="finite"):
        song_mittal_risk.risk_score(valued([np.inf]), nonmembers, judged)


def world(seed: int, runs: int, *, leak: float = 3.0, samples: int = 300):
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=samples)
    member = np.array([rng.permutation(samples) < samples // 2 for _ in range(runs)])
    logits = rng.normal(size=(runs, samples, 3))
    logits[:, np.arange(samples), labels] += leak * member
    return evidence({"logits": logits, "labels": labels, "member": member})


def score(name, seen, targets, reference=None, **options):
    attack = ATTACKS[name]
    return attack.score(
        seen, np.asarray(targets), reference=reference, options={**attack.options, **options}
    )


@both
@pytest.mark.parametrize("runs", [1, 4])
def test_a_planted_leak_is_found_and_a_null_is_not(name, runs):
    for leak in (3.0, 0.0):
        seen = world(1, runs, leak=leak)
        found = score(name, seen, [0])[0]
        reached = auc(found[seen.member[0]], found[~seen.member[0]])
        assert reached > 0.75 if leak else reached == pytest.approx(0.5, abs=0.07)


@both
def test_the_judged_are_never_among_the_known(name):
    seen = world(2, 3)
    flipped = seen.member.copy()
    flipped[1] = ~flipped[1]
    there, gone = (score(name, each, [1]) for each in (seen, replace(seen, member=flipped)))
    assert np.array_equal(there, gone)


@both
def test_a_reference_is_what_is_known(name):
    seen, reference = world(3, 2), world(4, 1)
    found = score(name, seen, [0, 1], reference)
    other = score(name, world(3, 2, leak=0.0), [0], reference)
    assert found.shape == (2, 300)
    assert not np.array_equal(found[0], other[0])
    alone = replace(seen, member=~seen.member)
    assert np.array_equal(found, score(name, alone, [0, 1], reference))


def test_the_dialect_keeps_the_float_type_of_the_outputs():
    seen = world(5, 2)
    single = evidence(
        {
            "logits": seen.raw["logits"].astype(np.float32),
            "labels": seen.labels,
            "member": seen.member,
        }
    )
    name = "risk_score@song_mittal_2021"
    assert score(name, single, [0]) == pytest.approx(score(name, seen, [0]), abs=5e-3)
    assert not np.array_equal(score(name, single, [0]), score(name, seen, [0]))


def test_the_number_of_bins_is_checked():
    with pytest.raises(ConfigurationError, match="bins must be at least 1"):
        score("risk_score", world(6, 1), [0], bins=0.0)
    assert len(np.unique(score("risk_score", world(6, 2), [0], bins=1.0))) <= 3


def test_what_is_missing_is_named():
    seen = evidence({"phi": np.zeros((1, 4)), "member": np.array([[1, 1, 0, 0]])})
    with pytest.raises(DataError, match="risk_score needs log_mentropy, got phi"):
        score("risk_score", seen, [0])


def test_equal_values_tell_nothing_whatever_the_sides_numbers_are():
    members = Valued(values=np.full(7, 2.0), labels=np.arange(7) % 2)
    nonmembers = Valued(values=np.full(40, 2.0), labels=np.arange(40) % 2)
    judged = Valued(values=np.array([1.0, 2.0, 3.0]), labels=np.array([0, 1, 0]))
    assert risk_score(members, nonmembers, judged).tolist() == [0.5, 0.5, 0.5]
