import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.leakage import feature_likelihood as module
from pryproof.leakage.feature_likelihood import feature_likelihood


def features(seed: int, n: int, width: int = 4) -> np.ndarray:
    return np.random.default_rng([4, seed]).normal(size=(n, width))


def with_copies(share: float, n: int = 100):
    fakes, train, held_out = (features(seed, n) for seed in (0, 1, 2))
    copied = round(share * n)
    fakes[:copied] = train[:copied] + 0.01 * features(3, copied)
    return fakes, train, held_out


def density(point: np.ndarray, fakes: np.ndarray, variances: np.ndarray) -> float:
    """Sum the mixture of Gaussians term by term."""
    width, total = len(point), 0.0
    for fake, variance in zip(fakes, variances, strict=True):
        square = np.sum((point - fake) ** 2)
        total += np.exp(-square / (2 * variance)) / (2 * np.pi * variance) ** (width / 2)
    return total / len(fakes)


def test_the_divergence_is_that_of_the_mixture(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "ROWS", 7)
    fakes, train, held_out = with_copies(0.1, n=30)
    scaled = module._scaled(fakes, train, held_out)
    variances = module._fitted(module._squares(scaled[1], scaled[0]), 4)
    found = feature_likelihood(fakes, train, held_out)
    for estimate, side in ((found.train, scaled[1]), (found.held_out, scaled[2])):
        logs = [np.log(density(point, scaled[0], variances)) for point in side]
        assert estimate.value == pytest.approx(-100 / 4 * np.mean(logs))
    assert found.gap.value == pytest.approx(found.held_out.value - found.train.value)


def test_the_fit_climbs_to_the_top(monkeypatch: pytest.MonkeyPatch):
    """No single width can be changed for the better, but those that explain no image."""
    fakes, train, held_out = with_copies(0.0, n=20)
    scaled = module._scaled(fakes, train, held_out)
    squares = module._squares(scaled[1], scaled[0])
    monkeypatch.setattr(module, "ROUNDS", 500)
    variances = module._fitted(squares, 4)
    best = module._divergence(squares, variances, 4).mean()
    for place in range(20):
        for factor in (0.9, 1.1):
            moved = variances.copy()
            moved[place] = max(moved[place] * factor, module.NARROWEST**2)
            assert module._divergence(squares, moved, 4).mean() >= best - 1e-6


@pytest.mark.slow
def test_without_copies_there_is_no_excess_though_a_gap():
    gaps, excess = [], []
    for s in range(60):
        sides = (features(10 + 3 * s + at, 80) for at in range(3))
        found = feature_likelihood(*sides)
        gaps.append(found.gap.value)
        excess.append(found.excess)
    values = np.array([each.value for each in excess])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(60)
    assert np.mean(gaps) > 3 * np.std(gaps) / np.sqrt(60)
    assert np.mean([each.contains(0.0) for each in excess]) > 0.87


def test_copies_are_found_the_more_there_are():
    found = [feature_likelihood(*with_copies(share)) for share in (0.0, 0.1, 0.5)]
    values = [each.excess.value for each in found]
    assert values[0] < values[1] < values[2]
    assert found[1].excess.low > 0
    assert found[2].gap.low > 0


def test_exact_copies_stay_finite():
    fakes, train, held_out = with_copies(0.0)
    fakes[:50] = train[:50]
    found = feature_likelihood(fakes, train, held_out)
    assert np.isfinite(found.gap.value)
    assert found.excess.low > 0


def test_exchanging_train_and_held_out_turns_the_excess():
    fakes, train, held_out = with_copies(0.2)
    one, other = (
        feature_likelihood(fakes, train, held_out),
        feature_likelihood(fakes, held_out, train),
    )
    assert one.excess.value == pytest.approx(-other.excess.value)


def test_scale_and_place_of_features_change_nothing():
    fakes, train, held_out = with_copies(0.2)
    by = np.array([1.0, 100.0, 0.01, 5.0])
    moved = feature_likelihood(*(side * by + 7.0 for side in (fakes, train, held_out)))
    assert moved.excess.value == pytest.approx(
        feature_likelihood(fakes, train, held_out).excess.value, rel=1e-6
    )


def test_a_feature_that_does_not_vary_is_harmless():
    sides = [np.column_stack([side, np.ones(100)]) for side in with_copies(0.2)]
    assert feature_likelihood(*sides).excess.low > 0


def test_refusals():
    with pytest.raises(DataError, match=r"E028.*equally many.*got 9 and 8"):
        feature_likelihood(features(0, 9), features(1, 9), features(2, 8))
