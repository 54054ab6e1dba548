import math
from typing import Any

import numpy as np
import pytest

from pryproof.checks import ConfigurationError
from pryproof.store.keys import key


def test_key_is_known():
    """A golden key: a change here makes every stored result unreachable."""
    found = key(
        "train", 1, {"epochs": 3, "rate": 0.1, "wide": True, "bins": [1, 2]}, {"data": "ab"}
    )
    assert found == "856513afe998b591809799f0b0a2cddf940d4b13"


def test_order_and_kind_of_sequence_do_not_matter():
    one = key("train", 1, {"a": (1, 2), "b": {"c": 1, "d": None}}, {"x": "1", "y": "2"})
    two = key("train", 1, {"b": {"d": None, "c": 1}, "a": [1, 2]}, {"y": "2", "x": "1"})
    assert one == two


@pytest.mark.parametrize(
    "other",
    [
        ("value", 1, {"a": 1}, {"x": "1"}),
        ("train", 2, {"a": 1}, {"x": "1"}),
        ("train", 1, {"a": 1.0}, {"x": "1"}),
        ("train", 1, {"a": True}, {"x": "1"}),
        ("train", 1, {"a": "1"}, {"x": "1"}),
        ("train", 1, {"a": 1, "b": None}, {"x": "1"}),
        ("train", 1, {"a": 1}, {"x": "2"}),
        ("train", 1, {"a": 1, "x": "1"}, {}),
    ],
)
def test_everything_counts(other: tuple[Any, ...]):
    assert key(*other) != key("train", 1, {"a": 1}, {"x": "1"})


def test_neighbouring_floats_differ():
    assert key("s", 1, {"a": 0.1}, {}) != key("s", 1, {"a": math.nextafter(0.1, 1)}, {})


@pytest.mark.parametrize("value", [object(), np.int64(1), np.zeros(2), b"x", {1, 2}])
def test_foreign_types_are_refused_by_name(value: object):
    with pytest.raises(ConfigurationError, match=r"settings\.train\.rates\[1\]"):
        key("train", 1, {"train": {"rates": [0.1, value]}}, {})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(value: object):
    with pytest.raises(ConfigurationError, match=r"must be finite.*settings\.rate"):
        key("train", 1, {"rate": value}, {})


def test_names_must_be_text():
    with pytest.raises(ConfigurationError, match="names in a table must be text, got 3"):
        key("train", 1, {"classes": {3: "cat"}}, {})
