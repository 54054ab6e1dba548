"""Controls: the right number of images added, with the right labels, from the right samples."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.defenses import controls
from pryproof.defenses.fakes import (
    DRAWN,
    EXTRA,
    FAKE,
    MOVED,
    NOISE,
    NOISED,
    REAL,
    RELABELLED,
    TrainingSet,
    of_images,
    real_and_fake,
)

COUNT = 60
LABELS = np.repeat([0, 1, 2], [30, 20, 10])
PIXELS = seeds.generator(0, "controls").integers(60, 190, (COUNT, 8, 8, 3), dtype=np.uint8)


def reals() -> TrainingSet:
    return of_images(PIXELS, LABELS, source=REAL)


ADDING = {
    "noise": controls.noise_added,
    "noisy copies": controls.noisy_copies_added,
    "copies": lambda given, **how: controls.copies_added(given, padding=1, **how),
}


@pytest.mark.parametrize("name", ADDING)
@pytest.mark.parametrize("count", [0, 30, 60, 150])
def test_so_many_are_added_in_the_reals_mix_of_labels(name, count):
    made = ADDING[name](reals(), count=count, seed=3)
    assert len(made) == COUNT + count
    assert made.images[:COUNT].tolist() == PIXELS.tolist()
    mix = np.bincount(made.labels[COUNT:], minlength=3)
    assert np.abs(mix - count * np.array([3, 2, 1]) / 6).max() <= 1
    assert made.images.dtype == np.uint8


@pytest.mark.parametrize("name", ADDING)
def test_a_seed_decides_and_the_given_set_is_left_alone(name):
    given = reals()
    first, second, other = (ADDING[name](given, count=40, seed=seed) for seed in (3, 3, 4))
    assert first.images.tobytes() == second.images.tobytes()
    assert first.images.tobytes() != other.images.tobytes()
    assert given.images.tolist() == PIXELS.tolist()


def test_noise_is_uniform_and_of_no_sample():
    made = controls.noise_added(reals(), count=200, seed=1).take(slice(COUNT, None))
    counts = np.bincount(made.images.ravel(), minlength=256)
    expected = made.images.size / 256
    assert np.abs(counts - expected).max() < 6 * np.sqrt(expected)
    assert set(made.source.tolist()) == {NOISE}
    assert set(made.made_by.tolist()) == {DRAWN}
    assert set(made.seed.tolist()) == {1}


def test_noisy_copies_are_near_their_member():
    made = controls.noisy_copies_added(reals(), count=60, seed=1).take(slice(COUNT, None))
    change = made.images.astype(float) - PIXELS[made.index]
    assert abs(change.std() - controls.NOISE_SD) < 0.3
    assert abs(change.mean()) < 0.3
    assert (made.labels == LABELS[made.index]).all()
    assert set(made.source.tolist()) == {REAL}
    assert set(made.made_by.tolist()) == {NOISED}
    assert sorted(made.index.tolist()) == list(range(60))


def test_pixel_noise_stays_within_a_byte():
    black = of_images(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 0, 1, 1]), source=REAL)
    made = controls.noisy_copies_added(black, count=4, seed=1)
    assert made.images.max() < 6 * controls.NOISE_SD


def test_copies_are_shifts_of_their_member():
    made = controls.copies_added(reals(), count=60, seed=1, padding=0).take(slice(COUNT, None))
    assert made.images.tolist() == PIXELS[made.index].tolist()
    moved = controls.copies_added(reals(), count=60, seed=1, padding=2).take(slice(COUNT, None))
    assert moved.index.tolist() == made.index.tolist()
    assert moved.images.tolist() != made.images.tolist()
    inner = moved.images[0, 2:-2, 2:-2]
    whole = [PIXELS[moved.index[0]], PIXELS[moved.index[0]][:, ::-1]]
    windows = [each[a : a + 4, b : b + 4] for each in whole for a in range(5) for b in range(5)]
    assert any((inner == window).all() for window in windows)
    assert set(moved.made_by.tolist()) == {MOVED}


def test_a_permutation_keeps_the_images_and_the_mix():
    plain = real_and_fake(PIXELS, LABELS, PIXELS[::-1], LABELS[::-1], seed=5)
    made = controls.relabelled(plain, seed=2)
    assert made.images.tolist() == plain.images.tolist()
    assert made.labels[:COUNT].tolist() == LABELS.tolist()
    fakes = made.take(made.source == FAKE)
    assert sorted(fakes.labels.tolist()) == sorted(LABELS.tolist())
    kept = (fakes.labels == LABELS[::-1]).mean()
    assert abs(kept - (9 + 4 + 1) / 36) < 0.25  # chance: the sum of the squared shares
    assert set(fakes.made_by.tolist()) == {RELABELLED}


def test_extra_images_stand_behind_the_reals_as_they_are():
    whole = controls.extra_added(reals(), 255 - PIXELS, LABELS)
    assert whole.images[:COUNT].tolist() == PIXELS.tolist()
    made = whole.take(slice(COUNT, None))
    assert made.images.tolist() == (255 - PIXELS).tolist()
    assert made.labels.tolist() == LABELS.tolist()
    assert set(made.source.tolist()) == {EXTRA}
    assert made.index.tolist() == list(range(len(LABELS)))
