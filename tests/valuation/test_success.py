import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.intervals import wilson
from pryproof.valuation.success import success_rate


def test_known_rates():
    decisions = np.zeros((100, 3), dtype=bool)
    decisions[:10, 0] = decisions[:, 2] = True
    rate, low, high = success_rate(decisions)
    assert rate.tolist() == [0.1, 0.0, 1.0]
    assert (low[0], high[0]) == pytest.approx((0.0552, 0.1744), abs=5e-5)
    assert (low[1], high[2]) == (0.0, 1.0)
    assert np.all(low < high)


def test_a_higher_confidence_is_wider():
    found = success_rate(np.eye(4, dtype=bool), confidence=0.99)
    assert found[2].tolist() == wilson(np.ones(4), 4, confidence=0.99)[1].tolist()
    assert found[2][0] > success_rate(np.eye(4, dtype=bool))[2][0]


def test_no_runs_are_refused():
    with pytest.raises(DataError, match="needs runs"):
        success_rate(np.zeros((0, 3), dtype=bool))
