"""Whose exposure another training set raises, and whose it lowers: before and after, by sample.

Added data can shield one sample and expose the next (Tramer et al. 2022): an average hides it. Two
runs on one training set already find different members, so every share stands beside the same
share between runs of one arm, and other runs decide who rose than those that say by how much.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pryproof.checks import DataError
from pryproof.evaluation.arms import estimate_from, left_out, of_both, variance_over_samples
from pryproof.evaluation.estimates import not_estimable
from pryproof.records import Estimate

Scores = Float[np.ndarray, "runs samples"]
Found = Bool[np.ndarray, "runs samples"]
PerSample = Float[np.ndarray, " samples"]

TOP = 0.1  # share of samples called the most raised, and the most lowered
ONE_ARM = "needs two runs of one training set"
TWO_ARMS = "needs two runs of both training sets"


@dataclass(frozen=True, kw_only=True)
class Migration:
    """What happened to members between two training sets that hold them.

    Shares of samples: ``exposed`` were missed before and found after, ``shielded`` the other way
    round, ``still_found`` in both; ``net`` = exposed - shielded, above 0 where more is found after.
    ``by_chance`` is the share that one run misses and another run of the *same* arm (before) finds:
    what ``exposed`` and ``shielded`` are if nothing but the seed changes.

    ``raised`` and ``lowered``: share whose score rose (fell) in two independent comparisons, 1/4
    each under noise alone. ``most_raised`` and ``most_lowered``: mean change of score, in runs that
    did not choose them, of the tenth of the samples that other runs call the most raised (lowered);
    both are the overall ``change`` if samples do not differ. ``by_sample`` is every sample's mean
    change. Scores keep their unit; for out-of-training-centred logit margins it is nats.
    """

    exposed: Estimate
    shielded: Estimate
    still_found: Estimate
    net: Estimate
    by_chance: Estimate
    raised: Estimate
    lowered: Estimate
    change: Estimate
    most_raised: Estimate
    most_lowered: Estimate
    by_sample: PerSample


def migration(
    before: Float[np.ndarray, "earlier samples"],
    after: Float[np.ndarray, "later others"],  # the same samples, or it is refused
    found_before: Bool[np.ndarray, "_ _"],
    found_after: Bool[np.ndarray, "_ _"],
    *,
    confidence: float = 0.95,
) -> Migration:
    """Compare two arms of runs on the same members, which every run trained on.

    ``before`` and ``after`` are scores, higher = more likely a member, their expectation out of
    training taken away; ``found_*`` says whose score lies above its run's cut. A run's cut comes
    from non-members, never from the samples compared. Intervals are about samples and, with two
    runs or more in an arm, about its runs too (jackknife, Student's t).

    >>> scores = np.array([[0.0, 1.0, 2.0], [0.1, 0.9, 2.1]])
    >>> same = migration(scores, scores + 1, scores > 1.5, scores > 0.5)
    >>> round(same.exposed.value, 3), round(same.shielded.value, 3)
    (0.333, 0.0)
    """
    _refuse_other_shapes(before, after, found_before, found_after)
    arms = found_before.astype(np.float64), found_after.astype(np.float64)
    pairs = min(len(before), len(after))
    changes = after[:pairs] - before[:pairs]
    return Migration(
        exposed=of_both(arms, lambda b, a: (1 - b) * a, confidence),
        shielded=of_both(arms, lambda b, a: b * (1 - a), confidence),
        still_found=of_both(arms, lambda b, a: b * a, confidence),
        net=of_both(arms, lambda b, a: a - b, confidence),
        by_chance=_by_chance(arms[0], confidence),
        raised=_agreed(changes > 0, confidence),
        lowered=_agreed(changes < 0, confidence),
        change=of_both((before, after), lambda b, a: a - b, confidence),
        most_raised=_most(changes, confidence),
        most_lowered=_mirrored(_most(-changes, confidence)),
        by_sample=after.mean(axis=0) - before.mean(axis=0),
    )


def _refuse_other_shapes(*tables: np.ndarray) -> None:
    shapes = [table.shape for table in tables]
    if shapes[0] != shapes[2] or shapes[1] != shapes[3] or shapes[0][1] != shapes[1][1]:
        raise DataError(
            "E024",
            f"before and after must be tables [runs, samples] of the same samples, got {shapes}",
            fix="Give the scores and decisions of the same members in both arms.",
        )
    if min(shape[0] for shape in shapes) < 1 or shapes[0][1] < 2:
        raise DataError(
            "E045",
            f"a comparison needs a run in each arm and two samples, got {shapes}",
            fix="Train more runs, or give more members.",
        )


def _by_chance(found: Scores, confidence: float) -> Estimate:
    """Estimate how often one run finds what another run of the same arm misses."""
    runs, samples = found.shape
    if runs < 2:
        return not_estimable(ONE_ARM, n=samples, confidence=confidence)
    hits = found.sum(axis=0)
    by_sample = hits * (runs - hits) / (runs * (runs - 1))
    parts = [(variance_over_samples(by_sample), samples - 1)]
    return estimate_from(by_sample, parts, runs=runs, confidence=confidence)


def _agreed(signs: Found, confidence: float) -> Estimate:
    """Estimate the share of samples on which two independent comparisons agree."""
    pairs, samples = signs.shape
    if pairs < 2:
        return not_estimable(TWO_ARMS, n=samples, confidence=confidence)
    yes = signs.sum(axis=0).astype(np.float64)
    by_sample = yes * (yes - 1) / (pairs * (pairs - 1))
    parts = [(variance_over_samples(by_sample), samples - 1)]
    return estimate_from(by_sample, parts, runs=pairs, confidence=confidence)


def _most(changes: Scores, confidence: float) -> Estimate:
    """Estimate the mean change, in one comparison, of those whom the others call most raised."""
    pairs, samples = changes.shape
    if pairs < 2:
        return not_estimable(TWO_ARMS, n=samples, confidence=confidence)
    count = max(1, round(TOP * samples))
    chosen = []
    for own, rest in zip(changes, left_out(changes), strict=True):
        most = np.argsort(-rest, kind="stable")[:count]
        chosen.append(own[most])
    means = np.array([values.mean() for values in chosen])
    # the chosen overlap from comparison to comparison: one comparison's variance over samples
    # stands for that of their mean, on the safe side
    parts = [
        (float(np.mean([variance_over_samples(values) for values in chosen])), count - 1),
        (float(means.var(ddof=1)) / pairs, pairs - 1),
    ]
    return estimate_from(means, parts, runs=pairs, confidence=confidence, n=count)


def _mirrored(found: Estimate) -> Estimate:
    return Estimate(
        value=-found.value,
        low=-found.high,
        high=-found.low,
        n=found.n,
        runs=found.runs,
        confidence=found.confidence,
        method=found.method,
    )
