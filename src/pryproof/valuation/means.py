"""Means over runs that do not depend on the order of the runs, to the last bit."""

import numpy as np
from jaxtyping import Bool, Float


def mean_over_runs(
    values: Float[np.ndarray, "runs samples"], counted: Bool[np.ndarray, "runs samples"]
) -> Float[np.ndarray, " samples"]:
    """Return each sample's mean over the runs that count; NaN where none does.

    A sum of floats depends on its order; so each sample's values are added from the smallest on.

    >>> values = np.array([[1.0, 5.0], [3.0, 7.0]])
    >>> mean_over_runs(values, np.array([[True, False], [True, False]]))
    array([ 2., nan])
    """
    n = counted.sum(axis=0)
    total = np.zeros(values.shape[1])
    for row in np.sort(np.where(counted, values, np.inf), axis=0):
        total += np.where(np.isposinf(row), 0.0, row)
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
