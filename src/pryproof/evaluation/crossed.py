"""Rates of several targets among the same samples, each target with its own members.

With one target an interval is about the samples: what another draw of members and non-members
would give against this very model. With several, targets are drawn too: it is about another
training run as well. What target t gets from sample i is then one cell of a table of influences,
rows summing to nothing around the row's value, and the mean over targets has the variance

    V = over samples / S  +  over targets / T  -  of single cells / (S T)

each from the table; the last term is in both others and counted once (a two-way random effects
model). Degrees of freedom are Satterthwaite's, with the variance over targets less a third of its
single-cell part: among few targets that settles between trusting a small one and fearing a large.

An area under a curve, or a balanced accuracy, near its bound has too little variance to show: of
50 members none happens to lie low. So towards the far bound a small part of an observation is
added there (``EDGE``), growing from none at 1/2, which keeps the coverage near 1 (tests/statistics
has the numbers). Proportions get Jeffreys' interval, at the effective number of trials.
"""

import numpy as np
from jaxtyping import Bool, Float

from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import Steps, area, steps
from pryproof.intervals import jeffreys, two_sided, two_sided_each
from pryproof.records import Estimate

Table = Float[np.ndarray, "targets samples"]
Mask = Bool[np.ndarray, "targets samples"]
Array = Float[np.ndarray, "..."]
Number = Array | float | np.integer

EDGE = 0.15  # of an observation: less leaves gaps near 1 at 50 samples, more only adds width


def auc_of(scores: Table, inside: Mask, outside: Mask, *, confidence: float = 0.95) -> Estimate:
    """Estimate the AUC of members (``inside``) over non-members, the mean over targets.

    Each target needs both sides. Score and decisions may differ in scale between targets: each is
    ranked alone. 0.5 = the attack learns nothing.

    >>> scores = np.array([[3.0, 4.0, 5.0, 0.0, 1.0, 2.0]])
    >>> inside = scores > 2
    >>> str(auc_of(scores, inside, ~inside))
    '1.000 [0.311, 1.000]'
    """
    if len(scores) == 1:
        counts = steps(scores[0, inside[0]], scores[0, outside[0]])
        return auc_from_steps(counts, confidence=confidence)
    influence, values = np.zeros(scores.shape), np.zeros(len(scores))
    for t, row in enumerate(scores):
        placed = _placements(row, inside[t], outside[t])
        values[t] = placed[inside[t]].mean()
        for side in (inside[t], outside[t]):
            influence[t, side] = _influence(placed[side])
    return _of_several(values, influence, inside, outside, confidence)


def auc_from_steps(counts: Steps, *, confidence: float = 0.95) -> Estimate:
    """Estimate one target's AUC from its counts, in one pass over the distinct scores.

    >>> str(auc_from_steps(steps(np.array([3.0, 4.0, 5.0]), np.array([0.0, 1.0, 2.0]))))
    '1.000 [0.311, 1.000]'
    """
    value, sides = area(counts), (counts.members, counts.nonmembers)
    hits, false = np.diff(counts.hits), np.diff(counts.false)
    above = 1 - (counts.false[1:] - false / 2) / counts.nonmembers  # members' placements
    below = (counts.hits[1:] - hits / 2) / counts.members
    variances = [
        float((placed - value) ** 2 @ weight) / (n * (n - 1))
        if n > 1
        else float(_smoothed(value, 1))
        for placed, weight, n in zip((above, below), (hits, false), sides, strict=True)
    ]
    variance = float(sum(variances))
    doubt = sum(part**2 / max(n - 1, 1) for part, n in zip(variances, sides, strict=True))
    freedom = variance**2 / doubt if doubt > 0 else np.inf
    low, high = area_interval(value, variance, freedom, sides, confidence)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=sum(sides),
        confidence=confidence,
        method="Wilson, DeLong's variance",
    )


