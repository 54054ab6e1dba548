import numpy as np

from pryproof.data.duplicates import duplicate_groups, notices
from pryproof.records import Samples


def samples(values: list[int], labels: list[int]) -> Samples:
    return Samples(
        images=np.array(values, np.uint8).reshape(-1, 1, 1, 1),
        labels=np.array(labels),
        ids=tuple("abcdef"[: len(values)]),
        classes=("x", "y"),
    )


def test_groups_are_the_same_as_comparing_every_pair(pixels: np.ndarray):
    images = pixels[[0, 1, 0, 2, 1, 0]]
    naive = [
        next(first for first in range(6) if (images[first] == images[number]).all())
        for number in range(6)
    ]
    assert duplicate_groups(images).tolist() == naive


def test_nothing_is_said_where_there_are_no_copies():
    assert notices(samples([1, 2, 3], [0, 1, 0])) == []


def test_copies_are_told_and_those_of_another_class_once_more():
    told = notices(samples([1, 2, 1, 2], [0, 1, 0, 0]))
    assert told == [
        "2 images are exact copies, splits keep the first of each: c = a, d = b.",
        "1 of these stand in another class than the first: d = b.",
    ]
