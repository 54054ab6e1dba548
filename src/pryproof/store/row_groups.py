"""A table as Parquet, written by parts and read by columns: never whole in memory."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pryproof.store.files import machine_errors, sync_folder, temporary_name
from pryproof.store.locks import PRIVATE_FILE
from pryproof.store.places import make_private


def write_parts(parts: Iterator[dict[str, Any]], place: Path) -> Path:
    """Write a row group for each part, and give the file its name when it is whole."""
    folder = place.parent
    temporary = folder / temporary_name()
    with machine_errors(folder):
        make_private(folder)
        temporary.touch(PRIVATE_FILE, exist_ok=False)
        try:
            first = _arrow(next(parts))
            with pq.ParquetWriter(temporary, first.schema, compression="zstd") as writer:
                writer.write_table(first)
                for part in parts:
                    writer.write_table(_arrow(part))
            temporary.replace(place)
            sync_folder(folder)
        finally:
            temporary.unlink(missing_ok=True)
    return place


def _arrow(part: Mapping[str, Any]) -> pa.Table:
    return pa.table({name: _lists(values) for name, values in part.items()})


def _lists(values: object) -> pa.Array:
    if not isinstance(values, np.ndarray) or values.ndim == 1:
        return pa.array(values)
    ends = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(values.reshape(-1)))


class FileTable(Mapping[str, Any]):
    """A table's columns, each read from its file whenever it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = pq.read_schema(path).names

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a list of text, or an array
        if name not in self._names:
            raise KeyError(name)
        column = pq.read_table(self._path, columns=[name])[name].combine_chunks()
        if pa.types.is_string(column.type):
            texts = column.dictionary_encode()
            words = texts.dictionary.to_pylist()
            return [words[place] for place in texts.indices.to_numpy()]
        if pa.types.is_list(column.type):
            return column.flatten().to_numpy().reshape(len(column), -1)
        return column.to_numpy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
