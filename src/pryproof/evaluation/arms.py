"""Two arms of runs on the same samples: differences, with intervals over samples and over runs.

An arm is a table [runs, samples]. Samples are common to both arms, so a difference is taken sample
by sample and what is hard in both cancels; runs are not paired. The variance adds what other
samples and what other runs of either arm would change.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from pryproof.intervals import two_sided
from pryproof.records import Estimate

Arm = Float[np.ndarray, "runs samples"]
PerSample = Float[np.ndarray, " samples"]
Of = Callable[[PerSample, PerSample], PerSample]  # mean of one arm, mean of the other -> by sample


def difference(first: np.ndarray, second: np.ndarray, *, confidence: float = 0.95) -> Estimate:
    """Estimate by how much the second arm's mean lies above the first's, on the same samples.

    >>> runs = np.array([[0.0, 1.0, 2.0], [0.2, 0.8, 2.0]])
    >>> round(difference(runs, runs + 0.5).value, 3)
    0.5
    """
    return contrast([(-1.0, first), (1.0, second)], confidence=confidence)


def contrast(parts: Sequence[tuple[float, np.ndarray]], *, confidence: float = 0.95) -> Estimate:
    """Estimate a weighted sum of several arms' means, such as one fall less another.

    >>> halves, whole = np.array([[1.0, 1.0]]), np.array([[0.5, 0.5]])
    >>> contrast([(1.0, halves), (-2.0, whole)]).value
    0.0
    """
    by_sample = sum((weight * table.mean(axis=0) for weight, table in parts), np.zeros(()))
    variances = [(variance_over_samples(by_sample), len(by_sample) - 1)]
    for weight, table in parts:
        if len(table) > 1:
            means = weight * table.mean(axis=1)
            variances.append((float(means.var(ddof=1)) / len(table), len(table) - 1))
    runs = min(len(table) for _, table in parts)
    return estimate_from(by_sample, variances, runs=runs, confidence=confidence)


def apart(first: np.ndarray, second: np.ndarray, *, confidence: float = 0.95) -> Estimate:
    """Estimate by how much the second arm's mean lies above the first's, on other samples.

    Nothing cancels: the variance over samples is the sum of both arms'.
    """
    values, variances = [], []
    for table in (first, second):
        by_sample = table.mean(axis=0)
        values.append(float(by_sample.mean()))
        variances.append((variance_over_samples(by_sample), len(by_sample) - 1))
        if len(table) > 1:
            over_runs = float(table.mean(axis=1).var(ddof=1)) / len(table)
            variances.append((over_runs, len(table) - 1))
    return estimate_from(
        np.array([values[1] - values[0]]),
        variances,
        runs=min(len(first), len(second)),
        confidence=confidence,
        n=min(first.shape[1], second.shape[1]),
    )


def of_both(arms: tuple[np.ndarray, np.ndarray], of: Of, confidence: float) -> Estimate:
    """Estimate the mean over samples of what is linear in either arm's mean over runs."""
    before, after = arms
    means = before.mean(axis=0), after.mean(axis=0)
    by_sample = of(*means)
    parts = [(variance_over_samples(by_sample), len(by_sample) - 1)]
    parts += [
        _jackknife(np.array([of(rest, means[1]).mean() for rest in left_out(before)])),
        _jackknife(np.array([of(means[0], rest).mean() for rest in left_out(after)])),
    ]
    runs = min(len(before), len(after))
    return estimate_from(by_sample, parts, runs=runs, confidence=confidence)


def left_out(arm: np.ndarray) -> Float[np.ndarray, "_ samples"]:
    """Return the mean over all runs but one, for each; nothing where there is one run alone."""
    if len(arm) == 1:
        return arm[:0]
    return (arm.sum(axis=0) - arm) / (len(arm) - 1)


def _jackknife(values: np.ndarray) -> tuple[float, int]:
    """Return variance and degrees of freedom of a mean over runs, from leaving out each in turn."""
    runs = len(values)
    if runs < 2:
        return 0.0, 1
    return float((runs - 1) * values.var()), runs - 1


def variance_over_samples(values: np.ndarray) -> float:
    """Return the variance of a mean over samples."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0


def estimate_from(
    values: np.ndarray,
    parts: list[tuple[float, int]],
    *,
    runs: int,
    confidence: float,
    n: int | None = None,
) -> Estimate:
    """Add variances up; degrees of freedom are Satterthwaite's."""
    variance = sum(part for part, _ in parts)
    doubt = sum(part**2 / max(freedom, 1) for part, freedom in parts)
    freedom = variance**2 / doubt if doubt > 0 else np.inf
    half = two_sided(confidence, freedom=max(freedom, 1.0)) * float(np.sqrt(variance))
    value = float(values.mean())
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n=len(values) if n is None else n,
        runs=runs,
        confidence=confidence,
        method="over samples and runs, Student's t" if runs > 1 else "over samples",
    )
