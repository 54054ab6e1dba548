"""Means over the runs of other groups, for many targets at once: never runs x runs x samples.

The runs before and after a target's group are added up from either end, so the target's own rows
never enter a sum, not even to be taken out again: a subtraction would leave their rounding behind.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.search import count_true

COLUMNS = 4096  # samples worked on at a time: bounds the memory, and keeps a block in the cache


def means_of_others(
    logp: Float[np.ndarray, "runs samples"],
    chosen: Bool[np.ndarray, "runs chosen"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
) -> Float[np.ndarray, "targets samples"]:
    """Average exp(logp) over the chosen runs of other groups than the target's; NaN where none is.

    ``chosen`` has a column for every sample, or one that holds for all.

    >>> logp = np.log(np.array([[0.9], [0.2], [0.4]]))
    >>> means_of_others(logp, np.ones((3, 1), bool), np.arange(3), np.array([0, 1])).round(3)
    array([[0.3 ],
           [0.65]])
    """
    samples = logp.shape[1]
    sums = np.empty((len(targets), samples))
    everyone = bool(chosen.all())
    for start in range(0, samples, COLUMNS):
        block = slice(start, start + COLUMNS)
        values = np.exp(logp[:, block])
        if not everyone:
            values *= chosen[:, block] if chosen.shape[1] == samples else chosen
        sums[:, block] = _sums_of_others(values, group, targets)
    total = count_true(chosen)
    for row, target in enumerate(targets):
        used = total - count_true(chosen[group == group[target]])
        with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN of a sample without such a run
            sums[row] /= used
    return sums


def log_mean_of_others(
    logp: Float[np.ndarray, "runs samples"],
    chosen: Bool[np.ndarray, "runs chosen"],
    others: Bool[np.ndarray, " runs"],
) -> Float[np.ndarray, " samples"]:
    """Return the mean's logarithm without leaving log space, for values that exp takes to 0.

    >>> logp = np.array([[-1000.0], [-1000.0]])
    >>> log_mean_of_others(logp, np.ones((2, 1), bool), np.array([True, True]))
    array([-1000.])
    """
    used = np.broadcast_to(chosen[others], logp[others].shape)
    total = np.logaddexp.reduce(logp[others], axis=0, where=used, initial=-np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):  # no run at all: NaN
        return total - np.log(np.count_nonzero(used, axis=0))


def _sums_of_others(
    values: Float[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
) -> Float[np.ndarray, "targets samples"]:
    # in the order in which groups first appear: their numbers are names
    groups = list(dict.fromkeys(group.tolist()))
    rows = {each: np.flatnonzero(group[targets] == each) for each in groups}
    runs = {each: np.flatnonzero(group == each) for each in groups}
    sums = np.zeros((len(targets), values.shape[1]))
    for order in (groups, groups[::-1]):
        running = np.zeros(values.shape[1])
        last = max((place for place, each in enumerate(order) if rows[each].size), default=0)
        for place, each in enumerate(order[: last + 1]):
            sums[rows[each]] += running
            for run in runs[each] if place < last else ():
                running += values[run]
    return sums
