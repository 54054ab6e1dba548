"""Order the samples of every run from safest to riskiest."""

import numpy as np
from jaxtyping import Float, Int64

from pryproof import seeds
from pryproof.checks import DataError


def ranks(
    values: Float[np.ndarray, "runs samples"], *, seed: int
) -> Int64[np.ndarray, "runs samples"]:
    """Rank the samples within each run: 1 = smallest value = safest.

    Ties are broken by a permutation of each run's own: one for all runs, or the index, would make
    tied samples agree over runs where nothing agrees. So the ranks inside a tie follow the seed and
    the position of the samples; all others depend on the values alone.

    >>> ranks(np.array([[0.3, 0.1, 0.2], [5.0, 6.0, 7.0]]), seed=0)
    array([[3, 1, 2],
           [1, 2, 3]])
    """
    missing = np.argwhere(np.isnan(values))
    if missing.size:
        raise DataError(
            "E056",
            f"values to rank must be numbers, {len(missing)} of {values.size} are NaN",
            where=f"run {missing[0][0]}, sample {missing[0][1]}",
            fix="Leave out samples that were not measured.",
        )
    samples = values.shape[1]
    result = np.empty(values.shape, dtype=np.int64)
    for run, row in enumerate(values):
        order = np.lexsort((seeds.generator(seed, "ties", run).permutation(samples), row))
        result[run, order] = np.arange(1, samples + 1)
    return result
