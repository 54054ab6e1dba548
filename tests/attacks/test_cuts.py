import numpy as np
import pytest

from pryproof.attacks.attack import Thresholds
from pryproof.attacks.cuts import fit_cuts
from pryproof.attacks.shrinkage import fit_shrunk
from pryproof.attacks.song_mittal_2021 import thresholds
from pryproof.attacks.threshold import fit
from pryproof.checks import DataError


def world(seed: int = 0, samples: int = 90):
    rng = np.random.default_rng(seed)
    member, labels = rng.random(samples) < 0.5, rng.integers(3, size=samples)
    return rng.normal(size=samples) + member + labels, labels, member


@pytest.mark.parametrize("rule", [fit, fit_shrunk, thresholds])
def test_per_class_cuts_are_those_of_the_rule(rule):
    scores, labels, member = world()
    found = fit_cuts(scores, labels, member, classes=3, fit=rule)
    expected = rule(scores[member], labels[member], scores[~member], labels[~member], classes=3)
    assert np.array_equal(found.per_class, expected.per_class)


def test_one_cut_serves_all_classes():
    scores, labels, member = world()
    overall = fit(scores[member], labels[member], scores[~member], labels[~member], classes=3)
    for found in (
        fit_cuts(scores, labels, member, classes=3, per_class=False),
        fit_cuts(scores, None, member, classes=3),
    ):
        assert found.per_class.tolist() == [overall.overall] * 3


def test_a_fixed_cut_is_not_fitted():
    found = fit_cuts(np.array([np.nan]), None, np.array([True]), classes=2, fixed_cut=0.5)
    assert found.per_class.tolist() == [0.5, 0.5]


def test_samples_without_a_score_are_left_out():
    scores, labels, member = world()
    whole = fit_cuts(scores[10:], labels[10:], member[10:], classes=3)
    scores[:10] = np.nan
    assert np.array_equal(fit_cuts(scores, labels, member, classes=3).per_class, whole.per_class)


def test_no_members_is_an_error():
    with pytest.raises(DataError, match="0 members and 2 non-members"):
        fit_cuts(np.ones(2), None, np.zeros(2, bool), classes=1)


def test_thresholds_are_a_record():
    assert isinstance(fit_cuts(*world(), classes=3), Thresholds)
