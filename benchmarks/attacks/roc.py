"""ROC, AUC and true positive rates beside scikit-learn."""

from collections.abc import Iterator

import numpy as np

from attacks import peers
from attacks.timing import Case, Work
from pryproof.evaluation.roc import area, curve, point, steps

FPRS = (0.01, 0.001, 0.0001)
SIDE = 1_000_000


def scores(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw members' and non-members' scores."""
    draws = np.random.default_rng(0)
    return draws.normal(size=side) + 1, draws.normal(size=side)


def cases() -> Iterator[Case]:
    """One million of either side: curve, area and three operating points."""
    members, nonmembers = scores(SIDE)
    yield Case(
        name="ROC + AUC + TPR at three FPRs, 1M + 1M scores",
        ours=ours(members, nonmembers),
        peers=dict(_scikit_learn(members, nonmembers)),
        bar={"scikit-learn": 2.5},
        reads=[members, nonmembers],
        growth=lambda side: ours(*scores(side)),
        sizes=(250_000, 500_000, 1_000_000, 2_000_000),
    )


def ours(members: np.ndarray, nonmembers: np.ndarray) -> Work:
    """Return our work."""

    def work() -> None:
        counts = steps(members, nonmembers)
        curve(counts)
        area(counts)
        _ = [point(counts, fpr) for fpr in FPRS]

    return work


def _scikit_learn(members: np.ndarray, nonmembers: np.ndarray) -> Iterator[tuple[str, Work]]:
    metrics = peers.installed("sklearn.metrics")
    if metrics is None:
        return
    said = np.concatenate([members, nonmembers])
    truth = np.arange(len(said)) < len(members)

    def work() -> None:
        fpr, tpr, _ = metrics.roc_curve(truth, said)
        metrics.auc(fpr, tpr)
        _ = [tpr[np.searchsorted(fpr, each, side="right") - 1] for each in FPRS]

    yield "scikit-learn", work
