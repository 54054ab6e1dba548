import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.leakage import reidentification as module
from pryproof.leakage.reidentification import reidentification, ssim


def images(seed: int, n: int = 40, side: int = 14, channels: int = 3) -> np.ndarray:
    shape = (n, side, side, channels)
    return np.random.default_rng([9, seed]).integers(256, size=shape, dtype=np.uint8)


def noisy(given: np.ndarray, spread: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, spread, given.shape)
    return np.clip(np.rint(given + noise), 0, 255).astype(np.uint8)


def ssim_naive(a: np.ndarray, b: np.ndarray, size: int) -> float:
    """Window by window, with the weighted moments of each."""
    one = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * 1.5**2))
    weights = np.outer(one, one) / np.outer(one, one).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for channel in range(a.shape[2]):
        for y in range(a.shape[0] - size + 1):
            for x in range(a.shape[1] - size + 1):
                p, q = (
                    image[y : y + size, x : x + size, channel].astype(float) for image in (a, b)
                )
                mp, mq = np.sum(weights * p), np.sum(weights * q)
                vp, vq = np.sum(weights * (p - mp) ** 2), np.sum(weights * (q - mq) ** 2)
                shared = np.sum(weights * (p - mp) * (q - mq))
                found.append(
                    (2 * mp * mq + c1) * (2 * shared + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2))
                )
    return float(np.mean(found))


@pytest.mark.parametrize(("side", "size"), [(14, 11), (11, 11), (8, 7)])
def test_ssim_agrees_with_window_by_window(side: int, size: int, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 3)
    first = images(0, 5, side)
    second = noisy(first, 60.0)
    expected = [ssim_naive(a, b, size) for a, b in zip(first, second, strict=True)]
    assert ssim(first, second) == pytest.approx(expected)


def test_ssim_of_known_pairs():
    one = images(0)
    assert ssim(one, one) == pytest.approx(1.0)
    assert (ssim(one, 255 - one) < -0.5).all()
    assert ssim(one, images(1)).mean() == pytest.approx(0, abs=0.05)
    assert (np.diff([ssim(one, noisy(one, by)).mean() for by in (5, 20, 80)]) < 0).all()
    assert np.array_equal(ssim(one, images(1)), ssim(images(1), one))


def test_lightly_changed_images_are_all_found():
    every = images(0, 60)
    original = np.arange(60)[::-1][:30].copy()
    found = reidentification(noisy(every[original], 20.0), every, original, seed=0)
    assert found.by_pixels.rate.value == 1.0
    assert found.by_pixels.rate.low == pytest.approx(0.8865, abs=1e-4)  # Wilson, 30 of 30
    assert found.by_pixels.median_rank.value == 1.0
    assert found.own.ssim.min() > found.random.ssim.max()
    assert found.own.l2.max() < found.random.l2.min()
    assert found.by_features is None
    assert found.chance == 1 / 60


def test_images_of_nobody_rank_by_chance():
    every = images(0, 200)
    found = reidentification(images(1, 200), every, np.arange(200), seed=0)
    assert found.by_pixels.rate.value < 0.03
    assert found.by_pixels.median_rank.contains(100.5)
    assert found.own.l2.mean() == pytest.approx(found.random.l2.mean(), rel=0.03)


def test_ranks_agree_with_sorting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "ROWS", 7)
    every = images(0, 50, side=3, channels=1)
    original = np.random.default_rng(0).permutation(50)[:20]
    transformed = noisy(every[original], 90.0)
    features = tuple(side.reshape(len(side), -1) / 7.0 for side in (transformed, every))
    found = reidentification(transformed, every, original, features=features, seed=0)
    for row, at in enumerate(original):
        apart = ((every.astype(int) - transformed[row].astype(int)) ** 2).sum(axis=(1, 2, 3))
        expected = 1 + np.sum(apart < apart[at])
        assert found.by_pixels.rank[row] == found.by_features.rank[row] == expected
        own = np.sqrt(apart[at])
        assert found.own.l2[row] == pytest.approx(own / 127.5)
        assert found.own.features[row] == pytest.approx(own / 7.0)
    assert found.by_pixels.median_rank.value == np.median(found.by_pixels.rank)


def test_a_twin_of_the_original_does_not_hide_it():
    every = images(0, 20)
    every[7] = every[3]
    found = reidentification(every[[3, 7]], every, np.array([3, 7]), seed=0)
    assert found.by_pixels.rank.tolist() == [1, 1]


def test_random_pairs_are_never_the_own_ones():
    every = images(0, 3)
    found = reidentification(every, every, np.arange(3), seed=0)
    assert (found.own.l2 == 0).all()
    assert (found.random.l2 > 0).all()


def test_the_interval_of_the_median_rank_holds_it():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        found = module._median(rng.integers(1, 1001, size=60), 0.95)
        held.append(found.contains(500.5))
    assert 0.93 <= np.mean(held) <= 0.99


def test_refusals():
    every = images(0, 5)
    with pytest.raises(DataError, match=r"E028.*between 0 and 4, got 0 to 5"):
        reidentification(every[:2], every, np.array([0, 5]), seed=0)
    with pytest.raises(DataError, match=r"E027.*of one kind"):
        reidentification(images(1, 2, side=9), every, np.array([0, 1]), seed=0)
