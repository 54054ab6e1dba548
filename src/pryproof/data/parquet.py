"""Parquet: one file or a folder of shards, with a column of encoded images and one of labels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Shaped

from pryproof.checks import DataError, nearest
from pryproof.data.decode import decode
from pryproof.data.labels import enough, numbered
from pryproof.data.reading import Loaded, Options, Picture, shown, some
from pryproof.records import Samples

IMAGE = "image"
LABEL = "label"
PART = "split"
INDEX = "index"
ROW = "row"
FILE = "file"


def read(path: Path, options: Options) -> Loaded:
    """Read the rows of all shards, in the order of their ids.

    The id of a row is ``split/index`` or ``index`` where these columns exist and name each row, and
    ``file:row`` otherwise.
    """
    where = shown(path.resolve().name)
    label = options.label or LABEL
    shards = [_shard(shard, label, options) for shard in _shards(path)]
    table = _one_table(shards, where=where)
    table = _part(table, options.part, where=where)
    ids, order = _ids(table)
    table = table.take(pa.array(order))
    names = options.classes or _names(path, label)
    raw = _raw_labels(table[label])
    labels, classes = numbered(raw, names, options, where=f"{where}:{label}")
    enough(labels, classes, options, where=where)
    pictures = [
        Picture(id=id_, label=int(number), payload=payload)
        for id_, number, payload in zip(ids, labels, table[IMAGE].to_pylist(), strict=True)
    ]
    images, kept, notices = decode(pictures, options, where=where)
    samples = Samples(
        images=images,
        labels=labels[kept],
        ids=tuple(ids[number] for number in kept),
        classes=classes,
    )
    return Loaded(samples=samples, notices=tuple(notices))


def files(path: Path) -> dict[str, Path]:
    """Return the shards, and the cards beside them that name classes, by their file names."""
    return {file.name: file for file in [*_shards(path), *_cards(path)]}


def _shards(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    root = path.resolve()
    shards = sorted(file for file in path.glob("*.parquet") if not file.name.startswith("."))
    for shard in shards:
        if not shard.resolve().is_relative_to(root):
            raise DataError(
                "E022",
                "a link must lead to a file inside the data set",
                where=shown(shard.name),
                fix="Put the file itself there, or remove the link.",
            )
    return shards


def _shard(path: Path, label: str, options: Options) -> pa.Table:
    """Read the columns that matter of one file, under the names this module uses."""
    where = shown(path.name)
    image = options.image or IMAGE
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for column in (image, label):
                _must_have(column, names, where=where)
            extra = [name for name in (PART, INDEX) if name in names and name != label]
            table = file.read([image, label, *extra])
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "E009",
            f"the Parquet file is cut off or damaged ({shown(error)})",
            where=where,
            fix="Restore the file.",
        ) from error
    if table[label].null_count:
        raise DataError(
            "E025",
            f"{table[label].null_count} rows have no label",
            where=f"{where}:{label}",
            fix="Label or remove them.",
        )
    columns = {IMAGE: _bytes(table[image], where=f"{where}:{image}"), label: table[label]}
    columns |= {name: table[name] for name in extra}
    columns[FILE] = pa.array([where] * len(table))
    columns[ROW] = pa.array(np.arange(len(table)))
    return pa.table(columns)


def _must_have(column: str, names: list[str], *, where: str) -> None:
    if column not in names:
        likely = [name for name in names if column in name]
        hint = f"Choose one of {', '.join(likely)}." if likely else nearest(column, names)
        raise DataError(
            "E024",
            f"there is no column {column!r}; the columns are {some(names, most=12)}",
            where=where,
            fix=f"{hint} Pass label=... (--set data.label=...) or image=....",
        )


def _bytes(column: pa.ChunkedArray, *, where: str) -> pa.ChunkedArray:
    """Return encoded images from a column of bytes, or of Hugging Face's struct of bytes, path."""
    kind = column.type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        column = pc.struct_field(column, "bytes")
        kind = column.type
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise DataError(
            "E024",
            f"images must be encoded bytes (PNG, JPEG ...), and this column is {shown(kind)}",
            where=where,
            fix="Write the bytes of the image files, or a struct of bytes and path.",
        )
    if column.null_count:
        raise DataError(
            "E010",
            f"{column.null_count} rows have no image",
            where=where,
            fix="Store the bytes of the images (a path alone is not followed), or remove the rows.",
        )
    return column.cast(pa.large_binary())


def _raw_labels(column: pa.ChunkedArray) -> Shaped[np.ndarray, " samples"]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array(column.to_pylist(), dtype=np.str_)
    return column.to_numpy()


def _one_table(shards: list[pa.Table], *, where: str) -> pa.Table:
    if not sum(len(shard) for shard in shards):
        raise DataError(
            "E003", "there are no rows", where=where, fix="Name a file that holds samples."
        )
    try:
        return pa.concat_tables(shards)
    except pa.ArrowException as error:
        raise DataError(
            "E024",
            "all shards must have the same columns with the same types",
            where=where,
            fix="Write them with one schema, or name a single file.",
        ) from error


def _part(table: pa.Table, part: str | None, *, where: str) -> pa.Table:
    if part is None:
        return table
    _must_have(PART, table.column_names, where=where)
    chosen = table.filter(pc.equal(table[PART].cast(pa.string()), part))
    if not len(chosen):
        parts = [str(name) for name in pc.unique(table[PART]).to_pylist()]
        raise DataError(
            "E003",
            f"no row has {part!r} in its column {PART!r}",
            where=where,
            fix=nearest(part, parts),
        )
    return chosen


def _ids(table: pa.Table) -> tuple[list[str], list[int]]:
    """Return the ids in order, and the row of each."""
    columns = [name for name in (PART, INDEX) if name in table.column_names]
    keys = list(zip(*(table[name].to_pylist() for name in columns), strict=True))
    mark = "/"
    if INDEX not in columns or len(set(keys)) < len(table) or any(None in key for key in keys):
        keys = list(zip(table[FILE].to_pylist(), table[ROW].to_pylist(), strict=True))
        mark = ":"
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [mark.join(shown(piece) for piece in keys[row]) for row in order], order


def _cards(path: Path) -> dict[Path, dict[str, Any]]:
    """Return the JSON files beside the shards that name classes."""
    folder = path if path.is_dir() else path.parent
    cards = {}
    for file in sorted(folder.glob("*.json")):
        try:
            card = json.loads(file.read_bytes())
        except ValueError:
            continue  # a JSON file that is not ours to read is no part of the data set
        if isinstance(card, dict) and any(key.endswith(f"{LABEL}_names") for key in card):
            cards[file] = card
    return cards


def _names(path: Path, label: str) -> tuple[str, ...] | None:
    """Return the class names from a card beside the data or the file's own features, if any."""
    for card in _cards(path).values():
        if isinstance(names := card.get(f"{label}_names"), list):
            return tuple(shown(name) for name in names)
    metadata = pq.read_schema(_shards(path)[0]).metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return tuple(shown(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError):
        return None  # the file names no classes: the labels stay numbers
