import numpy as np
import pytest

from pryproof.checks import ConfigurationError
from pryproof.leakage.copying_test import (
    copying_test,
    k_means,
    mann_whitney_z,
    principal_components,
)


def features(seed: int, n: int, width: int = 5) -> np.ndarray:
    return np.random.default_rng([3, seed]).normal(size=(n, width))


def with_copies(share: float, n: int = 200):
    """Return fakes, train and held-out; a share of the fakes are train images, hardly changed."""
    fakes, train, held_out = (features(seed, n) for seed in (0, 1, 2))
    copied = round(share * n)
    fakes[:copied] = train[:copied] + 0.01 * features(3, copied)
    return fakes, train, held_out


@pytest.mark.parametrize("levels", [4, 1000])
def test_z_agrees_with_scipy(levels: int):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    first, second = rng.integers(levels, size=40) / 3, rng.integers(levels, size=70) / 3
    theirs = stats.mannwhitneyu(first, second, method="asymptotic", use_continuity=False)
    z = mann_whitney_z(first, second)
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(theirs.pvalue)
    assert np.sign(z) == np.sign(theirs.statistic - 40 * 70 / 2)


def test_z_of_equal_values_is_nothing():
    assert mann_whitney_z(np.ones(5), np.ones(7)) == 0.0
    assert mann_whitney_z(np.arange(5.0), np.arange(5.0)) == 0.0


@pytest.mark.slow
def test_without_copies_z_is_standard_normal():
    found = [
        copying_test(features(3 * s, 90), features(3 * s + 1, 120), features(3 * s + 2, 90), seed=s)
        for s in range(60)
    ]
    z = np.array([each.z for each in found])
    assert abs(z.mean()) < 3 / np.sqrt(60)
    assert 0.8 < z.std() < 1.2
    assert np.mean([each.ct.contains(0.0) for each in found]) > 0.88


@pytest.mark.parametrize(("share", "least"), [(0.4, -3.0), (1.0, -10.0)])
def test_copies_are_found(share: float, least: float):
    found = copying_test(*with_copies(share), seed=0)
    assert found.z < least
    assert found.ct.high < 0
    assert found.closer.low > 0.5


def test_poor_fakes_are_above_nothing():
    fakes, train, held_out = with_copies(0.0)
    found = copying_test(2 * fakes, train, held_out, seed=0)
    assert found.ct.low > 0
    assert found.closer.high < 0.5


def test_smooth_fakes_read_as_copies_in_the_control_too():
    fakes, train, held_out = with_copies(0.0)
    smooth = copying_test(fakes / 2, train, held_out, seed=0)
    assert smooth.ct.value < -4
    assert smooth.control.value < -4
    copied = copying_test(*with_copies(1.0), seed=0)
    assert copied.ct.value < -5
    assert abs(copied.control.value) < 3
    exchanged = copying_test(fakes / 2, held_out, train, seed=0)
    assert (exchanged.ct, exchanged.control) == (smooth.control, smooth.ct)


def test_one_cell_is_the_plain_test():
    fakes, train, held_out = with_copies(0.1)
    found = copying_test(fakes, train, held_out, seed=0, cells=1)
    apart = [
        np.sqrt(((side[:, None] - train[None]) ** 2).sum(axis=2)).min(axis=1)
        for side in (fakes, held_out)
    ]
    assert found.z == pytest.approx(mann_whitney_z(*apart))
    assert found.ct.value == found.z
    assert (found.cell_fakes.tolist(), found.cell_held_out.tolist()) == ([200], [200])


def test_cells_find_copies_that_one_average_hides():
    """Copies in one place and poor fakes in another cancel, but not cell by cell."""
    near, far = with_copies(1.0), with_copies(0.0)
    shifted = [side + 50.0 for side in far]
    fakes = np.concatenate([near[0], shifted[0] + 3.0])
    train, held_out = (np.concatenate([near[at], shifted[at]]) for at in (1, 2))
    found = copying_test(fakes, train, held_out, seed=0, cells=2)
    assert min(found.cell_z) < -10
    assert max(found.cell_z) > 10
    assert abs(found.closer.value - 0.5) < 0.1


def test_cells_with_few_images_are_left_out():
    fakes, train, held_out = with_copies(0.0)
    train = np.concatenate([train, train[:30] + 100.0])
    held_out = np.concatenate([held_out, held_out[:19] + 100.0])
    fakes = np.concatenate([fakes, fakes[:30] + 100.0])
    found = copying_test(fakes, train, held_out, seed=0, cells=2)
    assert np.isnan(found.cell_z).sum() == 1
    assert found.ct.method == "law without copying, 1 of 2 cells"
    none = copying_test(fakes[:10], train, held_out, seed=0)
    assert str(none.ct) == "not estimable (no cell holds 20 fakes and 20 held-out images)"
    assert np.isnan(none.z)


def test_k_means_finds_clusters_that_lie_apart():
    middles = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    points = np.concatenate([features(seed, 40, 2) + at for seed, at in enumerate(middles)])
    found = k_means(points, 3, seed=0)
    own = [points[40 * each : 40 * each + 40].mean(axis=0) for each in range(3)]
    order = [np.argmin([np.linalg.norm(each - at) for each in found]) for at in own]
    assert found[order] == pytest.approx(np.array(own))
    assert np.array_equal(found, k_means(points, 3, seed=0))


def test_k_means_of_equal_points():
    assert k_means(np.ones((9, 2)), 3, seed=0).tolist() == [[1.0, 1.0]] * 3


def test_components_keep_what_varies_most():
    train = features(0, 300, 4) * np.array([1.0, 9.0, 3.0, 0.1])
    kept = principal_components(train, most=2)(train)
    assert kept.std(axis=0) == pytest.approx([train[:, 1].std(), train[:, 2].std()], rel=0.02)
    whole = principal_components(train, most=64)(train)
    assert np.linalg.norm(whole[0] - whole[1]) == pytest.approx(np.linalg.norm(train[0] - train[1]))


def test_the_seed_fixes_the_cells():
    sides = with_copies(0.1)
    assert copying_test(*sides, seed=4).ct == copying_test(*sides, seed=4).ct


def test_refusals():
    with pytest.raises(ConfigurationError, match=r"E044.*between 1 and 200, got 0"):
        copying_test(*with_copies(0.0), seed=0, cells=0)
