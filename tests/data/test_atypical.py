"""What a linear discriminant finds surprising: the formula, image by image."""

import numpy as np

from pryproof import seeds
from pryproof.data.atypical import RIDGE, surprise

CLASSES = 3


def world(count: int, side: int = 4) -> tuple[np.ndarray, np.ndarray]:
    draws = seeds.generator(0, "atypical", count)
    labels = np.arange(count) % CLASSES
    pixels = draws.integers(0, 200, (count, side, side, 2)) + 20 * labels[:, None, None, None]
    return pixels.astype(np.uint8), labels


def naive(images: np.ndarray, labels: np.ndarray, known: np.ndarray, known_labels: np.ndarray):
    """Return the cross entropies by the density of each class, one image at a time."""
    seen = [image.ravel() / 255 for image in known]
    whole = np.mean(seen, axis=0)
    groups = [
        [x for x, y in zip(seen, known_labels, strict=True) if y == c] + [whole]
        for c in range(CLASSES)
    ]
    means = [np.mean(group, axis=0) for group in groups]
    covariance = np.zeros((len(whole), len(whole)))
    for x, y in zip(seen, known_labels, strict=True):
        covariance += np.outer(x - means[y], x - means[y]) / len(seen)
    covariance += RIDGE * np.mean(np.diag(covariance)) * np.eye(len(whole))
    inverse = np.linalg.inv(covariance)
    found = []
    for image, label in zip(images, labels, strict=True):
        x = image.ravel() / 255
        density = [
            len(group) * np.exp(-(x - mean) @ inverse @ (x - mean) / 2)
            for group, mean in zip(groups, means, strict=True)
        ]
        found.append(-np.log(density[label] / np.sum(density)))
    return np.array(found)


def test_it_is_the_cross_entropy_of_one_gaussian_a_class():
    images, labels = world(60)
    known, known_labels = world(90)
    found = surprise(images, labels, known=known, known_labels=known_labels, classes=CLASSES)
    expected = naive(images, labels, known, known_labels)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)
    assert found.std() > 0.1
    wrong = (labels + 1) % CLASSES
    moved = surprise(images, wrong, known=known, known_labels=known_labels, classes=CLASSES)
    assert np.mean(moved) > np.mean(found) + 1


def test_large_images_are_averaged_down_and_odd_edges_cut():
    images, labels = world(12, side=4)
    tall = np.repeat(np.repeat(images, 8, axis=1), 8, axis=2)  # 32 pixels: cells of 2
    padded = np.pad(tall, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=9)
    for large in (tall, padded):
        found = surprise(large, labels, known=large, known_labels=labels, classes=CLASSES)
        assert found.shape == (12,)
        assert np.isfinite(found).all()


def test_a_class_nobody_knows_surprises_and_equal_images_divide_by_nothing():
    images, labels = world(30)
    kept = labels < 2
    found = surprise(images, labels, known=images[kept], known_labels=labels[kept], classes=CLASSES)
    assert np.isfinite(found).all()
    assert found[~kept].mean() > found[kept].mean()
    same = np.full((6, 4, 4, 1), 7, np.uint8)
    alike = surprise(same, np.arange(6) % 2, known=same, known_labels=np.arange(6) % 2, classes=2)
    np.testing.assert_allclose(alike, np.log(2))
