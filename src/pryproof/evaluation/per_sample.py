"""Every sample by itself, over the targets: means hide that some samples are found every time.

A sample's own interval is about its own few targets. The interval of a quantile over samples must
reckon with those few as well: of 60,000 samples that nobody can tell apart, some are found in 3 of
8 targets by chance, so the largest share seen says little of the largest chance. At most a share b
of the samples lies outside a one-sided limit of level b by chance; so if a share s of them has
lower limits of x or more, a share (s - b) / (1 - b) at least has a true value of x or more. The
ends are the quantiles of Clopper-Pearson limits which follow from this; those of the maximum are
the largest limits at a level divided by the number of samples. They cover whatever the distribution
of true values is, with at least their confidence and mostly with more: they are wide where targets
are few. Targets count as independent given the sample.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.evaluation.crossed import area_interval
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import point
from pryproof.evaluation.scored import Scored
from pryproof.intervals import clopper_pearson, jeffreys, normal_quantile
from pryproof.records import Estimate

Values = Float[np.ndarray, " samples"]
Counts = Int64[np.ndarray, " samples"]
Limits = Callable[[float], tuple[Values, Values]]  # by confidence

AT_LEAST = 4  # targets that trained on a sample, for a share of them to be worth a number
QUANTILES = {"50": 0.5, "90": 0.9, "99": 0.99, "max": 1.0}
ROWS = 4096  # samples worked on at a time: bounds the memory


@dataclass(frozen=True, kw_only=True)
class PerSample:
    """A number for every sample over the targets, with interval; NaN where targets are too few.

    ``inside`` and ``outside`` are how many targets trained with and without it. ``quantiles`` are
    over the samples with a number: 50, 90 and 99 percent, and the maximum.
    """

    value: Values
    low: Values
    high: Values
    inside: Counts
    outside: Counts
    quantiles: dict[str, Estimate]


def per_sample_tpr(
    scored: Scored, *, fpr: float, confidence: float = 0.95, at_least: int = AT_LEAST
) -> PerSample:
    """Estimate of each sample in what share of the targets that trained on it it is found.

    Found = its score reaches the target's own cut at ``fpr``. A share in [0, 1]; a sample that does
    not leak has ``fpr``. Intervals are Jeffreys'.

    >>> from pryproof.evaluation.scored import scored
    >>> inside = np.random.default_rng(0).random((20, 200)) < 0.5
    >>> leaks = np.arange(200) < 100
    >>> table = np.random.default_rng(1).normal(size=(20, 200)) + 9 * (inside & leaks)
    >>> found = per_sample_tpr(scored(table, inside), fpr=0.02)
    >>> bool(found.value[:100].min()), round(float(found.value[100:].mean()), 2)
    (True, 0.03)
    """
    inside, outside = scored.inside.sum(axis=0), scored.outside.sum(axis=0)
    found = np.zeros_like(inside)
    for t, counts in enumerate(scored.counts):
        if counts.nonmembers * fpr + 1e-6 >= 1:
            found += scored.inside[t] & (scored.scores[t] >= point(counts, fpr).threshold)
        else:  # no cut, so this target says nothing
            inside = inside - scored.inside[t]
    enough = inside >= at_least
    hits, n = found[enough], inside[enough]

    def limits(level: float) -> tuple[Values, Values]:
        return _by_pair(clopper_pearson, hits, n, level)

    def intervals(level: float) -> tuple[Values, Values]:
        return _by_pair(jeffreys, hits, n, level)

    return PerSample(
        **_spread_out(enough, hits / n, *intervals(confidence)),
        inside=inside,
        outside=outside,
        quantiles=quantiles(
            hits / n, limits, runs=len(scored), confidence=confidence, at_least=at_least
        ),
    )


def exposure(scored: Scored, *, confidence: float = 0.95, at_least: int = AT_LEAST) -> PerSample:
    """Estimate each sample's own AUC: the chance that a run with it outscores one without.

    In [0, 1]; 0.5 = the attack learns nothing of this sample. Scores of several targets are
    compared, so they must be on one scale, as those of likelihood ratios are. Ties count one half;
    the intervals are those of ``crossed.area_interval``.

    >>> from pryproof.evaluation.scored import scored
    >>> inside = np.random.default_rng(0).random((20, 30)) < 0.5
    >>> leaks = np.arange(30) < 10
    >>> table = np.random.default_rng(1).normal(size=(20, 30)) + 9 * (inside & leaks)
    >>> float(exposure(scored(table, inside)).value[:10].min())
    1.0
    """
    inside, outside = scored.inside.sum(axis=0), scored.outside.sum(axis=0)
    enough = np.minimum(inside, outside) >= max(at_least, 2)
    kept = np.flatnonzero(enough)
    blocks = [_areas(scored, kept[at : at + ROWS]) for at in range(0, len(kept), ROWS)]
    empty = np.zeros(0)
    value, variance, freedom = (
        np.concatenate([empty, *(block[part] for block in blocks)]) for part in range(3)
    )
    sides = inside[enough].astype(np.float64), outside[enough].astype(np.float64)

    def limits(level: float) -> tuple[Values, Values]:
        return area_interval(value, variance, freedom, sides, level)

    return PerSample(
        **_spread_out(enough, value, *limits(confidence)),
        inside=inside,
        outside=outside,
        quantiles=quantiles(
            value, limits, runs=len(scored), confidence=confidence, at_least=at_least
        ),
    )


def quantiles(
    values: Values, limits: Limits, *, runs: int, confidence: float, at_least: int
) -> dict[str, Estimate]:
    """Estimate quantiles over samples of a true value of which each sample has ``limits`` only.

    ``limits`` gives both ends of every sample's interval at a confidence (see the module).
    """
    if not len(values):
        why = f"no sample is in at least {at_least} targets"
        none = not_estimable(why, runs=max(runs, 1), confidence=confidence)
        return dict.fromkeys(QUANTILES, none)
    found = {}
    for name, share in QUANTILES.items():
        value = float(np.quantile(values, share))
        low, high = _ends(len(values), share, limits, confidence)
        found[name] = Estimate(
            value=value,
            low=min(low, value),
            high=max(high, value),
            n=len(values),
            runs=runs,
            confidence=confidence,
            method="quantiles of per-sample limits, at least this confidence",
        )
    return found


def _ends(samples: int, share: float, limits: Limits, confidence: float) -> tuple[float, float]:
    """Return the ends of the interval of a quantile (see the module)."""
    if share == 1:
        lows, highs = limits(1 - (1 - confidence) / samples)
        return float(lows.max()), float(highs.max())
    level = min(0.1, (1 - share) / 4)
    lows, highs = limits(1 - 2 * level)
    reach = normal_quantile((1 + confidence) / 2) * np.sqrt(samples * level * (1 - level))
    above = ((1 - share) * (1 - level) + level) * samples + reach
    below = (share * (1 - level) + level) * samples + reach
    low, high = int(np.ceil(above)), int(np.ceil(below))
    return (
        float(np.sort(lows)[::-1][low - 1]) if low <= samples else 0.0,
        float(np.sort(highs)[high - 1]) if high <= samples else 1.0,
    )


def _areas(scored: Scored, kept: Int64[np.ndarray, " kept"]) -> tuple[Values, Values, Values]:
    """Return AUC, DeLong's variance and its degrees of freedom of some samples, over targets."""
    scores = scored.scores[:, kept].T
    order = np.argsort(scores, axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    sides = [
        np.take_along_axis(side[:, kept].T, order, axis=1)
        for side in (scored.inside, scored.outside)
    ]
    counts = [side.sum(axis=1) for side in sides]
    middle = [
        mid / (2 * n[:, None]) for mid, n in zip(_middles(ordered, sides), counts, strict=True)
    ]
    placed = middle[1], 1 - middle[0]
    area = np.sum(placed[0] * sides[0], axis=1) / counts[0]
    parts = [
        np.sum((each - area[:, None]) ** 2 * side, axis=1) / (n * (n - 1))
        for each, side, n in zip(placed, sides, counts, strict=True)
    ]
    variance = parts[0] + parts[1]
    doubt = sum(part**2 / (n - 1) for part, n in zip(parts, counts, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):  # no variance: its freedom has no effect
        freedom = np.where(variance > 0, variance**2 / doubt, np.inf)
    return area, variance, freedom


def _middles(
    ordered: Float[np.ndarray, "kept targets"], sides: list[Bool[np.ndarray, "kept targets"]]
) -> list[Int64[np.ndarray, "kept targets"]]:
    """Return twice the number of each side below every score, half of the equal ones counted."""
    kept, targets = ordered.shape
    place = np.broadcast_to(np.arange(targets), (kept, targets))
    differs = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((kept, 1), dtype=np.bool_)
    starts = np.maximum.accumulate(np.where(np.hstack([edge, differs]), place, 0), axis=1)
    last = np.where(np.hstack([differs, edge]), place, targets)
    ends = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    found = []
    for side in sides:
        below = np.zeros((kept, targets + 1), dtype=np.int64)
        np.cumsum(side, axis=1, out=below[:, 1:])
        found.append(
            np.take_along_axis(below, starts, axis=1) + np.take_along_axis(below, ends + 1, axis=1)
        )
    return found


def _by_pair(
    interval: Callable[..., tuple[np.ndarray, np.ndarray]], hits: Counts, n: Counts, level: float
) -> tuple[Values, Values]:
    """Compute the interval once for each pair of numbers that occurs: there are few."""
    most = int(n.max(initial=0)) + 1
    pairs, which = np.unique(hits * most + n, return_inverse=True)
    if not len(pairs):
        return np.zeros(0), np.zeros(0)
    low, high = interval(pairs // most, pairs % most, confidence=level)
    return low[which], high[which]


def _spread_out(
    enough: Bool[np.ndarray, " samples"], value: np.ndarray, low: np.ndarray, high: np.ndarray
) -> dict[str, Values]:
    """Put the numbers of some samples among NaN for the others."""
    found = {}
    for name, numbers in (("value", value), ("low", low), ("high", high)):
        found[name] = np.full(len(enough), np.nan)
        found[name][enough] = numbers
    return found
