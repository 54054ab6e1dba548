"""In how many runs does the attack call a sample a member? The paper's R (methods section 2.3)."""

import numpy as np
from jaxtyping import Bool, Float

from pryproof.intervals import wilson

Rates = Float[np.ndarray, " samples"]


def success_rate(
    decisions: Bool[np.ndarray, "runs samples"], *, confidence: float = 0.95
) -> tuple[Rates, Rates, Rates]:
    """Return every sample's share of runs that call it a member, with Wilson's interval.

    Unit: probability over training runs. For members a true positive rate, for others a false
    positive rate: the one says nothing without the other.

    >>> rate, low, high = success_rate(np.array([[True, False], [True, False], [False, False]]))
    >>> rate.round(2), low.round(2), high.round(2)
    (array([0.67, 0.  ]), array([0.21, 0.  ]), array([0.94, 0.56]))
    """
    hits = decisions.sum(axis=0)
    low, high = wilson(hits, len(decisions), confidence=confidence)
    return hits / len(decisions), low, high
