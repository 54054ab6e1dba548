from dataclasses import replace

import numpy as np
import pytest

from pryproof.checks import ConfigurationError
from pryproof.evaluation.estimates import auc_estimate
from pryproof.evaluation.self_test import corrected_confidence, self_test
from pryproof.records import Estimate

FAIR = Estimate(value=0.51, low=0.47, high=0.55, n=500, confidence=0.975)


def test_confidence_grows_with_the_number_of_comparisons():
    assert corrected_confidence(1) == pytest.approx(0.95)
    assert corrected_confidence(20) == pytest.approx(0.9975)
    assert corrected_confidence(4, level=0.2) == pytest.approx(0.95)


def test_one_line_away_from_chance_fails_the_whole():
    leak = replace(FAIR, value=0.58, low=0.53, high=0.63)
    found = self_test([("confidence", FAIR), ("lira", leak)])
    assert [(line.label, line.holds) for line in found.lines] == [
        ("confidence", True),
        ("lira", False),
    ]
    assert not found.passed
    assert self_test([("confidence", FAIR), ("entropy", FAIR)]).passed


def test_below_chance_is_as_suspicious_as_above():
    odd = replace(FAIR, value=0.4, low=0.35, high=0.45)
    assert not self_test([("confidence", FAIR), ("entropy", odd)]).passed


def test_what_was_not_measured_does_not_hold():
    nan = float("nan")
    missing = Estimate(value=nan, low=nan, high=nan, n=0, confidence=0.95, method="no shadow")
    assert not self_test([("lira", missing)]).passed


def test_a_sound_study_rarely_fails():
    rng = np.random.default_rng(0)
    confidence = corrected_confidence(8)
    failed = 0
    for _ in range(200):
        scores = rng.normal(size=(8, 1, 200))
        lines = [
            (f"attack {k}", auc_estimate(row[:, :100], row[:, 100:], confidence=confidence))
            for k, row in enumerate(scores)
        ]
        failed += not self_test(lines).passed
    assert failed / 200 <= 0.09  # 0.05, and three standard errors of 200 studies


def test_refusals():
    with pytest.raises(ConfigurationError, match=r"confidence 0\.950000, got 0\.975000.*lira"):
        self_test([("lira", FAIR)])
    with pytest.raises(ConfigurationError, match="got 0"):
        self_test([])
