"""Where an attack's cut comes from: its definition, all classes together, or each class."""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks import threshold
from pryproof.attacks.attack import Fit, Thresholds


def fit_cuts(
    scores: Float[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"] | None,
    member: Bool[np.ndarray, " samples"],
    *,
    classes: int,
    per_class: bool = True,
    fixed_cut: float | None = None,
    fit: Fit | None = None,
) -> Thresholds:
    """Fit an attack's cuts on scores whose membership is known; higher = member.

    ``per_class``, ``fixed_cut`` and ``fit`` are those of the ``Attack``; None = our own rule,
    ``threshold.fit``; ``shrinkage.fit_shrunk`` leans on all classes together. Without labels, or
    ``per_class``, one cut serves all classes. Samples without a score (NaN) are left out.

    >>> scores, member = np.array([3.0, 1.0, np.nan]), np.array([True, False, True])
    >>> fit_cuts(scores, None, member, classes=2).per_class
    array([2., 2.])
    """
    if fixed_cut is not None:
        return threshold.constant(fixed_cut, classes=classes)
    one_for_all = labels is None or not per_class
    if labels is None or one_for_all:
        labels = np.zeros(len(scores), dtype=np.int64)
    measured = ~np.isnan(scores)
    inside, outside = measured & member, measured & ~member
    found = (fit or threshold.fit)(
        scores[inside],
        labels[inside],
        scores[outside],
        labels[outside],
        classes=1 if one_for_all else classes,
    )
    return threshold.constant(float(found.per_class[0]), classes=classes) if one_for_all else found
