"""How far a sample lies on the members' side of the cut (methods section 2.4).

Every margin is higher for the more exposed sample. What each takes that to mean differs, and only
the excess margin takes out that some images are easy for every model.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64

from pryproof.checks import DataError
from pryproof.valuation.means import mean_over_runs

LARGEST = 700.0  # of an exponent: exp() beyond overflows, and no order depends on more


@runtime_checkable
class Cuts(Protocol):
    """Thresholds on the score -log M: one per class, and the one of all classes together."""

    @property
    def per_class(self) -> Float[np.ndarray, " classes"]: ...

    @property
    def overall(self) -> float: ...


def signed_margin(
    log_mentropy: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    thresholds: Cuts,
) -> Float[np.ndarray, " samples"]:
    """Compute log tau_y - log M (nats), positive on the members' side. Higher = more exposed.

    A class whose best cut is infinite (nothing beats "nobody") uses the overall cut; if that one is
    infinite as well, M = 1 stands in, which leaves the order within these classes unchanged.

    >>> from types import SimpleNamespace
    >>> cuts = SimpleNamespace(per_class=np.array([2.0, np.inf]), overall=1.0)
    >>> signed_margin(np.array([-3.0, -3.0]), np.array([0, 1]), cuts)
    array([1., 2.])
    """
    missing = np.flatnonzero(~np.isfinite(log_mentropy))
    if missing.size:
        raise DataError(
            "E056",
            f"log_mentropy must be finite, {missing.size} of {len(labels)} values are not",
            where=f"sample {missing[0]}",
            fix="Compute it with pryproof.attacks.signals.",
        )
    return -log_mentropy - finite_cuts(thresholds)[labels]


def finite_cuts(thresholds: Cuts) -> Float[np.ndarray, " classes"]:
    """Return each class's cut, the overall one, or 0, whichever is the first that is finite.

    >>> from types import SimpleNamespace
    >>> finite_cuts(SimpleNamespace(per_class=np.array([2.0, np.inf]), overall=1.0))
    array([2., 1.])
    """
    fallback = thresholds.overall if np.isfinite(thresholds.overall) else 0.0
    return np.where(np.isfinite(thresholds.per_class), thresholds.per_class, fallback)


def absolute_margin(
    margin: Float[np.ndarray, "runs samples"], cut: Float[np.ndarray, "runs samples"]
) -> Float[np.ndarray, "runs samples"]:
    """Compute abs(M - tau), the paper's literal words: "closer to the threshold is safer".

    From the signed margin and the cut on -log M, both in nats; the unit is that of M. It calls the
    samples riskiest whose M is largest: those the attack misses. Kept to be compared with.

    >>> absolute_margin(np.array([[1.0, -1.0]]), np.array([[0.0, 0.0]])).round(3)
    array([[0.632, 1.718]])
    """
    said = np.exp(np.minimum(-(margin + cut), LARGEST))
    return np.abs(said - np.exp(np.minimum(-cut, LARGEST)))


def percentile_margin(
    margin: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    reference: Float[np.ndarray, " reference"],
    reference_labels: Int64[np.ndarray, " reference"],
) -> Float[np.ndarray, " samples"]:
    """Return the share of the class's reference non-members whose margin lies below. In [0, 1].

    Equal ones count one half. A class without reference uses all classes together.

    >>> zeros = np.zeros(2, np.int64)
    >>> percentile_margin(np.array([0.0, 9.0]), zeros, np.array([-1.0, 1.0]), zeros)
    array([0.5, 1. ])
    """
    if not reference.size:
        raise DataError(
            "E045",
            "a percentile needs reference non-members, got none",
            fix="Give samples that no run trained on.",
        )
    found = np.empty(len(margin))
    everyone = np.sort(reference)
    for label in np.unique(labels):
        here, apart = labels == label, reference_labels == label
        ordered = np.sort(reference[apart]) if apart.any() else everyone
        below = np.searchsorted(ordered, margin[here], side="left")
        upto = np.searchsorted(ordered, margin[here], side="right")
        found[here] = (below + upto) / (2 * len(ordered))
    return found


def excess_margin(
    margin: Float[np.ndarray, "runs samples"], unseen: Float[np.ndarray, "other_runs samples"]
) -> Float[np.ndarray, "runs samples"]:
    """Subtract from each margin its mean over runs that never saw the sample (nats).

    What is left is exposure rather than ease: an easy image has a large margin in every run,
    trained on it or not. Higher = more exposed; 0 = the run says no more than strangers do. NaN in
    ``unseen`` marks a run that trained on the sample, which does not count.

    >>> excess_margin(np.array([[3.0, 1.0]]), np.array([[2.0, 1.0], [4.0, np.nan]]))
    array([[0., 0.]])
    """
    known = ~np.isnan(unseen)
    counts = known.sum(axis=0)
    lacking = np.flatnonzero(counts == 0)
    if lacking.size or not np.isfinite(margin).all() or np.isinf(unseen).any():
        missing = f"{lacking.size} of {margin.shape[1]} samples have none" if len(unseen) else ""
        raise DataError(
            "E056",
            "an excess margin needs finite margins, and for every sample a run that never saw it, "
            f"got {missing or f'{len(unseen)} such runs'}",
            where=f"sample {lacking[0]}" if lacking.size and len(unseen) else "",
            fix="Train runs without the samples, and give what they say of them.",
        )
    return margin - mean_over_runs(unseen, known)
