from dataclasses import fields

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.quality.extractors import extractor
from pryproof.quality.manifold import coverage_of_reals
from pryproof.quality.quality import Measures, quality
from pryproof.records import Estimate

PIXELS, GRADIENTS = extractor("pixels"), extractor("gradients")


def images(seed: int, n: int = 120, side: int = 8) -> np.ndarray:
    """Smooth images: a few waves each."""
    rng = np.random.default_rng([1, seed])
    place = np.linspace(0, 2 * np.pi, side)
    phase, slant = rng.uniform(0, 6, (2, n, 1, 1))
    waves = np.sin(place[:, None] + phase) + np.cos(place[None, :] * slant / 3)
    return np.clip(
        128 + 50 * waves[..., None] + rng.normal(0, 3, (n, side, side, 1)), 0, 255
    ).astype(np.uint8)


def noisy(given: np.ndarray, spread: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, spread, given.shape)
    return np.clip(given + noise, 0, 255).astype(np.uint8)


def test_reals_as_fakes_read_as_the_floor_does():
    found = quality(images(0), images(1), held_out=images(2), extractor=PIXELS, seed=0)
    assert (found.extractor, found.frechet_name, found.n) == ("pixels", "FD[pixels]", 120)
    assert found.by_class is None
    for each in (found.fakes, found.floor):
        assert each.kernel_distance.contains(0.0)
        assert each.density.contains(1.0)
        assert each.coverage.contains(coverage_of_reals(120, 120))
    assert found.fakes.frechet.contains(found.floor.frechet.value)


@pytest.mark.parametrize("features", [PIXELS, GRADIENTS], ids=["pixels", "gradients"])
def test_noise_is_worse_than_the_floor_and_more_noise_worse_still(features):
    found = [
        quality(noisy(images(0), spread), images(1), held_out=images(2), extractor=features, seed=0)
        for spread in (15.0, 60.0)
    ]
    for name in ("frechet", "kernel_distance"):
        floor, little, much = (
            getattr(each, name).value for each in (found[1].floor, found[0].fakes, found[1].fakes)
        )
        assert floor < little < much
    assert found[1].fakes.precision.value < found[1].floor.precision.value


def test_without_held_out_images_the_reals_are_halved():
    reals = images(1)
    found = quality(images(0), reals, extractor=PIXELS, seed=0)
    assert found.n == 60
    again, other = (quality(images(0), reals, extractor=PIXELS, seed=seed) for seed in (0, 1))
    assert found.fakes.frechet == again.fakes.frechet != other.fakes.frechet
    assert found.floor.frechet == again.floor.frechet != other.floor.frechet
    doubled = quality(images(0), np.repeat(images(1, 30), 4, axis=0), extractor=PIXELS, seed=0)
    assert doubled.floor.precision.value > 0.8


def test_at_most_so_many_images_are_drawn():
    found = quality(images(0), images(1), extractor=PIXELS, seed=0, most=40)
    assert found.n == 40
    estimates = [getattr(found.fakes, each.name) for each in fields(Measures)]
    assert all(isinstance(each, Estimate) and each.n == 40 for each in estimates)


def test_labels_bring_a_table_by_class():
    labels = np.arange(120) % 2
    given = images(0)
    given[labels == 1] = noisy(given[labels == 1], 60.0)
    found = quality(
        given,
        images(1),
        fake_labels=labels,
        real_labels=labels,
        predicted=np.zeros(120, np.int64),
        extractor=PIXELS,
        seed=0,
    )
    assert found.by_class.rank.tolist() == [1, 2]
    assert [each.value for each in found.by_class.accuracy] == [1.0, 0.0]


def test_refusals():
    with pytest.raises(DataError, match=r"E028.*120 images, 3 labels"):
        quality(
            images(0),
            images(1),
            fake_labels=np.zeros(3, np.int64),
            real_labels=np.zeros(120, np.int64),
            extractor=PIXELS,
            seed=0,
        )
