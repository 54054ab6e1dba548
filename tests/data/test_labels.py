from dataclasses import replace

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.data.labels import enough, numbered
from pryproof.data.reading import Options

OPTIONS = Options(
    label=None,
    image=None,
    part=None,
    classes=None,
    resize=None,
    channels=None,
    on_bad_image="fail",
    allow_empty_classes=False,
    smallest_class=2,
)


def test_numbers_name_themselves_and_words_are_numbered_by_the_alphabet():
    numbers, names = numbered(np.array([1, 0, 1], np.uint8), None, OPTIONS, where="x")
    assert (numbers.tolist(), names) == ([1, 0, 1], ("0", "1"))
    numbers, names = numbered(np.array(["dog", "cat"]), None, OPTIONS, where="x")
    assert (numbers.tolist(), names) == ([1, 0], ("cat", "dog"))


def test_words_follow_the_order_of_declared_names():
    numbers, names = numbered(np.array(["dog", "cat"]), ("dog", "cat"), OPTIONS, where="x")
    assert (numbers.tolist(), names) == ([0, 1], ("dog", "cat"))
    with pytest.raises(DataError, match=r"E025.*cat are not among the 1.*Declare"):
        numbered(np.array(["dog", "cat"]), ("dog",), OPTIONS, where="x")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.array([0.0, 1.0]), r"E025.*float64.*Write them as integers"),
        (np.array([True, False]), r"E025.*bool.*Write them as integers"),
        (np.array([-1, 0]), r"E025.*smallest is -1.*unlabelled"),
        (np.array([0, 2, 5]), r"E025.*labelled 1, 3, 4: the labels have gaps.*Renumber"),
        (np.array([0, 2**40]), r"E025.*largest is 1099511627776.*Renumber"),
    ],
)
def test_labels_which_are_no_class_numbers_are_refused(raw: np.ndarray, message: str):
    with pytest.raises(DataError, match=message):
        numbered(raw, None, OPTIONS, where="x")


def test_a_label_beyond_the_declared_classes_is_refused():
    with pytest.raises(DataError, match=r"E025.*label 2 has no name: 2 classes.*Declare"):
        numbered(np.array([0, 1, 2]), ("a", "b"), OPTIONS, where="x")


def test_gaps_may_be_left_out_and_the_names_stay():
    options = replace(OPTIONS, allow_empty_classes=True)
    numbers, names = numbered(np.array([0, 2, 5, 2]), None, options, where="x")
    assert (numbers.tolist(), names) == ([0, 1, 2, 1], ("0", "2", "5"))


def test_enough_accepts_exactly_the_smallest_class():
    enough(np.array([0, 0, 1, 1]), ("a", "b"), OPTIONS, where="x")
    with pytest.raises(DataError, match=r"E007.*b \(1\)"):
        enough(np.array([0, 0, 1]), ("a", "b"), OPTIONS, where="x")