def rate_of(decisions: Mask, among: Mask, *, confidence: float = 0.95) -> Estimate:
    """Estimate the share of ``among`` that is called a member, the mean over targets.

    >>> called = np.arange(100)[None] < 10
    >>> str(rate_of(called, np.ones((1, 100), dtype=bool)))
    '0.100 [0.053, 0.170]'
    """
    n = int(among.any(axis=0).sum())
    values, effective = (decisions & among).sum(axis=1) / among.sum(axis=1), float(n)
    if len(values) > 1:
        variance, freedom = variance_of_mean(values, rate_influence(decisions, among))
        effective = effective_size(values.mean(), variance, freedom, n, confidence)
    value = float(values.mean())
    low, high = jeffreys(value * effective, effective, confidence=confidence)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=n,
        runs=len(values),
        confidence=confidence,
        method="Jeffreys" if len(values) == 1 else "Jeffreys, variance over samples and targets",
    )


def balanced_accuracy_of(
    decisions: Mask, inside: Mask, outside: Mask, *, confidence: float = 0.95
) -> Estimate:
    """Estimate (TPR + 1 - FPR) / 2, the mean over targets; 0.5 = the attack learns nothing.

    With one target: Jeffreys' intervals of both rates, joined as those of a difference (Newcombe
    1998, method 10). With several: as the AUC of decisions, which it is.

    >>> called = np.arange(200)[None] < 100
    >>> str(balanced_accuracy_of(called, called, ~called))
    '1.000 [0.983, 1.000]'
    """
    if len(decisions) > 1:
        called = [(decisions & side).sum(axis=1) / side.sum(axis=1) for side in (inside, outside)]
        influence = rate_influence(decisions, inside)
        influence -= rate_influence(decisions, outside)
        influence /= 2
        values = (called[0] + 1 - called[1]) / 2
        return _of_several(values, influence, inside, outside, confidence)
    tpr = rate_of(decisions, inside, confidence=confidence)
    tnr = rate_of(~decisions, outside, confidence=confidence)
    below = np.hypot(tpr.value - tpr.low, tnr.value - tnr.low) / 2
    above = np.hypot(tpr.high - tpr.value, tnr.high - tnr.value) / 2
    value = (tpr.value + tnr.value) / 2
    return Estimate(
        value=value,
        low=float(max(value - below, 0.0)),
        high=float(min(value + above, 1.0)),
        n=tpr.n + tnr.n,
        confidence=confidence,
        method="Jeffreys for both rates, joined by Newcombe's method 10",
    )


def advantage_of(balanced: Estimate) -> Estimate:
    """Return TPR - FPR, from -1 to 1: twice the balanced accuracy less one; 0 = learns nothing.

    >>> str(advantage_of(Estimate(value=0.75, low=0.7, high=0.8, n=100)))
    '0.500 [0.400, 0.600]'
    """
    if np.isnan(balanced.value):
        return not_estimable(balanced.method, n=balanced.n, confidence=balanced.confidence)
    return Estimate(
        value=2 * balanced.value - 1,
        low=2 * balanced.low - 1,
        high=2 * balanced.high - 1,
        n=balanced.n,
        runs=balanced.runs,
        confidence=balanced.confidence,
        method=balanced.method,
    )


def variance_of_mean(
    values: Float[np.ndarray, " targets"], influence: Table
) -> tuple[float, float]:
    """Return the variance of the mean over two targets or more, and its degrees of freedom."""
    targets, samples = influence.shape
    common = influence.mean(axis=0)
    correction = samples / max(samples - 1, 1)
    over_samples = float(np.sum(common**2)) * correction
    over_targets = float(values.var(ddof=1)) / targets
    cells = float(np.sum((influence - common) ** 2)) / (targets * (targets - 1)) * correction
    variance = over_samples + max(over_targets - cells, 0.0)
    doubt = over_samples**2 / max(samples - 1, 1)
    doubt += (over_targets - min(over_targets, cells) / 3) ** 2 / (targets - 1)
    return variance, variance**2 / doubt if doubt > 0 else np.inf


def rate_influence(decisions: Mask, among: Mask) -> Table:
    """Return what each cell moves its target's share of ``among`` that is called a member by.

    Scaled so that the sum of a row's squares is the variance of the share.
    """
    n = among.sum(axis=1, keepdims=True)
    rate = (decisions & among).sum(axis=1, keepdims=True) / n
    table = decisions - rate
    table /= np.sqrt(n * np.maximum(n - 1, 1))
    table *= among
    return np.asarray(table)


