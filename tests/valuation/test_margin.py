from dataclasses import dataclass

import numpy as np
import pytest

from pryproof.attacks.threshold import Thresholds, decide, fit
from pryproof.checks import DataError
from pryproof.valuation.margin import (
    absolute_margin,
    excess_margin,
    percentile_margin,
    signed_margin,
)


def cuts(per_class: list[float], overall: float) -> Thresholds:
    return Thresholds(
        per_class=np.array(per_class),
        overall=overall,
        fallback=np.zeros(len(per_class), dtype=bool),
    )


def test_known_margins():
    log_mentropy = np.log([0.5, 0.5, 2.0])
    found = signed_margin(
        log_mentropy, np.array([0, 1, 1]), cuts([-np.log(1.0), -np.log(4.0)], 0.0)
    )
    assert found == pytest.approx([np.log(2), np.log(8), np.log(2)])


def test_positive_on_the_side_the_attack_calls_members():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=200)
    members, others = rng.normal(-2, 2, size=200), rng.normal(0, 2, size=200)
    fitted = fit(-members, labels, -others, labels, classes=3)
    called = decide(-members, labels, fitted)
    assert np.array_equal(signed_margin(members, labels, fitted) >= 0, called)


def test_infinite_cuts_fall_back():
    log_mentropy, labels = np.array([-3.0, -3.0]), np.array([0, 1])
    assert signed_margin(log_mentropy, labels, cuts([np.inf, 1.0], 2.0)).tolist() == [1.0, 2.0]
    assert signed_margin(log_mentropy, labels, cuts([np.inf, 1.0], np.inf)).tolist() == [3.0, 2.0]


def test_any_object_with_cuts_will_do():
    @dataclass(frozen=True)
    class Mine:
        per_class: np.ndarray
        overall: float

    assert signed_margin(np.array([-1.0]), np.array([0]), Mine(np.array([0.25]), 0.0))[0] == 0.75


def test_excess_is_what_strangers_do_not_show():
    rng = np.random.default_rng(1)
    ease, exposure = rng.normal(scale=4, size=50), rng.random(50)
    found = excess_margin((ease + exposure)[None], np.stack([ease - 1, ease + 1]))
    assert found[0] == pytest.approx(exposure)


def test_refusals():
    with pytest.raises(DataError, match=r"sample 1"):
        signed_margin(np.array([0.0, np.nan]), np.zeros(2, np.int64), cuts([0.0], 0.0))
    with pytest.raises(DataError, match="got 0 such runs"):
        excess_margin(np.ones((2, 3)), np.ones((0, 3)))
    with pytest.raises(DataError, match="finite margins"):
        excess_margin(np.ones((2, 3)), np.full((1, 3), np.nan))


def test_the_literal_margin_calls_riskiest_what_the_attack_misses():
    signed, cut = np.array([[3.0, -3.0, 0.0]]), np.zeros((1, 3))
    found = absolute_margin(signed, cut)[0]
    assert found[1] > found[0] > found[2]
    assert found == pytest.approx([1 - np.exp(-3), np.exp(3) - 1, 0.0])


def test_percentiles_are_shares_of_the_class():
    found = percentile_margin(
        np.array([1.0, 1.0, 5.0]),
        np.array([0, 1, 2]),
        np.array([0.0, 2.0, 1.0, 1.0]),
        np.array([0, 0, 1, 1]),
    )
    assert found.tolist() == [0.5, 0.5, 1.0]
    with pytest.raises(DataError, match="reference non-members, got none"):
        percentile_margin(np.zeros(1), np.zeros(1, int), np.zeros(0), np.zeros(0, int))


def test_a_sample_without_a_stranger_is_named():
    with pytest.raises(DataError, match="1 of 2 samples have none - sample 1"):
        excess_margin(np.zeros((1, 2)), np.array([[0.0, np.nan]]))
