import math

import numpy as np
import pytest

from pryproof.attacks.normal import log_cdf, log_density

# computed with 60 digits
KNOWN = [
    (-1e5, -5000000012.4318639983),
    (-40, -804.60844201375378817),
    (-8, -35.013437159914549896),
    (-2.5, -5.0816482772786904984),
    (-1, -1.8410216450092635058),
    (-0.001, -0.69394538346696517877),
    (0, -0.69314718055994530942),
    (0.001, -0.69234961427268824342),
    (1, -0.17275377902344988953),
    (2.5, -0.006229025485860002381),
    (4, -3.167174337748926386e-5),
    (8, -6.2209605742717860585e-16),
    (20, -2.7536241186062336951e-89),
    (37, -5.7255712225245768227e-300),
]


@pytest.mark.parametrize(("z", "expected"), KNOWN)
def test_known_values(z, expected):
    assert log_cdf(np.array([float(z)])) == pytest.approx([expected], rel=1e-14)


def test_golden_probabilities():
    # methods section 14: offline P[Z <= phi], spread per example and pooled over both sides
    z = np.array([1.5309310892, 2.5 / 1.2909944487])
    assert np.exp(log_cdf(z)) == pytest.approx([0.9371067877, 0.9735962443])


def test_agrees_with_the_error_function_where_that_has_digits():
    z = np.linspace(-8, 5, 400)
    expected = [math.log(math.erfc(-each / math.sqrt(2)) / 2) for each in z]
    assert log_cdf(z) == pytest.approx(expected, rel=1e-13, abs=1e-16)


def test_ends():
    found = log_cdf(np.array([-np.inf, np.inf, np.nan, 50.0, -1e200]))
    assert np.array_equal(found, [-np.inf, 0.0, np.nan, 0.0, -np.inf], equal_nan=True)


def test_never_decreases():
    assert (np.diff(log_cdf(np.linspace(-50, 39, 100_000))) >= 0).all()


def test_known_density():
    found = log_density(np.array([1.0]), np.array([3.0]), np.array([4.0]))
    assert found == pytest.approx([-0.125 - math.log(4 * math.sqrt(2 * math.pi))], rel=1e-15)


def test_a_distance_keeps_its_float_type_and_the_density_is_float64():
    x, mean, spread = (np.array([each], np.float32) for each in (0.1, 0.3, 0.7))
    z = float((x[0] - mean[0]) / spread[0])
    expected = -(z**2) / 2 - math.log(math.sqrt(2 * math.pi)) - float(np.log(spread[0]))
    found = log_density(x, mean, spread)
    assert found.dtype == np.float64
    assert found == pytest.approx([expected], rel=1e-15)
