import numpy as np
import pytest

from pryproof.leakage.gan_leaks import gan_leaks
from reference.roc import auc_naive, tpr_at_fpr_naive


def images(seed: int, n: int = 200) -> np.ndarray:
    """Images of one difficulty each: dull ones lie close to everything, loud ones far away."""
    rng = np.random.default_rng([8, seed])
    loud = rng.uniform(5, 120, size=(n, 1, 1, 1))
    return np.clip(128 + loud * rng.normal(size=(n, 5, 5, 1)), 0, 255).astype(np.uint8)


def copied(members: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Fakes of a generator that copies a share of its training images, with some noise."""
    fakes = images(seed)
    n = round(share * len(members))
    noise = np.random.default_rng(seed).integers(-20, 21, size=members[:n].shape)
    fakes[:n] = np.clip(members[:n] + noise, 0, 255).astype(np.uint8)
    return fakes


def test_scores_and_rates_agree_with_the_definition():
    members, nonmembers = images(0, 60), images(1, 50)
    fakes = copied(members, 0.5, 2)
    found = gan_leaks(fakes, members, nonmembers, fprs=(0.1,), seed=0).plain

    def score(image: np.ndarray) -> float:
        apart = fakes.astype(float) - image.astype(float)
        return -float(np.sqrt((apart**2).sum(axis=(1, 2, 3))).min())

    sides = (np.array([score(image) for image in side]) for side in (members, nonmembers))
    inside, outside = sides
    assert found.members == pytest.approx(inside)
    assert found.nonmembers == pytest.approx(outside)
    assert found.auc.value == pytest.approx(auc_naive(inside, outside))
    assert found.tpr_at_fpr[0.1].estimate.value == tpr_at_fpr_naive(inside, outside, 0.1)[0]


def test_a_generator_that_copies_half_its_members_is_caught():
    members, nonmembers = images(0), images(1)
    found = gan_leaks(copied(members, 0.5, 2), members, nonmembers, reference=images(3), seed=0)
    assert found.plain.auc.low > 0.5
    assert found.calibrated.auc.low > 0.6
    plain, calibrated = (each.tpr_at_fpr[0.01].estimate for each in (found.plain, found.calibrated))
    assert calibrated.value > 0.25 > plain.value  # dull images hide the copies from the plain score


def test_a_generator_that_knows_nothing_gives_nothing_away():
    areas = []
    for s in range(30):
        sides = (images(100 + 4 * s + at, 100) for at in range(4))
        fakes, members, nonmembers, reference = sides
        found = gan_leaks(fakes, members, nonmembers, reference=reference, fprs=(), seed=s)
        areas += [found.plain.auc, found.calibrated.auc]
    assert np.mean([each.contains(0.5) for each in areas]) > 0.87
    assert np.mean([each.value for each in areas]) == pytest.approx(0.5, abs=0.02)


def test_without_a_reference_there_is_no_calibrated_score():
    found = gan_leaks(images(0), images(1), images(2), seed=0)
    assert found.calibrated is None
    assert str(found.plain.tpr_at_fpr[0.001].estimate).startswith("not estimable (")


def test_features_are_taken_as_well():
    rng = np.random.default_rng(0)
    members, nonmembers = rng.normal(size=(2, 200, 6))
    found = gan_leaks(members + 0.01, members, nonmembers, seed=0)
    assert found.plain.auc.value > 0.99
