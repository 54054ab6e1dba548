"""The nine statistics on pictures drawn by hand, and the regression against its own optimum."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.generation.pixel_statistics import NAMES, RIDGE, logistic_decision, pixel_statistics


def named(image: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, pixel_statistics(image[None])[0].tolist(), strict=True))


def test_a_flat_image_has_no_energy():
    facts = named(np.full((8, 8, 1), 51, dtype=np.uint8))
    assert [facts[name] for name in ("mean", "minimum", "maximum")] == pytest.approx([0.2] * 3)
    assert {facts[name] for name in NAMES if name.endswith("gradient")} == {0.0}
    assert facts["standard deviation"] == pytest.approx(0.0, abs=1e-12)
    assert facts["Laplacian"] == pytest.approx(0.0, abs=1e-12)
    assert facts["centre minus border"] == pytest.approx(0.0, abs=1e-12)


def test_vertical_stripes():
    image = np.zeros((8, 8, 1), dtype=np.uint8)
    image[:, ::2] = 255
    facts = named(image)
    assert facts["mean"] == facts["standard deviation"] == 0.5
    assert (facts["horizontal gradient"], facts["vertical gradient"]) == (1.0, 0.0)
    assert facts["Laplacian"] == pytest.approx(4.0)  # both neighbours in the row differ by one


def test_a_bright_centre_and_a_colour():
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[2:6, 2:6] = (255, 0, 0)
    facts = named(image)
    assert facts["centre minus border"] == pytest.approx(1 / 3)
    assert facts["saturation"] == pytest.approx(16 / 64)


def test_the_regression_is_at_its_optimum_and_honours_weights():
    draws = seeds.generator(0, "logistic")
    x = draws.normal(size=(200, 1))
    target = (draws.random(200) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(np.int64)
    weights = draws.random(200) + 0.1
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    decision = logistic_decision(x, target, weights, x)
    slope = (decision[0] - decision[1]) / (standard[0, 0] - standard[1, 0])
    residual = weights / weights.sum() * (1 / (1 + np.exp(-decision)) - target)
    assert residual.sum() == pytest.approx(0.0, abs=1e-8)
    assert (residual * standard[:, 0]).sum() + RIDGE * slope == pytest.approx(0.0, abs=1e-8)


def test_separable_domains_and_constant_statistics_stay_finite():
    x = np.column_stack([np.r_[np.zeros(20), np.ones(20)], np.full(40, 3.0)])
    target = np.repeat(np.array([0, 1]), 20)
    decision = logistic_decision(x, target, np.ones(40), x)
    assert np.isfinite(decision).all()
    assert ((decision > 0) == (target == 1)).all()
