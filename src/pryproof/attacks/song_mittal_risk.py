"""The privacy risk score as the official script of Song and Mittal 2021 computes it.

inspire-group/membership-inference-evaluation, privacy_risk_score_utils.py. Its quirks, kept: five
bins a class, equal on a logarithmic scale between the least and the largest known value, which are
first raised to 1e-10; rounding may put the largest value outside of its own last bin; histograms in
the float type of the values; an empty bin takes the score of the nearest that is not, the lower
one first.
"""

import numpy as np
from jaxtyping import Float

from pryproof.attacks.risk_score import Valued, Values, by_class
from pryproof.checks import DataError

BINS = 5
FLOOR = 1e-10


def risk_score(members: Valued, nonmembers: Valued, judged: Valued) -> Values:
    """Return the script's risk score of judged samples from their modified entropies (not logs).

    NaN = not measured: nobody of the sample's class is known. A class without known members scores
    0, one without non-members 1.

    >>> zeros = np.zeros(3, np.int64)
    >>> members = Valued(values=np.array([1e-6, 1e-5, 1e-3]), labels=zeros)
    >>> nonmembers = Valued(values=np.array([1e-5, 1e-2, 1.0]), labels=zeros)
    >>> risk_score(members, nonmembers, Valued(values=np.array([0.0, 2e-5, 9.0]), labels=zeros))
    array([0.66666667, 0.66666667, 0.        ])
    """
    for each in (members, nonmembers):
        if not np.isfinite(each.values).all():
            raise DataError(
                "E056",
                "this dialect's risk score needs finite modified entropies, got infinite ones",
                fix="Give logits, or leave out samples whose label has probability 0.",
            )
    classes = 1 + max(int(each.labels.max(initial=0)) for each in (members, nonmembers, judged))
    found = np.full(len(judged.values), np.nan)
    places = by_class(np.arange(len(judged.values)), judged.labels, classes)
    inside = by_class(members.values, members.labels, classes)
    outside = by_class(nonmembers.values, nonmembers.labels, classes)
    for here, *sides in zip(places, inside, outside, strict=True):
        raised = [np.maximum(side, side.dtype.type(FLOOR)) for side in sides]
        together = np.concatenate(raised)
        if not (together.size and here.size):
            continue
        ends = np.log10(np.amin(together)), np.log10(np.amax(together))
        edges = np.logspace(*ends, BINS + 1)
        shares = [_shares(side, edges) for side in raised]
        found[here] = _by_bin(shares[0], shares[1])[_bins(edges, judged.values[here])]
    return found


def _shares(values: Values, edges: Float[np.ndarray, " edges"]) -> Float[np.ndarray, " bins"]:
    if not values.size:
        return np.zeros(BINS)
    weights = np.ones_like(values) / float(len(values))
    return np.histogram(values, edges, weights=weights)[0].astype(np.float64)


def _bins(edges: Float[np.ndarray, " edges"], values: Values) -> np.ndarray:
    found = np.searchsorted(edges, values, side="right") - 1
    found[values <= edges[0]] = 0
    found[values >= edges[-1]] = BINS - 1
    return found


def _by_bin(
    inside: Float[np.ndarray, " bins"], outside: Float[np.ndarray, " bins"]
) -> Float[np.ndarray, " bins"]:
    """Return every bin's score; an empty bin borrows the nearest, the lower of two."""
    filled = np.flatnonzero(inside + outside != 0)
    if not filled.size:
        return np.full(BINS, np.nan)
    distance = np.abs(filled - np.arange(BINS)[:, None])
    nearest = filled[np.argmin(distance, axis=1)]  # the first of two, which is the lower
    return inside[nearest] / (inside[nearest] + outside[nearest])
