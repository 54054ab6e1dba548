"""A claim holds only where the interval says so, and a false one is caught."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.evaluation.arms import difference
from pryproof.recipes.claims import FAILS, HOLDS, UNKNOWN, Claim, check
from pryproof.records import Estimate

FALLS = Claim(name="falls", sentence="It falls.", quantity="change", side="below")
MORE = Claim(name="more", sentence="More than half.", quantity="share", side="above", bar=0.5)


def found(low: float, value: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=10)


@pytest.mark.parametrize(
    ("claim", "estimate", "verdict"),
    [
        (FALLS, found(-0.3, -0.2, -0.1), HOLDS),
        (FALLS, found(0.1, 0.2, 0.3), FAILS),
        (FALLS, found(-0.3, -0.1, 0.1), UNKNOWN),
        (FALLS, found(-0.3, -0.2, 0.0), UNKNOWN),
        (MORE, found(0.51, 0.6, 0.7), HOLDS),
        (MORE, found(0.3, 0.4, 0.49), FAILS),
        (MORE, found(0.4, 0.6, 0.7), UNKNOWN),
        (MORE, found(np.nan, np.nan, np.nan), UNKNOWN),
    ],
)
def test_the_whole_interval_decides(claim: Claim, estimate: Estimate, verdict: str):
    assert check(claim, estimate).verdict == verdict


def test_a_planted_effect_turned_round_does_not_hold():
    draws = seeds.generator(0, "claims")
    undefended = draws.normal(size=(3, 200)) + 1.0
    defended = draws.normal(size=(3, 200))
    assert check(FALLS, difference(undefended, defended)).verdict == HOLDS
    assert check(FALLS, difference(defended, undefended)).verdict == FAILS


def test_where_nothing_differs_the_claim_is_rarely_called_true():
    called = 0
    for study in range(200):
        draws = seeds.generator(study, "nothing")
        arms = draws.normal(size=(2, 3, 50))
        called += check(FALLS, difference(*arms)).verdict == HOLDS
    assert called <= 10  # 2.5% of 200, two standard errors above
