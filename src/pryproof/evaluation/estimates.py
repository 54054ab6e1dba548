"""Rates of several runs judged on the same samples, each with its interval.

All intervals are built alike. Samples and runs are both drawn, so a mean over both has the variance

    V = var_i(mean_r x_ri) / samples  +  var_r(mean_i x_ri) / runs

(the first term alone for one run, whose interval then says nothing of other runs). A difference
that belongs to one sample in one run enters both terms: the interval errs on the wide side.

The interval is Wilson's score interval at the effective sample size value * (1 - value) / V, so it
stays within [0, 1], with Student's t at Welch and Satterthwaite's degrees of freedom, since a
variance over three runs is itself a rough guess. Samples that all behave alike get the variance of
a proportion with two successes and two failures added (Agresti and Coull), and a value of 0 or 1
the plain Wilson interval of the smaller side's count, so no interval has zero width.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof import seeds
from pryproof.evaluation.roc import (
    OperatingPoint,
    allowed_false_positives,
    placements,
    refuse_unusable,
    tpr_at_fpr,
)
from pryproof.intervals import wilson
from pryproof.records import Estimate

MemberScores = Float[np.ndarray, "runs members"]
NonmemberScores = Float[np.ndarray, "runs nonmembers"]

RESAMPLES = 1000
BLOCK = 100  # resamples drawn at a time: bounds the memory


def not_estimable(why: str, *, n: int = 0, runs: int = 1, confidence: float = 0.95) -> Estimate:
    """Return the estimate of what the data cannot say; ``why`` is its method.

    >>> str(not_estimable("no members"))
    'not estimable (no members)'
    """
    nan = float("nan")
    return Estimate(value=nan, low=nan, high=nan, n=n, runs=runs, confidence=confidence, method=why)


def mean_accuracy(
    correct: Bool[np.ndarray, "runs samples"] | Float[np.ndarray, "runs samples"],
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the mean over samples and runs of values in [0, 1], such as right or wrong.

    >>> str(mean_accuracy(np.ones((2, 50))))
    '1.000 [0.929, 1.000]'
    """
    values = correct.astype(np.float64)
    refuse_unusable(correct=values)
    per_sample = values.mean(axis=0)
    return _estimate(
        values.mean(axis=1),
        [(_variance_of_mean(per_sample), len(per_sample))],
        n=len(per_sample),
        confidence=confidence,
        method="Wilson, variance over samples",
    )


