"""In how many runs does the attack call a sample a member? The paper's R (methods section 2.3)."""

import numpy as np
from jaxtyping import Bool, Float

from pryproof.checks import DataError
from pryproof.intervals import wilson

Rates = Float[np.ndarray, " samples"]


def success_rate(
    decisions: Bool[np.ndarray, "runs samples"],
    *,
    counted: Bool[np.ndarray, "runs samples"] | None = None,
    confidence: float = 0.95,
) -> tuple[Rates, Rates, Rates]:
    """Return every sample's share of runs that call it a member, with Wilson's interval.

    Unit: probability over training runs. For members a true positive rate, for others a false
    positive rate: the one says nothing without the other. ``counted`` marks the runs that count for
    a sample (None: all); NaN where none does.

    >>> rate, low, high = success_rate(np.array([[True, False], [True, False], [False, False]]))
    >>> rate.round(2), low.round(2), high.round(2)
    (array([0.67, 0.  ]), array([0.21, 0.  ]), array([0.94, 0.56]))
    """
    if not len(decisions):
        raise DataError(
            "E045", "a success rate needs runs, got none", fix="Give decisions of a run."
        )
    if counted is None:
        counted = np.ones(decisions.shape, dtype=np.bool_)
    n = counted.sum(axis=0)
    hits = (counted & decisions).sum(axis=0)
    rate, low, high = (np.full(len(n), np.nan) for _ in range(3))
    some = n > 0
    rate[some] = hits[some] / n[some]
    low[some], high[some] = wilson(hits[some], n[some], confidence=confidence)
    return rate, low, high
