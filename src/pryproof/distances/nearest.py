"""Exact nearest neighbours: a bound on every pair, the true distance of the few pairs left.

Matrix products give a lower bound on each squared distance, with a proven margin for rounding.
The k pairs of a row that look nearest give an upper bound on its k-th distance. Only pairs whose
lower bound does not exceed it are measured exactly.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, UInt8

from pryproof.checks import DataError
from pryproof.distances import bounds
from pryproof.distances.bounds import Rows, Space

Progress = Callable[[float, str], None]
Points = UInt8[np.ndarray, "_ ..."] | Float[np.ndarray, "_ _"]
Pairs = tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]

SCORES = 2**26  # bounds held at a time: 256 MB
QUERIES = 1_024  # at most, a block
GROUP = 64  # neighbours in storage of which only the nearest may give the upper bound
EXACT = 2**18  # values of pairs measured at a time
LARGEST = 1e150  # values whose squares float64 can still add
WHOLE = 256  # squares of byte differences that float32 sums exactly: 256 * 255**2 < 2**24
WORTH = 1e10  # products from which it pays to look for a short basis
TRIED = 64  # queries that choose the number of coordinates
MEASURING = 100.0  # products that one value of a pair costs as much time as, about


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The k nearest of each query: Euclidean distance in the units of the input, and position.

    Nearest first; of two at the same distance, the smaller position first.
    """

    distance: Float64[np.ndarray, "queries k"]
    index: Int64[np.ndarray, "queries k"]


@dataclass(frozen=True, kw_only=True)
class _Search:
    """One search: the rows of both sides, and those of ``among`` as columns of scores."""

    queries: Rows
    among: Rows
    kept: Int64[np.ndarray, " kept"]
    k: int
    same: bool
    space: Space
    columns: Float[torch.Tensor, "kept coordinates"]
    longest: float
    scores: Float[torch.Tensor, "block kept"]  # written anew by every block


