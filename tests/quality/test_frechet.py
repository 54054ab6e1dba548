import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.quality.frechet import Gaussian, frechet, frechet_distance, gaussian


def features(seed: int, n: int, width: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)) * scale


def naive(first: np.ndarray, second: np.ndarray) -> float:
    """Take the matrix square roots, each by an eigen-decomposition."""

    def root(matrix: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T

    s1, s2 = np.cov(first.T), np.cov(second.T)
    shared = root(root(s1) @ s2 @ root(s1))
    shift = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    return float(shift + np.trace(s1 + s2 - 2 * shared))


@pytest.mark.parametrize(("n", "m", "width"), [(60, 50, 6), (300, 40, 20), (12, 9, 30)])
def test_agrees_with_matrix_square_roots(n: int, m: int, width: int):
    first, second = features(0, n, width), features(1, m, width, 1.5) + 0.3
    found = frechet(gaussian(first), gaussian(second))
    assert found == pytest.approx(naive(first, second), rel=1e-6)


@pytest.mark.parametrize(("n", "width"), [(50, 6), (9, 30)])
def test_equal_features_are_at_no_distance(n: int, width: int):
    one = gaussian(features(0, n, width))
    assert frechet(one, one) == pytest.approx(0, abs=1e-12)


def test_a_shift_counts_by_its_square():
    one = features(0, 50, 6)
    assert frechet(gaussian(one), gaussian(one + 2.0)) == pytest.approx(6 * 4.0)


def test_diagonal_covariances_differ_by_their_standard_deviations():
    a, b = np.array([1.0, 2.0, 0.0]), np.array([4.0, 2.0, 3.0])
    one, other = (Gaussian(mean=np.zeros(3), root=np.diag(each), n=9) for each in (a, b))
    assert frechet(one, other) == pytest.approx(np.sum((a - b) ** 2))


def test_float32_features_far_from_zero_are_not_cut_off():
    wide = features(0, 200, 4) + 1000.0
    narrow = wide.astype(np.float32)
    assert gaussian(narrow).root.dtype == np.float64
    other = features(1, 200, 4) + 1000.0
    found = [frechet(gaussian(side), gaussian(other)) for side in (wide, narrow)]
    assert found[1] == pytest.approx(found[0], rel=1e-3)


def test_both_sides_play_the_same_part():
    one, other = gaussian(features(0, 50, 6)), gaussian(features(1, 70, 6, 2.0))
    assert frechet(one, other) == pytest.approx(frechet(other, one))


def test_the_bias_in_n_is_taken_off():
    """Of two samples of one distribution FD is positive; without the bias it is about 0."""
    at_n, unlimited = [], []
    for seed in range(30):
        found = frechet_distance(features(seed, 200, 10), features(100 + seed, 200, 10), seed=0)
        at_n.append(found.at_n.value)
        unlimited.append(found.unlimited.value)
    assert np.mean(at_n) > 0.3
    assert abs(np.mean(unlimited)) < 0.1 * np.mean(at_n)


def test_the_interval_holds_the_mean_over_draws():
    """Of distributions that differ: 95% nominal, 60 draws have a standard error of 3%."""

    def study(seed: int, n: int = 200):
        rng = np.random.default_rng([5, seed])
        first, second = rng.normal(size=(n, 5)), 1.4 * rng.normal(size=(n, 5)) + 0.5
        return frechet_distance(first, second, seed=seed)

    studies = [study(seed) for seed in range(60)]
    mean = np.mean([each.at_n.value for each in studies])
    truth = 5 * (0.25 + 0.16)
    assert np.mean([each.at_n.contains(mean) for each in studies]) >= 0.87
    assert np.mean([each.unlimited.contains(truth) for each in studies]) >= 0.87
    width = np.mean([each.at_n.high - each.at_n.low for each in studies])
    assert width < 2 * 4.53 * np.std([each.at_n.value for each in studies])


def test_too_few_images_are_said_to_be_too_few():
    wide = frechet_distance(features(0, 100, 30), features(1, 100, 30), seed=0)
    assert str(wide.unlimited) == (
        "not estimable (the bias is known from 4 images a feature on, here 100 for 30)"
    )
    assert wide.at_n.value > 0
    few = frechet_distance(features(0, 19, 3), features(1, 100, 3), seed=0)
    assert str(few.at_n) == "not estimable (an interval needs 20 images a side, there are 19)"


def test_the_seed_fixes_the_groups():
    sides = features(0, 100, 3), features(1, 100, 3)
    first, again, other = (frechet_distance(*sides, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.at_n.value == other.at_n.value
    assert first.at_n.high != other.at_n.high


def test_refusals():
    with pytest.raises(DataError, match=r"E056.*1 of 10 are NaN"):
        gaussian(np.array([[np.nan] + [0.0] * 9]))
    with pytest.raises(DataError, match=r"E045.*2 images"):
        gaussian(np.zeros((1, 3)))
