"""Rates over all pairs of run and sample together, with one cut for every run.

Where scores of different runs are on one scale, as likelihood ratios are, few samples still allow
a low false positive rate: of 50 samples in 32 runs there are 800 pairs on either side (Aerni et al.
2024 count so). But pairs are not trials of their own. What a sample or a run does to the rate is
the sum of what its pairs do, so the variance is

    V = over samples  +  over clusters of runs  -  of single cells

each the sum of squares of the summed influences, the last counted once (Cameron, Gelbach and
Miller 2011, two-way). Runs of one cluster share a training set; ``clusters`` has a number for every
row given to ``scored``. Degrees of freedom and the interval are those of ``crossed``; a non-member
moves the cut, and the rate by the slope of the curve there.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.evaluation.crossed import area_interval, effective_size
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.low_fpr import slope_of, unbiased_rate
from pryproof.evaluation.per_sample import AT_LEAST, quantiles
from pryproof.evaluation.roc import (
    Steps,
    allowed_false_positives,
    area,
    last_step,
    placements,
    refuse_rate,
    steps,
    threshold,
)
from pryproof.evaluation.scored import Scored
from pryproof.intervals import clopper_pearson, jeffreys
from pryproof.records import Estimate

Table = Float[np.ndarray, "runs samples"]
Clusters = Int64[np.ndarray, " runs"]

AREA, RATE = "Wilson, over samples and clusters", "Jeffreys, over samples and clusters, one cut"


def pooled_auc(judged: Scored, clusters: Clusters, *, confidence: float = 0.95) -> Estimate:
    """Estimate the chance that a pair with the sample outscores one without; 0.5 = chance.

    >>> from pryproof.evaluation.scored import scored
    >>> inside = np.random.default_rng(0).random((8, 40)) < 0.5
    >>> table = np.random.default_rng(1).normal(size=(8, 40)) + 2 * inside
    >>> str(pooled_auc(scored(table, inside), np.arange(8)))
    '0.944 [0.872, 0.972]'
    """
    if not len(judged):
        return _missing(judged, confidence)
    scores, inside, outside = judged.scores, judged.inside, judged.outside
    value = area(_counts(judged))
    influence = np.zeros(scores.shape)
    sides = ((inside, outside, 1.0), (outside, inside, -1.0))
    for own, other, sign in sides:
        above = placements(scores[own], scores[other])
        placed = above if sign > 0 else 1 - above
        influence[own] = (placed - value) / np.count_nonzero(own)
    variance, freedom = _variance(influence, clusters[judged.targets])
    counts = int(inside.any(axis=0).sum()), int(outside.any(axis=0).sum())
    low, high = area_interval(value, variance, freedom, counts, confidence)
    return _estimate(judged, value, (float(low), float(high)), confidence, AREA)


def pooled_tpr(
    judged: Scored, clusters: Clusters, *, fpr: float, confidence: float = 0.95
) -> Estimate:
    """Estimate the true positive rate at a false positive rate of at most ``fpr``, over all pairs.

    The value is that of ``roc.point``; fewer pairs without the sample than 1 / ``fpr`` give an
    estimate "not estimable".

    >>> from pryproof.evaluation.scored import scored
    >>> inside = np.random.default_rng(0).random((8, 100)) < 0.5
    >>> table = np.random.default_rng(1).normal(size=(8, 100)) + 2 * inside
    >>> str(pooled_tpr(scored(table, inside), np.arange(8), fpr=0.05))
    '0.601 [0.468, 0.725]'
    """
    found = pooled_cut(judged, fpr)
    if np.isnan(found):
        return _too_few(judged, fpr, confidence)
    counts = _counts(judged)
    allowed = allowed_false_positives(counts.nonmembers, fpr)
    slope = slope_of([counts], [allowed])
    called = judged.scores >= found
    influence = np.zeros(judged.scores.shape)
    for own, weight in ((judged.inside, 1.0), (judged.outside, -slope)):
        n = np.count_nonzero(own)
        influence[own] += weight * (called[own] - np.count_nonzero(called[own]) / n) / n
    variance, freedom = _variance(influence, clusters[judged.targets])
    value = float(np.mean(called[judged.inside]))
    power = float(np.clip(slope * fpr / max(value, fpr), 0.0, 1.0))
    centre = unbiased_rate(counts, fpr, power)
    samples = int(judged.inside.any(axis=0).sum())
    effective = effective_size(centre, variance, freedom, samples, confidence)
    low, high = jeffreys(centre * effective, effective, confidence=confidence)
    return _estimate(judged, value, (float(low), float(high)), confidence, RATE)


def pooled_by_sample(
    judged: Scored,
    clusters: Clusters,
    *,
    fpr: float,
    confidence: float = 0.95,
    at_least: int = AT_LEAST,
) -> dict[str, Estimate]:
    """Estimate quantiles over samples of the share of runs with the sample that find it.

    Found = the score reaches the one cut at ``fpr``. The 50, 90 and 99 percent quantiles and the
    maximum, with the intervals of ``per_sample.quantiles``; a cluster of runs counts as one trial.
    Samples in fewer than ``at_least`` clusters are left out.
    """
    found = pooled_cut(judged, fpr)
    if np.isnan(found):
        return dict.fromkeys(("50", "90", "99", "max"), _too_few(judged, fpr, confidence))
    own = clusters[judged.targets]
    shares, trained = [], []
    for each in np.unique(own):
        inside = judged.inside[own == each]
        hits = (inside & (judged.scores[own == each] >= found)).sum(axis=0)
        shares.append(hits / np.maximum(inside.sum(axis=0), 1))
        trained.append(inside.any(axis=0))
    n = np.sum(trained, axis=0)
    enough = n >= at_least
    values = np.sum(shares, axis=0)[enough] / n[enough]

    def limits(level: float) -> tuple[np.ndarray, np.ndarray]:
        if not len(values):
            return np.zeros(0), np.zeros(0)
        return clopper_pearson(values * n[enough], n[enough], confidence=level)

    return quantiles(values, limits, runs=len(trained), confidence=confidence, at_least=at_least)


def pooled_cut(judged: Scored, fpr: float) -> float:
    """Return the one cut (found = score >= cut); NaN where too few pairs lack the sample."""
    refuse_rate(fpr)
    if not len(judged) or np.count_nonzero(judged.outside) * fpr + 1e-6 < 1:
        return float("nan")
    counts = _counts(judged)
    return threshold(counts, last_step(counts, allowed_false_positives(counts.nonmembers, fpr)))


def _counts(judged: Scored) -> Steps:
    return steps(judged.scores[judged.inside], judged.scores[judged.outside])


def _variance(influence: Table, clusters: Clusters) -> tuple[float, float]:
    """Return the variance of a rate from what every pair moves it by, and degrees of freedom."""
    cells = np.stack([influence[clusters == each].sum(axis=0) for each in np.unique(clusters)])
    groups, samples = len(cells), int(np.count_nonzero(cells.any(axis=0)))
    over_samples = float(np.sum(cells.sum(axis=0) ** 2)) * samples / max(samples - 1, 1)
    over_groups = float(np.sum(cells.sum(axis=1) ** 2)) * groups / max(groups - 1, 1)
    single = float(np.sum(cells**2))
    variance = over_samples + max(over_groups - single, 0.0)
    doubt = over_samples**2 / max(samples - 1, 1)
    doubt += (over_groups - min(over_groups, single) / 3) ** 2 / max(groups - 1, 1)
    return variance, variance**2 / doubt if doubt > 0 else np.inf


def _estimate(
    judged: Scored,
    value: float,
    ends: tuple[float, float],
    confidence: float,
    method: str,
) -> Estimate:
    return Estimate(
        value=value,
        low=min(ends[0], value),
        high=max(ends[1], value),
        n=_samples(judged),
        runs=len(judged),
        confidence=confidence,
        method=method,
    )


def _samples(judged: Scored) -> int:
    return int((judged.inside | judged.outside).any(axis=0).sum())


def _missing(judged: Scored, confidence: float) -> Estimate:
    why = "no run has a score both of a sample it trained on and of another"
    return not_estimable(why, n=judged.scores.shape[1], confidence=confidence)


def _too_few(judged: Scored, fpr: float, confidence: float) -> Estimate:
    if not len(judged):
        return _missing(judged, confidence)
    pairs = np.count_nonzero(judged.outside)
    why = f"a TPR at {fpr:.4g} FPR needs {np.ceil(1 / fpr):.0f} pairs without, there are {pairs}"
    return not_estimable(why, n=_samples(judged), runs=len(judged), confidence=confidence)
