import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.intervals import clopper_pearson
from pryproof.leakage.extraction import extraction


def images(seed: int, n: int = 100) -> np.ndarray:
    return np.random.default_rng([6, seed]).integers(256, size=(n, 6, 6, 1), dtype=np.uint8)


def naive(fakes: np.ndarray, among: np.ndarray, alpha: float, n: int) -> np.ndarray:
    ratios = []
    for fake in fakes.astype(float):
        apart = sorted(float(np.sqrt(np.sum((fake - image) ** 2))) for image in among.astype(float))
        ratios.append(apart[0] / (alpha * np.mean(apart[:n])))
    return np.array(ratios)


@pytest.mark.parametrize(("alpha", "n"), [(0.5, 50), (0.8, 5)])
def test_ratios_agree_with_the_formula(alpha: float, n: int):
    fakes, train, held_out = images(0, 20), images(1), images(2)
    fakes[:3] = train[5:8] // 2 + 20
    found = extraction(fakes, train, held_out, alpha=alpha, neighbours=n)
    assert found.ratio == pytest.approx(naive(fakes, train, alpha, n))
    assert found.held_out_ratio == pytest.approx(naive(fakes, held_out, alpha, n))


def test_copies_are_found_and_named():
    fakes, train, held_out = images(0), images(1), images(2)
    fakes[:10] = np.clip(train[40:50].astype(int) + 3, 0, 255).astype(np.uint8)
    found = extraction(fakes, train, held_out)
    assert (found.train.value, found.held_out.value, found.excess.value) == (0.1, 0.0, 0.1)
    assert found.excess.low > 0
    assert found.index[:10].tolist() == list(range(40, 50))
    assert (found.ratio[:10] < 0.5).all()


def test_without_copies_no_excess():
    found = extraction(images(0), images(1), images(2))
    assert found.excess.value == 0.0
    assert found.excess.contains(0.0)
    assert 0 < found.excess.high - found.excess.low < 0.06


def test_the_excess_is_paired():
    """A fake near to both sets is no evidence."""
    fakes, train, held_out = images(0), images(1), images(2)
    train[0] = held_out[0] = fakes[0]
    found = extraction(fakes, train, held_out)
    assert found.train.value == found.held_out.value == 0.01
    assert found.excess.value == 0.0


def test_copies_of_one_image_are_one_piece_of_evidence():
    fakes, train, held_out = images(0), images(1), images(2)
    fakes[:20] = train[:20]
    apart = extraction(fakes, train, held_out)
    fakes[:20] = train[0]
    together = extraction(fakes, train, held_out)
    assert apart.excess.value == together.excess.value == 0.2
    assert together.excess.low < 0 < apart.excess.low
    # 20 * 19 ordered pairs of 100 fakes, beside the paired variance
    paired = ((20 + 1) / 102 - (20 / 102) ** 2) / 102
    half = 1.959964 * np.sqrt(paired + 20 * 19 / 100**2)
    # 20 copies of one image are one hit of 100 / 20 trials
    low, high = clopper_pearson(1.0, 5.0)
    assert (together.train.low, together.train.high) == pytest.approx((float(low), float(high)))
    assert together.train.low < apart.train.low < apart.train.high < together.train.high
    assert together.excess.high == pytest.approx(20 / 102 + half)


@pytest.mark.slow
def test_without_copies_the_interval_holds_nothing_as_often_as_it_says():
    """Where some real images are near to many fakes: clusters."""
    held = []
    for s in range(60):
        rng = np.random.default_rng([7, s])
        middles = rng.normal(size=(12, 3)) * 3
        sides = [
            middles[rng.integers(12, size=60)] + 0.4 * rng.normal(size=(60, 3)) for _ in range(3)
        ]
        held.append(extraction(*sides, neighbours=10).excess.contains(0.0))
    assert np.mean(held) > 0.88


def test_a_fake_that_equals_all_its_neighbours_is_no_copy_of_one():
    blank = np.zeros((60, 6, 6, 1), np.uint8)
    found = extraction(blank[:2], blank, blank)
    assert found.ratio.tolist() == [2.0, 2.0]
    assert found.train.value == 0.0


def test_features_are_taken_as_well():
    rng = np.random.default_rng(0)
    train, held_out = rng.normal(size=(2, 80, 4))
    found = extraction(train[:30] + 1e-3, train, held_out)
    assert found.train.value > 0.9 > found.held_out.value


def test_refusals():
    with pytest.raises(DataError, match=r"E028.*got 100 and 90"):
        extraction(images(0), images(1), images(2, 90))
    with pytest.raises(ConfigurationError, match=r"E044.*got 1.5 and 50"):
        extraction(images(0), images(1), images(2), alpha=1.5)