def balanced_accuracy(
    member_decisions: Bool[np.ndarray, "runs members"],
    nonmember_decisions: Bool[np.ndarray, "runs nonmembers"],
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate (TPR + 1 - FPR) / 2 of decisions "is a member"; 0.5 = the attack learns nothing.

    >>> called, spared = np.ones((1, 100), dtype=bool), np.zeros((1, 100), dtype=bool)
    >>> str(balanced_accuracy(called, spared))
    '1.000 [0.963, 1.000]'
    """
    right = member_decisions.astype(np.float64), 1.0 - nonmember_decisions.astype(np.float64)
    refuse_unusable(members=right[0], nonmembers=right[1])
    per_sample = [side.mean(axis=0) for side in right]
    return _estimate(
        (right[0].mean(axis=1) + right[1].mean(axis=1)) / 2,
        [(_variance_of_mean(side) / 4, len(side)) for side in per_sample],
        n=sum(map(len, per_sample)),
        confidence=confidence,
        method="Wilson, variance over members and non-members",
    )


def auc_estimate(
    member_scores: MemberScores, nonmember_scores: NonmemberScores, *, confidence: float = 0.95
) -> Estimate:
    """Estimate the AUC, the mean over runs; 0.5 = the attack learns nothing.

    The variance over samples is DeLong's, of placements averaged over the runs: the share of the
    other side that a sample outscores.

    >>> str(auc_estimate(np.array([[3.0, 4.0, 5.0]]), np.array([[0.0, 1.0, 2.0]])))
    '1.000 [0.439, 1.000]'
    """
    refuse_unusable(members=member_scores, nonmembers=nonmember_scores)
    pairs = list(zip(member_scores, nonmember_scores, strict=True))
    above = np.array([placements(inside, outside) for inside, outside in pairs])
    below = np.array([1.0 - placements(outside, inside) for inside, outside in pairs])
    per_sample = [above.mean(axis=0), below.mean(axis=0)]
    return _estimate(
        above.mean(axis=1),
        [(_variance_of_mean(side), len(side)) for side in per_sample],
        n=sum(map(len, per_sample)),
        confidence=confidence,
        method="Wilson, DeLong's variance",
    )


def tpr_estimate(
    member_scores: MemberScores,
    nonmember_scores: NonmemberScores,
    *,
    fpr: float,
    confidence: float = 0.95,
    seed: int,
) -> Estimate:
    """Estimate the true positive rate at a false positive rate of at most ``fpr``, mean over runs.

    Every run has its own threshold. The variance over samples is that of 1,000 bootstrap draws of
    members and of non-members, the same for all runs, with the thresholds set anew on each draw.

    >>> scores = np.arange(200.0)[None]
    >>> str(tpr_estimate(scores + 100, scores, fpr=0.1, seed=0))
    '0.600 [0.520, 0.675]'
    """
    points = _operating_points(member_scores, nonmember_scores, fpr)
    members, nonmembers = member_scores.shape[1], nonmember_scores.shape[1]
    draws = _bootstrap(member_scores, nonmember_scores, fpr, seed)
    realised = np.mean([point.realised_fpr for point in points])
    return _estimate(
        np.array([point.tpr for point in points]),
        [(_positive(float(draws.var(ddof=1)), float(draws.mean()), members), members)],
        n=members,
        confidence=confidence,
        method=f"Wilson, bootstrap variance; realised FPR {realised:.4f}, "
        f"{members} members, {nonmembers} non-members",
    )


def tpr_by_group(
    member_scores: MemberScores,
    nonmember_scores: NonmemberScores,
    groups: Int64[np.ndarray, " members"],
    *,
    fpr: float,
    confidence: float = 0.95,
) -> dict[int, Estimate]:
    """Estimate each member group's true positive rate at the thresholds of the whole.

    The thresholds are every run's own at ``fpr``, and taken as given: the intervals are about the
    group's members and the runs.

    >>> members, nonmembers = np.arange(100.0, 300.0)[None], np.arange(200.0)[None]
    >>> found = tpr_by_group(members, nonmembers, np.arange(200) // 100, fpr=0.1)
    >>> {group: str(estimate) for group, estimate in found.items()}
    {0: '0.200 [0.132, 0.291]', 1: '1.000 [0.963, 1.000]'}
    """
    points = _operating_points(member_scores, nonmember_scores, fpr)
    hits = member_scores >= np.array([[point.threshold] for point in points])
    return {
        int(group): mean_accuracy(hits[:, groups == group], confidence=confidence)
        for group in np.unique(groups)
    }


def _operating_points(
    member_scores: MemberScores, nonmember_scores: NonmemberScores, fpr: float
) -> list[OperatingPoint]:
    refuse_unusable(members=member_scores, nonmembers=nonmember_scores)
    pairs = zip(member_scores, nonmember_scores, strict=True)
    return [tpr_at_fpr(inside, outside, fpr) for inside, outside in pairs]


def _bootstrap(
    member_scores: MemberScores, nonmember_scores: NonmemberScores, fpr: float, seed: int
) -> Float[np.ndarray, " resamples"]:
    """Draw both sides anew, the same samples in every run, and return each draw's mean TPR."""
    generator = seeds.generator(seed, "bootstrap", "tpr")
    members, nonmembers = member_scores.shape[1], nonmember_scores.shape[1]
    allowed = allowed_false_positives(nonmembers, fpr)
    # whole numbers in place of scores: a non-member's place from the top, and for a member the
    # number of non-members that reach it; it is a hit if the bound's place is not below that number
    places = np.argsort(np.argsort(-nonmember_scores, axis=1, kind="stable"), axis=1)
    pairs = zip(member_scores, np.sort(nonmember_scores, axis=1), strict=True)
    reached = [nonmembers - np.searchsorted(ordered, inside) for inside, ordered in pairs]
    draws = []
    for _ in range(RESAMPLES // BLOCK):
        inside = generator.integers(members, size=(BLOCK, members))
        outside = generator.integers(nonmembers, size=(BLOCK, nonmembers))
        total = np.zeros(BLOCK)
        for place, reach in zip(places, reached, strict=True):
            bound = np.partition(place[outside], allowed, axis=1)[:, allowed, None]
            total += np.mean(reach[inside] <= bound, axis=1)
        draws.append(total / len(member_scores))
    return np.concatenate(draws)


def _variance_of_mean(per_sample: Float[np.ndarray, " samples"]) -> float:
    n = len(per_sample)
    spread = float(per_sample.var(ddof=1)) / n if n > 1 else 0.0
    return _positive(spread, float(per_sample.mean()), n)


def _positive(variance: float, rate: float, n: int) -> float:
    """Return the variance, or if it is 0 that of the rate with two successes and failures added."""
    smoothed = (rate * n + 2) / (n + 4)
    return variance if variance > 0 else smoothed * (1 - smoothed) / n


def _estimate(
    per_run: Float[np.ndarray, " runs"],
    parts: list[tuple[float, int]],
    *,
    n: int,
    confidence: float,
    method: str,
) -> Estimate:
    """Build the module's interval; ``parts`` are variances, each with its number of samples."""
    value, runs = float(per_run.mean()), len(per_run)
    terms = [*parts, (float(per_run.var(ddof=1)) / runs, runs)] if runs > 1 else parts
    variance = sum(part for part, _ in terms)
    freedom = variance**2 / sum(part**2 / max(count - 1, 1) for part, count in terms)
    effective = value * (1 - value) / variance
    if not 0 < value < 1:  # no variance to go by: plain Wilson on the smaller side
        effective, freedom = min(count for _, count in parts), np.inf
    low, high = wilson(value * effective, effective, confidence=confidence, freedom=freedom)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=n,
        runs=runs,
        confidence=confidence,
        method=method,
    )
