import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.quality import manifold as module
from pryproof.quality.manifold import coverage_of_reals, manifold


def features(seed: int, n: int, width: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


def naive(fakes: np.ndarray, reals: np.ndarray, k: int) -> tuple[float, float, float, float]:
    def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([[np.sqrt(np.sum((x - y) ** 2)) for y in b] for x in a])

    def radius(side: np.ndarray) -> np.ndarray:
        return np.sort(apart(side, side), axis=1)[:, k]  # the first is the image itself

    inside = apart(fakes, reals) <= radius(reals)
    backwards = apart(reals, fakes) <= radius(fakes)
    return (
        float(inside.any(axis=1).mean()),
        float(backwards.any(axis=1).mean()),
        float(inside.sum(axis=1).mean() / k),
        float(inside.any(axis=0).mean()),
    )


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("n", "m"), [(40, 40), (30, 50)])
def test_agrees_with_every_pair(n: int, m: int, k: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "ROWS", 7)
    fakes, reals = 0.8 * features(0, n) + 0.3, features(1, m)
    found = manifold(fakes, reals, k=k)
    values = [each.value for each in (found.precision, found.recall, found.density, found.coverage)]
    assert values == pytest.approx(naive(fakes, reals, k))


def test_reals_against_reals_have_density_one_and_the_known_coverage():
    density, coverage = [], []
    for seed in range(40):
        found = manifold(features(seed, 100), features(1000 + seed, 150), k=3)
        density.append(found.density)
        coverage.append(found.coverage)
    expected = coverage_of_reals(100, 150, k=3)
    assert np.mean([each.value for each in density]) == pytest.approx(1, abs=0.03)
    assert np.mean([each.value for each in coverage]) == pytest.approx(expected, abs=0.02)
    assert np.mean([each.contains(1.0) for each in density]) >= 0.85
    assert np.mean([each.contains(expected) for each in coverage]) >= 0.8


def test_coverage_law():
    assert coverage_of_reals(1, 2, k=1) == pytest.approx(0.5)
    assert coverage_of_reals(10**6, 10**6, k=5) == pytest.approx(1 - 2**-5, abs=1e-5)


def test_dropped_modes_lower_recall_and_coverage_but_not_precision():
    reals = np.concatenate([features(0, 100), features(1, 100) + 20.0])
    fakes = features(2, 200)
    found, whole = (
        manifold(side, reals) for side in (fakes, np.concatenate([fakes[:100], fakes[100:] + 20.0]))
    )
    assert found.recall.value < 0.6 < whole.recall.value
    assert found.coverage.value <= 0.5 < whole.coverage.value
    assert found.precision.value > 0.8


def test_poor_fakes_lower_precision_and_density_but_not_recall():
    fakes = np.concatenate([features(2, 100), features(3, 100) + 50.0])
    found = manifold(fakes, features(0, 200))
    assert found.precision.value <= 0.5
    assert found.density.value < 0.7
    assert found.recall.value > 0.8


def test_copies_lie_within_balls_of_no_width():
    """Doubled images have balls of radius 0, and a copy lies on their rim."""
    reals = np.repeat(features(0, 20) * 1000 + 1e4, 2, axis=0)
    found = manifold(reals[::2].copy(), reals, k=1)
    assert found.precision.value == found.coverage.value == 1.0
    assert found.density.value == 2.0


def test_refusals():
    with pytest.raises(ConfigurationError, match=r"E044.*k must be 1 or more, got 0"):
        manifold(features(0, 9), features(1, 9), k=0)
    with pytest.raises(DataError, match=r"E045.*6 images a side, got 5 fakes and 9 reals"):
        manifold(features(0, 5), features(1, 9))
    with pytest.raises(DataError, match=r"E056.*fakes.*NaN"):
        manifold(np.full((9, 2), np.nan), features(1, 9, 2))