def nearest(
    queries: Points,
    among: Points,
    *,
    k: int = 1,
    same: bool = False,
    progress: Progress | None = None,
) -> Neighbours:
    """Return the ``k`` nearest of ``among`` for each query, exactly, ties included.

    uint8 images of any shape are compared by whole numbers, float features in float64: the answer
    is that of measuring every pair. ``same`` says that the queries are ``among`` itself and no row
    is its own neighbour. Threads as torch has them; memory some 256 MB beside at most 4 bytes a
    value of ``among``.

    >>> found = nearest(np.array([[0.0], [9.0]]), np.array([[1.0], [4.0], [7.0]]), k=2)
    >>> found.index.tolist(), found.distance.tolist()
    ([[0, 1], [2, 1]], [[1.0, 4.0], [2.0, 5.0]])
    """
    _check(queries, among, k=k, same=same)
    left, right = _flat(queries), _flat(among)
    kept = _without_surplus(right, most=k + 1)
    rows = right[kept] if len(kept) < len(right) else right
    space = bounds.centred(rows, left)
    block = max(1, min(QUERIES, len(left), SCORES // len(rows)))

    def search(space: Space) -> _Search:
        columns, lengths = bounds.as_columns(space, rows)
        return _Search(
            queries=left,
            among=rows,
            kept=kept,
            k=k,
            same=same,
            space=space,
            columns=columns,
            longest=float(lengths.max().sqrt()),
            scores=torch.empty(block, len(rows), dtype=space.dtype),
        )

    chosen = _planned(search, space, rows)
    squares = np.empty((len(left), k))
    index = np.empty((len(left), k), np.int64)
    for start in range(0, len(left), block):
        end = min(start + block, len(left))
        squares[start:end], index[start:end] = _block(chosen, np.arange(start, end))
        if progress is not None:
            progress(end / len(left), f"{end} of {len(left)}")
    return Neighbours(distance=np.sqrt(squares), index=index)


def _check(queries: Points, among: Points, *, k: int, same: bool) -> None:
    if queries.dtype != among.dtype or queries.shape[1:] != among.shape[1:] or among.ndim < 2:
        raise DataError(
            "E027",
            "both sides must have the same shape and type behind the first axis: "
            f"{queries.dtype} {queries.shape} against {among.dtype} {among.shape}",
            fix="Give images or features of one kind.",
        )
    if same and len(queries) != len(among):
        raise DataError(
            "E028",
            f"a search in itself needs the same rows twice: {len(queries)} and {len(among)}",
            fix="Leave same out, or give one array twice.",
        )
    if not 1 <= k <= len(among) - same:
        raise DataError(
            "E003",
            f"{k} neighbours are wanted of {len(among) - same} that there are",
            fix="Ask for fewer, at least 1.",
        )
    for side in (queries, among):
        # NaN is not at most anything
        if side.dtype != np.uint8 and not float(np.abs(side).max(initial=0.0)) <= LARGEST:
            raise DataError(
                "E026",
                f"features must be finite and at most {LARGEST:g} in size",
                fix="Remove or rescale these rows.",
            )


def _flat(points: Points) -> Rows:
    return np.ascontiguousarray(points.reshape(len(points), -1))


def _without_surplus(rows: Rows, *, most: int) -> Int64[np.ndarray, " kept"]:
    """Return the positions of all rows but those with ``most`` equal rows before them.

    A later copy of so many equal rows is nobody's neighbour: a collapsed generator costs nothing.
    """
    seen: dict[bytes, int] = {}
    kept = []
    # 0.0 and -0.0 are equal numbers of unequal bytes; the one more that is kept harms nothing
    for position, row in enumerate(rows):
        content = row.tobytes()
        seen[content] = seen.get(content, 0) + 1
        if seen[content] <= most:
            kept.append(position)
    return np.array(kept, np.int64)


def _planned(search: Callable[[Space], _Search], full: Space, among: Rows) -> _Search:
    """Choose the number of coordinates and their type by what some queries would cost."""
    first = search(full)
    queries, width = len(first.queries), among.shape[1]
    if queries * len(among) * width < WORTH:
        return first
    sample = np.arange(0, queries, -(-queries // TRIED))
    best, least = first, np.inf
    for products, space in _spaces(full, among):
        if len(among) * products >= least:  # dearer before a single pair is measured
            break
        tried = search(space)
        pairs = len(_candidates(tried, sample)[0]) / len(sample)
        cost = len(among) * products + pairs * width * MEASURING
        if cost < least:
            best, least = tried, cost
    return best


def _spaces(full: Space, among: Rows) -> Iterator[tuple[int, Space]]:
    """Yield what to try with the products it takes a pair: short bases, all, all in float64."""
    width = among.shape[1]
    widths = [kept for kept in bounds.WIDTHS if 2 * kept <= min(width, len(among))]
    if widths:
        basis = bounds.principal(full, among, kept=widths[-1])
        for kept in widths:
            yield kept, replace(full, basis=basis[:, :kept])
    yield width, full
    yield 2 * width, replace(full, unit=bounds.FLOAT64)


def _block(
    search: _Search, rows: Int64[np.ndarray, " rows"]
) -> tuple[Float64[np.ndarray, "rows k"], Int64[np.ndarray, "rows k"]]:
    """Return the k smallest squared distances of some queries, and where."""
    row, column = _candidates(search, rows)
    squares = _measured(search, rows[row], column)
    order = np.lexsort((column, squares, row))
    starts = np.searchsorted(row[order], np.arange(len(rows)))
    chosen = order[starts[:, None] + np.arange(search.k)]
    return squares[chosen], search.kept[column[chosen]]


def _candidates(search: _Search, rows: Int64[np.ndarray, " rows"]) -> Pairs:
    """Return the pairs (position in ``rows``, column) that may be among the k nearest.

    With the upper bound t on the k-th squared distance, a pair stays if its score is
    (|a|^2 - t) / 2 or more. Columns are looked at in groups: most groups hold none that stays.
    """
    vectors, squares = bounds.as_queries(search.space, search.queries[rows])
    scores = search.scores[: len(rows)]
    torch.mm(vectors, search.columns.T, out=scores)
    if search.same:
        own = np.minimum(np.searchsorted(search.kept, rows), len(search.kept) - 1)
        found = np.flatnonzero(search.kept[own] == rows)
        scores[found, own[found]] = -torch.inf
    size = max(1, min(GROUP, scores.shape[1] // (4 * search.k)))
    grouped, rest = _grouped(scores, size)
    best = grouped.amax(2)
    upper = _upper(search, grouped, best, rows)
    floor = (squares - torch.from_numpy(upper)) / 2
    floor -= bounds.slack(search.space, squares, search.longest)
    floor = floor.to(scores.dtype)[:, None]
    row, group = (best >= floor).nonzero(as_tuple=True)
    among, inside = (grouped[row, group] >= floor[row]).nonzero(as_tuple=True)
    last_row, last = (rest >= floor).nonzero(as_tuple=True)
    whole = grouped.shape[1] * size
    return (
        torch.cat([row[among], last_row]).numpy(),
        torch.cat([group[among] * size + inside, whole + last]).numpy(),
    )


def _grouped(
    scores: Float[torch.Tensor, "rows kept"], size: int
) -> tuple[Float[torch.Tensor, "rows groups size"], Float[torch.Tensor, "rows rest"]]:
    whole = scores.shape[1] - scores.shape[1] % size
    return scores[:, :whole].unflatten(1, (-1, size)), scores[:, whole:]


def _upper(
    search: _Search,
    grouped: Float[torch.Tensor, "rows groups size"],
    best: Float[torch.Tensor, "rows groups"],
    rows: Int64[np.ndarray, " rows"],
) -> Float64[np.ndarray, " rows"]:
    """Return an upper bound on each query's k-th squared distance, in the space's units.

    It is the largest true distance of k pairs: the best of the k best groups of columns.
    """
    size = grouped.shape[2]
    group = best.topk(search.k, dim=1).indices
    inside = grouped.gather(1, group[:, :, None].expand(-1, -1, size)).argmax(2)
    column = (group * size + inside).numpy()
    squares = _measured(search, rows.repeat(search.k), column.ravel()).reshape(column.shape)
    terms = search.queries.shape[1] + 8
    safe = squares.max(axis=1) * (1 + terms * bounds.FLOAT64 * 4) + terms * 2.0**-1070
    return safe * search.space.scale**2


def _measured(
    search: _Search, row: Int64[np.ndarray, " pairs"], column: Int64[np.ndarray, " pairs"]
) -> Float64[np.ndarray, " pairs"]:
    """Return the true squared distance of each pair (query, column)."""
    whole = search.queries.dtype == np.uint8
    squares = np.empty(len(row))
    step = max(1, EXACT // search.queries.shape[1])
    for start in range(0, len(row), step):
        part = slice(start, start + step)
        one, other = search.queries[row[part]], search.among[column[part]]
        squares[part] = _of_bytes(one, other) if whole else _of_floats(one, other)
    return squares


def _of_bytes(one: Rows, other: Rows) -> Float64[np.ndarray, " pairs"]:
    """Sum in float32 as far as its sums are whole numbers, and those sums in float64."""
    apart = one.astype(np.float32) - other
    squares = np.zeros(len(one))
    for start in range(0, apart.shape[1], WHOLE):
        part = apart[:, start : start + WHOLE]
        squares += np.einsum("ij,ij->i", part, part)
    return squares


def _of_floats(one: Rows, other: Rows) -> Float64[np.ndarray, " pairs"]:
    return np.square(one.astype(np.float64) - other).sum(axis=1)
