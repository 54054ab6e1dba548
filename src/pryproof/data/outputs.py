"""What models said, read from files of any framework as plain named arrays.

One ``.npz`` or ``.safetensors`` file holds the arrays of ``attacks.evidence`` by name. In Parquet a
row is a sample and lists nest as runs, then queries, then classes. A folder is taken for what a
peer's program left there, see ``data.peers``. Nothing is unpickled.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import safetensors
import safetensors.numpy
from jaxtyping import Shaped

from pryproof.checks import DataError, MachineError
from pryproof.data import peers
from pryproof.data.reading import shown

Arrays = dict[str, Shaped[np.ndarray, "..."]]

SAVE = "Save plain arrays with numpy.savez(path, labels=..., logits=..., member=...)"
LISTS = (pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray)
PER_CLASS = ("logits", "probabilities")  # columns whose innermost list is over the classes


def read_outputs(path: Path) -> Arrays:
    """Read named arrays from a file, or from the folder a peer's program left.

    ``.npz`` (with TensorFlow Privacy's ``..._train`` and ``..._test`` names too), ``.safetensors``,
    ``.parquet``; a tree of ``keep.npy`` and ``scores.npy`` (LiRA scripts); a folder with
    ``memberships.npy`` and ``signals/`` (Privacy Meter).
    """
    where = shown(path)
    if not path.exists():
        raise DataError(
            "E001",
            "there is no such file or folder",
            where=where,
            fix="Name the .npz, .safetensors or .parquet file with the model's outputs.",
        )
    if path.is_dir():
        return peers.read_folder(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            "E002",
            f"outputs are read from {', '.join(READERS)} or a peer's folder, not from "
            f"{shown(path.suffix) or 'a file without an ending'}",
            where=where,
            fix=f"{SAVE}.",
        )
    arrays = reader(path)
    return peers.from_tf_privacy(arrays) if peers.is_tf_privacy(arrays) else arrays


def _npz(path: Path) -> Arrays:
    where = shown(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_too_large(sum(each.file_size for each in archive.infolist()), where)
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except ValueError as error:
        raise DataError(
            "E030",
            f"only plain arrays are loaded, never pickled objects ({shown(error)})",
            where=where,
            fix=f"{SAVE}, none of dtype object.",
        ) from error
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(error, where) from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy hands out the bare bytes of any other member
            raise DataError("E030", "this is no array", where=f"{where}:{shown(name)}", fix=SAVE)
    return arrays


def _safetensors(path: Path) -> Arrays:
    where = shown(path.name)
    _refuse_too_large(path.stat().st_size, where)
    try:
        return dict(safetensors.numpy.load_file(path))
    except (OSError, ValueError, TypeError, KeyError, safetensors.SafetensorError) as error:
        raise _damaged(error, where) from error


def _parquet(path: Path) -> Arrays:
    where = shown(path.name)
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(error, where) from error
    return {
        name: _column(table.column(name).combine_chunks(), name, where)
        for name in table.column_names
    }


def _column(column: pa.Array, name: str, where: str) -> Shaped[np.ndarray, "..."]:
    """Unnest a column of lists of equal length, and put the runs (and queries) first."""
    shape = [len(column)]
    place = f"{where}, column {shown(name)}"
    while isinstance(column, LISTS):
        if column.null_count:
            raise _ragged(place, "a list is missing")
        lengths = np.unique(pc.list_value_length(column).to_numpy(zero_copy_only=False))
        if len(lengths) > 1:
            raise _ragged(place, f"lists have {lengths[0]} to {lengths[-1]} values")
        shape.append(int(lengths[0]) if lengths.size else 0)
        column = column.flatten()
    if column.null_count:
        raise _ragged(place, f"{column.null_count} values are missing")
    values = column.to_numpy(zero_copy_only=False).reshape(shape)
    return _runs_first(values, name.removeprefix("population_"))


def _runs_first(values: Shaped[np.ndarray, "..."], name: str) -> Shaped[np.ndarray, "..."]:
    last = 1 if name in PER_CLASS else 0
    if name == "features" or values.ndim <= 1 + last:
        return values
    return np.ascontiguousarray(np.moveaxis(values, 0, values.ndim - 1 - last))


READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".parquet": _parquet,
}


def _refuse_too_large(size: int, where: str) -> None:
    """Refuse what the machine cannot hold: a small archive may say it is large."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise MachineError(
            "E040",
            f"the arrays take {size / 1e9:.1f} GB, this machine has {memory / 1e9:.1f} GB",
            where=where,
            fix="Save per-sample signals (phi [runs, samples]) instead of logits, or take a part.",
        )


def _damaged(error: Exception, where: str) -> DataError:
    return DataError(
        "E009",
        f"the file is cut off, damaged or of another kind ({shown(error)})",
        where=where,
        fix=f"Restore the file. {SAVE}.",
    )


def _ragged(where: str, what: str) -> DataError:
    return DataError(
        "E028",
        f"every row must hold the same number of values: {what}",
        where=where,
        fix="Rows are samples; lists nest as runs, queries, classes. Leave out what is missing.",
    )


def as_arrays(given: object) -> Mapping[str, object]:
    """Return named arrays from a mapping, or from an object with TensorFlow Privacy's fields."""
    if isinstance(given, Mapping):
        arrays = given
    else:
        arrays = {
            name: getattr(given, name)
            for name in peers.TF_PRIVACY_NAMES
            if getattr(given, name, None) is not None
        }
    if not arrays:
        raise DataError(
            "E024",
            f"outputs are a path, named arrays or an AttackInputData, not {type(given).__name__}",
            fix="Give {'labels': ..., 'logits': ..., 'member': ...}.",
        )
    if peers.is_tf_privacy(arrays):
        return peers.from_tf_privacy({name: np.asarray(each) for name, each in arrays.items()})
    return arrays
