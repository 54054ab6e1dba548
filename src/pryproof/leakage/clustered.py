"""The interval of a rare share whose hits come in groups that rise and fall together."""

import numpy as np
from jaxtyping import Int64

from pryproof.intervals import clopper_pearson
from pryproof.records import Estimate


def clustered_share(
    hits: Int64[np.ndarray, " clusters"], n: int, *, confidence: float = 0.95
) -> Estimate:
    """Return the share of hits among ``n``, given the hits of each cluster.

    Counts of clusters that come by chance vary by the sum of their squared sizes. So there are
    as many independent hits as (sum of sizes)^2 / sum of squares, and the trials shrink alike
    (Korn and Graubard 1998, with this design effect). Clusters of one: Clopper-Pearson.

    >>> clustered_share(np.array([5]), 100).high > clustered_share(np.ones(5, np.int64), 100).high
    True
    """
    total = int(hits.sum())
    effect = float(np.square(hits).sum() / total) if total else 1.0
    low, high = clopper_pearson(total / effect, n / effect, confidence=confidence)
    return Estimate(
        value=total / n,
        low=float(low),
        high=float(high),
        n=n,
        confidence=confidence,
        method="Clopper-Pearson, on as many hits as there are effective clusters",
    )
