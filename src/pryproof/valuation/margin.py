"""How far a sample lies on the members' side of the cut (methods section 2.4)."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64

from pryproof.checks import DataError


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
    fallback = thresholds.overall if np.isfinite(thresholds.overall) else 0.0
    cuts = np.where(np.isfinite(thresholds.per_class), thresholds.per_class, fallback)
    return -log_mentropy - cuts[labels]


def excess_margin(
    margin: Float[np.ndarray, "runs samples"], unseen: Float[np.ndarray, "other_runs samples"]
) -> Float[np.ndarray, "runs samples"]:
    """Subtract from each margin its mean over runs that never saw the sample (nats).

    What is left is exposure rather than ease: an easy image has a large margin in every run,
    trained on it or not. Higher = more exposed; 0 = the run says no more than strangers do.

    >>> excess_margin(np.array([[3.0, 1.0]]), np.array([[2.0, 1.0], [4.0, 0.0]]))
    array([[0. , 0.5]])
    """
    if not (unseen.size and np.isfinite(margin).all() and np.isfinite(unseen).all()):
        raise DataError(
            "E056",
            "an excess margin needs finite margins, and at least one run without the samples, "
            f"got {len(unseen)} such runs",
            fix="Train shadow runs, and give the margins of theirs.",
        )
    return margin - unseen.mean(axis=0)
