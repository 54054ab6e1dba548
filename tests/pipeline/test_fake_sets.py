"""Three sets are read from anywhere, numbered by one list of classes, and refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.pipeline.fake_sets import fake_sets
from pryproof.records import Samples


def drawn(count: int = 40, shape: tuple[int, ...] = (8, 8, 1), name: str = "a") -> np.ndarray:
    return seeds.generator(0, "sets", name).integers(0, 256, (count, *shape), dtype=np.uint8)


def samples(count: int, classes: tuple[str, ...], name: str) -> Samples:
    return Samples(
        images=drawn(count, name=name),
        labels=np.arange(count) % len(classes),
        ids=tuple(f"{name}{i}" for i in range(count)),
        classes=classes,
    )


def test_labels_are_numbered_by_the_real_images_classes():
    sets = fake_sets(
        *[samples(30, classes, "s") for classes in (("dog", "cat"), ("cat", "dog"), ("cat", "dog"))]
    )
    assert sets.classes == ("cat", "dog")
    assert sets.fakes.labels is not None
    assert sets.fakes.labels[:2].tolist() == [1, 0]


def labels(count: int) -> np.ndarray:
    return np.zeros(count, dtype=np.int64)


def test_holdout_numbers_stand_for_names_of_their_own():
    with pytest.raises(DataError, match="holdout hold 1 class"):
        fake_sets(*[samples(40, ("cat", "dog"), name) for name in "fr"], (drawn(), labels(40) + 7))


def test_without_labels_there_are_no_classes():
    sets = fake_sets(drawn(), (drawn(), labels(40)), drawn())
    assert sets.classes == ()
    assert sets.real.labels is None


def test_a_source_is_read(npz: Path):
    sets = fake_sets(str(npz), npz, npz, reference=npz)
    assert len(sets.fakes) == len(sets.real)
    assert sets.reference is not None
    assert len(sets.classes) == 2


def test_the_larger_set_is_drawn_down_class_by_class():
    real = (drawn(90, name="r"), np.repeat([0, 1, 2], 30))
    holdout = (drawn(30, name="h"), np.repeat([0, 1, 2], [5, 5, 20]))
    sets = fake_sets((drawn(30), np.arange(30) % 3), real, holdout)
    even, other = sets.even(seed=1)
    assert len(even) == len(other) == 30
    assert even.labels is not None
    assert np.bincount(even.labels).tolist() == [5, 5, 20]
    again, _ = sets.even(seed=1)
    assert np.array_equal(even.images, again.images)
    another, _ = sets.even(seed=2)
    assert not np.array_equal(even.images, another.images)


def test_a_class_the_other_side_lacks_is_filled_up():
    real = (drawn(60, name="r"), np.repeat([0, 1], [50, 10]))
    holdout = (drawn(30, name="h"), np.repeat([0, 1], [5, 25]))
    even, _ = fake_sets((drawn(30), labels(30)), real, holdout).even(seed=0)
    assert len(even) == 30
    assert even.labels is not None
    assert np.bincount(even.labels).tolist() == [20, 10]


@pytest.mark.parametrize(
    ("fakes", "what"),
    [
        (drawn(5), "20 images or more, got 5"),
        (drawn(shape=(8, 9, 1)), "8 x 8 gray like the real images, got 8 x 9 gray"),
        (drawn(shape=(8, 8, 3)), "got 8 x 8 colour"),
        (drawn().astype(np.float32), "uint8"),
        ((drawn(), labels(39)), "40 whole numbers"),
        ((drawn(), labels(40) - 1), "whole numbers from 0 on"),
        ((drawn(), labels(40) + 5), "fakes hold 1 class"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(fakes: object, what: str):
    with pytest.raises(DataError, match=what) as caught:
        fake_sets(fakes, (drawn(), labels(40)), (drawn(), labels(40)))
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(DataError, match="no such file"):
        fake_sets("nowhere.npz", drawn(), drawn())
