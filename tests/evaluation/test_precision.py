from dataclasses import replace

import numpy as np
import pytest

from pryproof.checks import ConfigurationError
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.precision import precision_at, precision_of
from pryproof.records import Estimate

TPR = Estimate(value=0.5, low=0.4, high=0.6, n=100)
FPR = Estimate(value=0.01, low=0.005, high=0.02, n=1000)


@pytest.mark.parametrize(("prior", "expected"), [(0.01, 0.005 / 0.0149), (0.1, 0.05 / 0.059)])
def test_known_precision(prior: float, expected: float):
    for found in (precision_of(TPR, FPR, prior=prior), precision_at(TPR, 0.01, prior=prior)):
        assert found.value == pytest.approx(expected)
        assert found.low < found.value < found.high


def test_the_corners_bound_the_interval():
    found = precision_of(TPR, FPR, prior=0.1)
    corners = [p * 0.1 / (p * 0.1 + q * 0.9) for p, q in ((0.4, 0.02), (0.6, 0.005))]
    assert corners[0] < found.low < found.high < corners[1]


def test_a_known_fpr_leaves_the_tprs_interval():
    found = precision_at(TPR, 0.01, prior=0.1)
    assert found.low == pytest.approx(0.04 / (0.04 + 0.009))
    assert found.high == pytest.approx(0.06 / (0.06 + 0.009))


def test_wider_rates_widen_it():
    narrow = precision_of(TPR, FPR, prior=0.1)
    wide = precision_of(replace(TPR, low=0.2, high=0.8), FPR, prior=0.1)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_rates_of_zero():
    zero = Estimate(value=0.0, low=0.0, high=0.05, n=100)
    assert str(precision_of(zero, zero, prior=0.1)) == "not estimable (nobody is called a member)"
    never_wrong = precision_of(TPR, zero, prior=0.1)
    assert never_wrong.value == never_wrong.high == 1.0
    assert 0 < never_wrong.low < 1
    never_right = precision_of(zero, FPR, prior=0.1)
    assert never_right.value == never_right.low == 0.0
    assert 0 < never_right.high < 1


def test_what_is_missing_stays_missing():
    none = not_estimable("no cut was fitted")
    assert str(precision_of(none, FPR, prior=0.1)) == "not estimable (no cut was fitted)"
    assert str(precision_of(TPR, none, prior=0.1)) == "not estimable (no cut was fitted)"
    assert np.isnan(precision_at(none, 0.01, prior=0.1).value)


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_refusals(prior: float):
    with pytest.raises(ConfigurationError, match="prior lies between 0 and 1"):
        precision_of(TPR, FPR, prior=prior)