def effective_size(
    value: float, variance: float, freedom: float, n: int, confidence: float
) -> float:
    """Return of how many trials a proportion would have this variance; n where it has none."""
    if variance <= 0 or not 0 < value < 1:
        return float(n)
    reach = two_sided(confidence, freedom=max(freedom, 1.0)) / two_sided(confidence)
    return float(value * (1 - value) / (variance * reach**2))


def area_interval(
    value: Number,
    variance: Number,
    freedom: Number,
    counts: tuple[Number, Number],
    confidence: float,
) -> tuple[Array, Array]:
    """Return the interval of areas in [0, 1] that rest on so many members and non-members.

    Wilson's, at the size that a proportion of this variance would have (see the module).
    """
    value, variance, freedom, m, n = _arrays(value, variance, freedom, *counts)
    if freedom.ndim:
        reach = two_sided_each(confidence, freedom)
    else:
        reach = np.asarray(two_sided(confidence, freedom=max(float(freedom), 1.0)))
    low = _lower_end(value, variance, (m, n), reach)
    high = 1 - _lower_end(np.asarray(1 - value), variance, (m, n), reach)
    return np.asarray(np.minimum(low, value)), np.asarray(np.maximum(high, value))


def _lower_end(value: Array, variance: Array, counts: tuple[Array, Array], reach: Array) -> Array:
    added = np.asarray(EDGE * np.maximum(2 * value - 1, 0.0))
    m, n = counts[0] + added, counts[1] + added
    shifted = value * (counts[0] / m) * (counts[1] / n)
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing added to a single observation
        edge = added * shifted**2 * (1 / (m * (m - 1)) + 1 / (n * (n - 1)))
    variance = variance + np.where(added > 0, edge, 0.0)
    variance = np.where(variance > 0, variance, _smoothed(shifted, np.minimum(*counts)))
    effective = shifted * (1 - shifted) / variance
    square = reach**2
    half = np.sqrt(square * (effective * shifted * (1 - shifted) + square / 4))
    low = (effective * shifted + square / 2 - half) / (effective + square)
    return np.asarray(np.maximum(low, 0.0))


def _of_several(
    values: Float[np.ndarray, " targets"],
    influence: Table,
    inside: Mask,
    outside: Mask,
    confidence: float,
) -> Estimate:
    """Estimate the mean of areas, or of balanced accuracies, over two targets or more."""
    variance, freedom = variance_of_mean(values, influence)
    sides = int(inside.any(axis=0).sum()), int(outside.any(axis=0).sum())
    low, high = area_interval(values.mean(), variance, freedom, sides, confidence)
    return Estimate(
        value=float(values.mean()),
        low=float(low),
        high=float(high),
        n=int((inside | outside).any(axis=0).sum()),
        runs=len(values),
        confidence=confidence,
        method="Wilson, variance over samples and targets",
    )


def _placements(
    scores: Float[np.ndarray, " samples"],
    inside: Bool[np.ndarray, " samples"],
    outside: Bool[np.ndarray, " samples"],
) -> Float[np.ndarray, " samples"]:
    """Return of a member the share of non-members below, of a non-member that of members above."""
    placed = np.full(len(scores), np.nan)
    kept = np.flatnonzero(inside | outside)
    order = kept[np.argsort(scores[kept])]
    ordered = scores[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    run = np.cumsum(first) - 1  # of equal scores: which one is this?
    starts = np.append(np.flatnonzero(first), len(order))
    middle = []  # so many of a side lie below each run, half of the run itself counted
    for side in (inside, outside):
        below = np.concatenate([[0], np.cumsum(side[order])])[starts]
        middle.append((below[1:] + below[:-1])[run] / (2 * np.count_nonzero(side)))
    placed[order] = np.where(inside[order], middle[1], 1 - middle[0])
    return placed


def _influence(values: Array) -> Array:
    """Return what each value moves the mean by, scaled to have the variance of the mean."""
    n = len(values)
    return (values - values.mean()) / np.sqrt(n * (n - 1) if n > 1 else 1.0)


def _smoothed(rate: Number, n: Number) -> Array:
    """Return a proportion's variance with two successes and failures added: never 0."""
    rate, n = _arrays(rate, n)
    added = (rate * n + 2) / (n + 4)
    return np.asarray(added * (1 - added) / n)


def _arrays(*numbers: Number) -> tuple[Array, ...]:
    return tuple(np.asarray(each, dtype=np.float64) for each in numbers)
