import numpy as np
import pytest

from pryproof.quality import kernel_distance as module
from pryproof.quality.kernel_distance import kernel_distance


def features(seed: int, n: int, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


def naive(first: np.ndarray, second: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    def among(side: np.ndarray) -> float:
        pairs = [(i, j) for i in range(len(side)) for j in range(len(side)) if i != j]
        return float(np.mean([kernel(side[i], side[j]) for i, j in pairs]))

    between = np.mean([[kernel(x, y) for y in second] for x in first])
    return among(first) + among(second) - 2 * float(between)


@pytest.mark.parametrize(("n", "m"), [(20, 20), (43, 27)])
def test_agrees_with_every_pair(n: int, m: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "ROWS", 3)
    first, second = features(0, n), 1.2 * features(1, m) + 0.1
    assert kernel_distance(first, second, seed=0).value == pytest.approx(naive(first, second))


def test_the_interval_is_that_of_leaving_groups_out():
    first, second = features(0, 40), features(1, 40) + 0.2
    found = kernel_distance(first, second, seed=3, groups=4)
    groups = [module.dealt_groups(40, 4, 3, name) for name in ("first", "second")]
    without = [naive(first[groups[0] != group], second[groups[1] != group]) for group in range(4)]
    error = np.sqrt(3 / 4 * np.sum((without - np.mean(without)) ** 2))
    assert found.high - found.value == pytest.approx(3.1824 * error, rel=1e-3)
    assert found.method == "jackknife, 4 groups"


def test_no_bias_without_a_difference():
    values = [
        kernel_distance(features(seed, 50), features(1000 + seed, 50), seed=0).value
        for seed in range(100)
    ]
    error = np.std(values) / 10
    assert abs(np.mean(values)) < 3 * error
    assert min(values) < 0


@pytest.mark.parametrize(("shift", "least", "most"), [(0.0, 0.94, 1.0), (0.4, 0.87, 1.0)])
def test_the_interval_holds_the_truth(shift: float, least: float, most: float):
    truth = 0.0
    if shift:
        truth = kernel_distance(features(1, 3000), features(2, 3000) + shift, seed=0).value
    studies = [
        kernel_distance(features(10 + s, 100), features(500 + s, 100) + shift, seed=s)
        for s in range(60)
    ]
    assert least <= np.mean([each.contains(truth) for each in studies]) <= most


def test_further_is_higher():
    values = [
        kernel_distance(features(0, 100), features(1, 100) + shift, seed=0).value
        for shift in (0.0, 0.3, 0.6)
    ]
    assert values[0] < values[1] < values[2]


def test_float32_is_measured_as_well():
    first, second = features(0, 100).astype(np.float32), features(1, 100).astype(np.float32)
    wide = kernel_distance(first.astype(np.float64), second.astype(np.float64), seed=0)
    assert kernel_distance(first, second, seed=0).value == pytest.approx(wide.value, abs=1e-6)


def test_too_few_images_are_said_to_be_too_few():
    found = kernel_distance(features(0, 19), features(1, 50), seed=0)
    assert str(found) == "not estimable (an interval needs 20 images a side, there are 19)"
