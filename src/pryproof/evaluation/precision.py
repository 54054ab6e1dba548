"""Precision (PPV): of those called members, the share that are, where members are rare.

With a share ``prior`` of members among all that could be asked about,

    PPV = prior TPR / (prior TPR + (1 - prior) FPR) = 1 / (1 + odds FPR / TPR)

so its interval is that of a ratio of two rates, mapped. Balanced test sets flatter an attack: at a
prior of 1%, a TPR of 50% at an FPR of 1% is right one time in three.
"""

import numpy as np

from pryproof.checks import ConfigurationError
from pryproof.evaluation.estimates import not_estimable
from pryproof.records import Estimate

PRIORS = (0.01, 0.1)  # at which an attack is judged (Jebreel et al. 2026)


def precision_of(tpr: Estimate, fpr: Estimate, *, prior: float) -> Estimate:
    """Return the precision of decisions with these rates; in [0, 1], ``prior`` = a coin's.

    The interval is that of a ratio of independent rates from their own (Donner and Zou 2012); rates
    of several targets go up and down together, for which it is on the wide side.

    >>> tpr = Estimate(value=0.5, low=0.4, high=0.6, n=100)
    >>> fpr = Estimate(value=0.01, low=0.005, high=0.02, n=1000)
    >>> str(precision_of(tpr, fpr, prior=0.01))
    '0.336 [0.195, 0.507]'
    """
    odds = _odds(prior)
    if np.isnan(tpr.value) or np.isnan(fpr.value):
        return _missing(tpr, tpr.method if np.isnan(tpr.value) else fpr.method)
    if tpr.value == fpr.value == 0:
        return _missing(tpr, "nobody is called a member")
    p, q = tpr.value, fpr.value
    root = np.sqrt(
        max((q * p) ** 2 - fpr.low * tpr.high * (2 * q - fpr.low) * (2 * p - tpr.high), 0)
    )
    below = fpr.low * (2 * q - fpr.low) / (q * p + root) if fpr.low > 0 else 0.0
    root = np.sqrt(
        max((q * p) ** 2 - fpr.high * tpr.low * (2 * q - fpr.high) * (2 * p - tpr.low), 0)
    )
    above = (q * p + root) / (tpr.low * (2 * p - tpr.low)) if tpr.low > 0 else np.inf
    value = p / (p + odds * q)
    return _estimate(value, 1 / (1 + odds * above), 1 / (1 + odds * below), tpr, "ratio of rates")


def precision_at(tpr: Estimate, fpr: float, *, prior: float) -> Estimate:
    """Return the precision at a false positive rate that is fixed beforehand.

    >>> str(precision_at(Estimate(value=0.5, low=0.4, high=0.6, n=100), 0.01, prior=0.01))
    '0.336 [0.288, 0.377]'
    """
    odds = _odds(prior)
    if np.isnan(tpr.value):
        return _missing(tpr, tpr.method)
    value, low, high = (rate / (rate + odds * fpr) for rate in (tpr.value, tpr.low, tpr.high))
    return _estimate(value, low, high, tpr, f"{tpr.method}, at an FPR of {fpr:g}")


def _odds(prior: float) -> float:
    if not 0 < prior < 1:
        raise ConfigurationError(
            "E043",
            f"a prior lies between 0 and 1, got {prior}",
            fix="Give the share of members among all, for instance 0.01.",
        )
    return (1 - prior) / prior


def _estimate(value: float, low: float, high: float, tpr: Estimate, method: str) -> Estimate:
    return Estimate(
        value=float(value),
        low=float(min(low, value)),
        high=float(max(high, value)),
        n=tpr.n,
        runs=tpr.runs,
        confidence=tpr.confidence,
        method=method,
    )


def _missing(tpr: Estimate, why: str) -> Estimate:
    return not_estimable(why, n=tpr.n, runs=tpr.runs, confidence=tpr.confidence)
