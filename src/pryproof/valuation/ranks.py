"""Order the samples of every run from safest to riskiest.

Ties are broken as if at random, and never by the place of a sample or a run: the draw follows from
the seed, from what all runs say of the sample, and from what the run says of all samples. So ranks
move with samples and runs when these are put in another order. Samples of which every run says the
same cannot be told apart; these alone go by a permutation of each run's own, because an order that
all runs share would look like agreement where nothing agrees.
"""

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int64, UInt64

from pryproof import seeds
from pryproof.checks import DataError

# the finaliser of a splitmix64 generator: every bit of the value reaches every bit of the result
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))

Keys = tuple[UInt64[np.ndarray, " samples"], UInt64[np.ndarray, " some_runs"]]


def ranks(
    values: Float[np.ndarray, "runs samples"],
    *,
    seed: int,
    labels: Int64[np.ndarray, " samples"] | None = None,
    content: Float[np.ndarray, "anything samples"] | None = None,
) -> Int64[np.ndarray, "runs samples"]:
    """Rank the samples within each run: 1 = smallest value = safest.

    With ``labels`` the order is by class: samples are compared by their place among those of their
    class, (rank - 1/2) / size, so that every class has its share of safe and of risky samples.
    ``content`` is what else tells samples apart when their values tie (None: the values alone).

    >>> ranks(np.array([[0.3, 0.1, 0.2], [5.0, 6.0, 7.0]]), seed=0)
    array([[3, 1, 2],
           [1, 2, 3]])
    >>> classes = np.array([0, 0, 1, 1])
    >>> sorted(ranks(np.array([[0.0, 1.0, 8.0, 9.0]]), seed=0, labels=classes)[0, ::2].tolist())
    [1, 2]
    """

    def keys() -> Keys:
        sample_keys, run_keys = tie_keys(values, seed=seed)
        if content is not None:
            sample_keys = sample_keys ^ tie_keys(content, seed=seed)[0]
        return sample_keys, run_keys

    ties = Ties(keys, seed=seed)
    result = np.empty(values.shape, dtype=np.int64)
    for run, row in enumerate(values):
        result[run] = rank_row(row, run, ties, labels=labels)
    return result


class Ties:
    """What breaks ties of runs that are ranked together; ``keys`` are asked for at the first."""

    def __init__(self, keys: Callable[[], Keys], *, seed: int) -> None:
        self._keys = keys
        self._seed = seed

    @cached_property
    def keys(self) -> Keys:
        """Whole numbers that scramble the samples, and those of the runs (see ``tie_keys``)."""
        return self._keys()

    def generator(self, run: int) -> np.random.Generator:
        """Return what permutes the samples that no run tells apart."""
        return seeds.generator(self._seed, "ties", run)


def rank_row(
    row: Float[np.ndarray, " samples"],
    run: int,
    ties: Ties,
    *,
    labels: Int64[np.ndarray, " samples"] | None = None,
) -> Int64[np.ndarray, " samples"]:
    """Rank one run's samples, as ``ranks`` does; ``run`` is its number among those with it.

    >>> rank_row(np.array([0.3, 0.1, 0.2]), 0, Ties(lambda: None, seed=0))
    array([3, 1, 2])
    """
    _refuse_nan(row, run)
    order_of = _RunOrder(ties, run)
    order = order_of(row)
    if labels is not None:
        order = order_of(_places(order, labels))
    found = np.empty(len(row), dtype=np.int64)
    found[order] = np.arange(1, len(row) + 1)
    return found


def tie_keys(
    values: Float[np.ndarray, "some_runs samples"], *, seed: int
) -> tuple[UInt64[np.ndarray, " samples"], UInt64[np.ndarray, " some_runs"]]:
    """Return whole numbers that scramble what is said of each sample, and by each run.

    Runs that say the same of every sample get keys of their own by their turn.

    >>> keys, _ = tie_keys(np.array([[1.0, 2.0], [3.0, 1.0]]), seed=0)
    >>> bool((keys == tie_keys(np.array([[3.0, 1.0], [1.0, 2.0]]), seed=0)[0]).all())
    True
    """
    return keys_of_rows(lambda: values, samples=values.shape[1], seed=seed)


def keys_of_rows(
    rows: Callable[[], Iterable[Float[np.ndarray, " samples"]]], *, samples: int, seed: int
) -> Keys:
    """Return the keys of ``tie_keys`` from rows that come one at a time, and twice.

    >>> table = np.array([[1.0, 2.0], [3.0, 1.0]])
    >>> keys_of_rows(lambda: iter(table), samples=2, seed=0)[1] == tie_keys(table, seed=0)[1]
    array([ True,  True])
    """
    # sums do not depend on the order of what is summed, modulo 2 ** 64 not even in rounding
    runs = np.array([_scrambled(_bits(row)).sum(dtype=np.uint64) for row in rows()], np.uint64)
    met: dict[int, int] = {}
    for run, key in enumerate(runs.tolist()):
        met[key] = met.get(key, 0) + 1
        runs[run] = (key + met[key]) % 2**64
    runs = _scrambled(runs)
    found = np.full(samples, seeds.derive(seed, "ties") % 2**64, dtype=np.uint64)
    for key, row in zip(runs, rows(), strict=True):
        found += _scrambled(_bits(row) ^ key)
    return _scrambled(found), runs


def _bits(row: Float[np.ndarray, " samples"]) -> UInt64[np.ndarray, " samples"]:
    return (row.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 and 0.0 are one value


class _RunOrder:
    """The order of a run's samples by a value, ties by this run's draw."""

    def __init__(self, ties: Ties, run: int) -> None:
        self.ties = ties
        self.run = run
        self.twins: Int64[np.ndarray, " samples"] | None = None

    def __call__(self, row: Float[np.ndarray, " samples"]) -> Int64[np.ndarray, " samples"]:
        order = np.argsort(row, kind="stable")
        ordered = row[order]
        tied = ordered[1:] == ordered[:-1]
        if not tied.any():
            return order  # most runs: one sort, no draw
        if self.twins is None:
            self.twins = self.ties.generator(self.run).permutation(len(row))
        sample_keys, run_keys = self.ties.keys
        # only tied samples are sorted again, by value, draw, and the draw of twins
        among = np.zeros(len(row), dtype=np.bool_)
        among[1:] |= tied
        among[:-1] |= tied
        here = order[among]
        order[among] = here[
            np.lexsort(
                (self.twins[here], _scrambled(sample_keys[here] ^ run_keys[self.run]), row[here])
            )
        ]
        return order


def _places(
    order: Int64[np.ndarray, " samples"], labels: Int64[np.ndarray, " samples"]
) -> Float[np.ndarray, " samples"]:
    """Return each sample's place within its class, in (0, 1), from the order of all."""
    by_class = order[np.argsort(labels[order], kind="stable")]
    sizes = np.bincount(labels)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    places = np.empty(len(order))
    classes = labels[by_class]
    places[by_class] = (np.arange(len(order)) - starts[classes] + 0.5) / sizes[classes]
    return places


def _scrambled(bits: np.ndarray) -> UInt64[np.ndarray, " numbers"]:
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def _refuse_nan(row: Float[np.ndarray, " samples"], run: int) -> None:
    missing = np.flatnonzero(np.isnan(row))
    if missing.size:
        raise DataError(
            "E056",
            f"values to rank must be numbers, {missing.size} of run {run}'s {len(row)} are NaN",
            where=f"run {run}, sample {missing[0]}",
            fix="Leave out samples that were not measured.",
        )
