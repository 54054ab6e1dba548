import io
import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest

from pryproof.checks import DataError
from pryproof.store.encodings import (
    decode_arrays,
    decode_json,
    encode_arrays,
    encode_json,
    encode_table,
)

ARRAYS = {
    "bool": np.array([[True, False]]),
    "uint8": np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
    "int8": np.array([-1, 1], dtype=np.int8),
    "int64": np.array(-(2**62)),
    "float32": np.array([0.1, np.nan, np.inf], dtype=np.float32),
    "float64": np.linspace(0, 1, 7),
    "zero-d": np.array(2.5),
    "empty": np.zeros((0, 3)),
}


def same(one: np.ndarray, two: np.ndarray):
    return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()


def test_arrays_come_back():
    found = decode_arrays(encode_arrays(ARRAYS))
    assert found.keys() == ARRAYS.keys()
    assert all(same(found[name], ARRAYS[name]) for name in ARRAYS)


def test_no_arrays_come_back():
    assert decode_arrays(encode_arrays({})) == {}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10)[::-2],
        np.broadcast_to(np.array([1.0, 2.0]), (3, 2)),
        np.arange(5, dtype=">i4"),
    ],
)
def test_the_way_memory_lies_does_not_matter(array: np.ndarray):
    found = decode_arrays(encode_arrays({"x": array}))["x"]
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([object()]), np.array([1j])])
def test_arrays_of_other_things_are_refused_by_name(array: np.ndarray):
    with pytest.raises(DataError, match="array names"):
        encode_arrays({"names": array})


def test_array_bytes_do_not_depend_on_order():
    assert encode_arrays(ARRAYS) == encode_arrays(dict(reversed(ARRAYS.items())))


def test_tables_come_back_and_are_the_same_twice():
    columns = {
        "id": ["a", "b"],
        "score": np.array([0.5, np.nan]),
        "votes": np.array([[True, False], [True, True]]),
        "near": [[1, 2], []],
    }
    data = encode_table(columns)
    assert data == encode_table(columns)
    table = pq.read_table(io.BytesIO(data))
    assert table.column_names == list(columns)
    assert table["votes"].to_pylist() == [[True, False], [True, True]]
    assert table["near"].to_pylist() == [[1, 2], []]
    assert math.isnan(table["score"].to_pylist()[1])


def test_json_of_numpy_and_of_what_is_not_measured():
    value = {
        "b": (np.int64(1), np.float32(0.5), np.bool_(True)),
        "a": np.array([1.0, np.nan]),
        "c": [math.inf, -math.inf, None],
    }
    data = encode_json(value)
    assert data == encode_json(dict(reversed(value.items())))
    assert json.loads(data, parse_constant=pytest.fail) == {
        "a": [1.0, None],
        "b": [1, 0.5, True],
        "c": ["Infinity", "-Infinity", None],
    }


def test_json_survives_strange_text():
    value = {"file\udcff\n\u202e": "\x1b[31m"}
    assert decode_json(encode_json(value)) == value


@pytest.mark.parametrize("value", [{"a": [object()]}, {"a": [{1}]}, {"a": [b""]}])
def test_json_refuses_the_rest_by_name(value: object):
    with pytest.raises(TypeError, match=r"value\.a\[0\]"):
        encode_json(value)


def test_json_names_must_be_text():
    with pytest.raises(TypeError, match="must be text, got 1"):
        encode_json({1: 2})


def test_json_that_is_no_table_is_refused():
    with pytest.raises(ValueError, match="expected a JSON object, got list"):
        decode_json(b"[]")
