import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.quality.by_class import by_class
from pryproof.quality.kernel_distance import kernel_distance

LABELS = np.repeat(np.arange(3), 40)


def features(seed: int, n: int = 120) -> np.ndarray:
    return np.random.default_rng([2, seed]).normal(size=(n, 4))


def test_classes_are_ordered_by_their_own_distance():
    reals = features(0) + 10.0 * LABELS[:, None]
    fakes = features(1) + 10.0 * LABELS[:, None] + np.array([0.6, 0.0, 1.5])[LABELS][:, None]
    found = by_class(fakes, LABELS, reals, LABELS, classes=3, seed=0)
    assert found.rank.tolist() == [2, 1, 3]
    assert found.fakes.tolist() == found.reals.tolist() == [40, 40, 40]
    own = kernel_distance(fakes[LABELS == 2], reals[LABELS == 2], seed=0)
    assert found.kernel_distance[2] == own
    mixed = np.random.default_rng(0).permutation(120)
    again = by_class(fakes[mixed], LABELS[mixed], reals, LABELS, classes=3, seed=0)
    assert again.kernel_distance[1].value == pytest.approx(found.kernel_distance[1].value)


def test_diversity_is_a_ratio_of_variances():
    reals, fakes = features(0), features(0) * np.array([1.0, 0.5, 0.0])[LABELS][:, None]
    found = by_class(fakes, LABELS, reals, LABELS, classes=3, seed=0)
    assert found.diversity == pytest.approx([1.0, 0.25, 0.0])


def test_accuracy_is_that_of_the_predictions_given():
    predicted = np.where(np.arange(120) % 4 == 0, 0, LABELS)
    found = by_class(
        features(0), LABELS, features(1), LABELS, classes=3, predicted=predicted, seed=0
    )
    assert [each.value for each in found.accuracy] == [1.0, 0.75, 0.75]
    assert found.accuracy[1].n == 40
    without = by_class(features(0), LABELS, features(1), LABELS, classes=3, seed=0)
    assert str(without.accuracy[0]) == "not estimable (no classifier was asked)"


def test_a_class_without_images_is_not_estimable_and_has_no_rank():
    found = by_class(features(0), LABELS, features(1), np.minimum(LABELS, 1), classes=4, seed=0)
    assert found.rank[2:].tolist() == [0, 0]
    assert sorted(found.rank[:2]) == [1, 2]
    assert np.isnan(found.diversity[2:]).all()
    assert str(found.kernel_distance[2]) == "not estimable (a side has no images)"
    assert str(found.accuracy[3]) == "not estimable (no fakes)"


def test_refusals():
    with pytest.raises(DataError, match=r"E025.*between 0 and 1, got 2 - image 80"):
        by_class(features(0), LABELS, features(1), LABELS, classes=2, seed=0)
