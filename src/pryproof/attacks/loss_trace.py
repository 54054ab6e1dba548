"""LT-IQR: how far a sample's loss moved while the run was trained.

Pollock, Shilov, Dodd and de Montjoye 2025. An artifact of the training, not a query of the model:
whoever trains has it for free, for members and hold-out alike.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.checks import DataError
from pryproof.records import Evidence


def loss_trace_iqr(
    trace: Float[np.ndarray, "runs epochs samples"],
) -> Float[np.ndarray, "runs samples"]:
    """Return the interquartile range over epochs of every sample's loss (nats).

    Higher = more exposed, as in the paper: a loss that is learned early is low in nearly every
    epoch, that of a non-member stays where it is, and that of a sample learned by heart falls late
    and far. Quartiles are interpolated linearly. NaN = not measured: NaN or infinite losses.

    >>> loss_trace_iqr(np.array([[[2.0, 0.1], [1.9, 0.1], [0.2, 0.1], [0.1, 0.1], [0.0, 0.1]]]))
    array([[1.8, 0. ]])
    """
    with np.errstate(invalid="ignore"):  # inf - inf
        low, high = np.quantile(trace.astype(np.float64), [0.25, 0.75], axis=1)
        spread = high - low
    return np.where(np.isfinite(spread), spread, np.nan)


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - nothing is fitted
    options: Options,  # noqa: ARG001 - it has none
) -> Float[np.ndarray, "targets samples"]:
    trace = evidence.raw.get("loss_trace")
    epochs = 0 if trace is None else trace.shape[1]
    if trace is None or epochs < 2:
        raise DataError(
            "E024",
            f"loss_trace_iqr needs loss_trace of at least 2 epochs, got {epochs}",
            fix="Give loss_trace [runs, epochs, samples]: every sample's loss after each epoch.",
        )
    return loss_trace_iqr(trace[targets])


TABLE: dict[str, Attack] = {
    "loss_trace_iqr": Attack(
        score=_score,
        source="Pollock, Shilov, Dodd and de Montjoye 2025 (LT-IQR)",
        differs="rates samples by their exposure; here read as a membership score",
        calibrates="runs",
    ),
}
