"""Tables of numbers on disk, by rows, while a valuation goes on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

ALL = slice(None)

Row = Float[np.ndarray, " samples"]
Table = Float[np.ndarray, "runs samples"]


class Shelf:
    """A table of float64 on disk, read and written by rows and by parts of them.

    Plain reads, no mapping: what is read is freed with its array.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path = path
        self.shape = shape
        self.samples = shape[-1]
        with path.open("wb") as file:
            file.truncate(8 * int(np.prod(shape)))

    def put(self, row: int, values: np.ndarray, start: int = 0) -> None:
        """Write a row, or a part of it."""
        with self.path.open("r+b") as file:
            file.seek(8 * (row * self.samples + start))
            file.write(np.ascontiguousarray(values, dtype=np.float64).data)

    def row(self, row: int, part: slice = ALL) -> Row:
        """Read a row, or a part of it."""
        start, stop, _ = part.indices(self.samples)
        at = 8 * (row * self.samples + start)
        return np.fromfile(self.path, dtype=np.float64, count=stop - start, offset=at)

    def rows(self, chosen: np.ndarray | slice = ALL) -> Iterator[Row]:
        """Read row after row, of each the samples chosen."""
        return (self.row(row)[chosen] for row in range(self.shape[0]))

    def part(self, part: slice) -> Table:
        """Read a part of every row."""
        return np.stack([self.row(row, part) for row in range(self.shape[0])])

    def mapped(self) -> np.ndarray:
        """Return the table, in memory only where it is looked at."""
        return np.memmap(self.path, dtype=np.float64, mode="r", shape=self.shape)


def mean_over_queries(queries: Shelf, path: Path) -> Shelf:
    """Return rows by run from rows by run and query: their means."""
    runs, count, samples = queries.shape
    found = Shelf(path, (runs, samples))
    for run in range(runs):
        said = np.stack([queries.row(run * count + query) for query in range(count)])
        found.put(run, said[None].mean(axis=1)[0])
    return found
