"""Arrays, tables and facts as bytes. The same content gives the same bytes, whatever its order."""

import json
import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy
from jaxtyping import Shaped

from pryproof.checks import DataError

Array = Shaped[np.ndarray, "..."]
_NUMBERS = "biuf"  # the kinds of NumPy type that safetensors stores


def encode_arrays(arrays: Mapping[str, Array]) -> bytes:
    """Return the safetensors form of named arrays of numbers or truth values, 0-d ones included.

    >>> decode_arrays(encode_arrays({"x": np.arange(3)}))["x"].tolist()
    [0, 1, 2]
    """
    return safetensors.numpy.save({name: _plain_array(arrays[name], name) for name in arrays})


def decode_arrays(data: bytes) -> dict[str, Array]:
    """Return the arrays of ``encode_arrays``."""
    return safetensors.numpy.load(data)


def encode_table(columns: Mapping[str, list[object] | Array]) -> bytes:
    """Return the Parquet form of named columns of equal length, in the order given.

    A column is a list (of numbers, texts or lists) or an array; rows of a 2-d array become lists.
    """
    table = pa.table({name: pa.array(_column(column)) for name, column in columns.items()})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def encode_json(value: object) -> bytes:
    r"""Return the JSON form: names sorted, NaN ("not measured") as null, infinities as text.

    NumPy's numbers and arrays are written as plain ones; anything else JSON lacks is refused.

    >>> encode_json({"b": float("nan"), "a": np.float64(1.0)})
    b'{\n "a": 1.0,\n "b": null\n}\n'
    """
    text = json.dumps(_plain(value, "value"), sort_keys=True, indent=1, allow_nan=False)
    return text.encode() + b"\n"


def decode_json(data: bytes) -> dict[str, object]:
    """Return the table of ``encode_json``; ValueError if the bytes hold no table."""
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")  # noqa: TRY004
    return value


def _plain_array(array: Array, name: str) -> Array:
    if array.dtype.kind not in _NUMBERS or array.dtype.itemsize > 8:
        raise DataError(
            "E030",
            f"only numbers and truth values of up to 64 bits are stored, got {array.dtype}",
            where=f"array {name}",
            fix="Convert the array first.",
        )
    # safetensors takes memory as it lies: transposed or byte-swapped arrays would come back wrong.
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _column(column: list[object] | Array) -> list[object] | Array:
    if isinstance(column, np.ndarray) and column.ndim > 1:
        return [_column(row) for row in column]
    return column


def _plain(value: object, where: str) -> object:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {_text(name, where): _plain(v, f"{where}.{name}") for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, float):
        return _plain_float(value)
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"{where} cannot be written as JSON: {type(value).__name__}")


def _plain_float(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _text(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{where}: the names in a table must be text, got {name!r}")
    return name
