"""True positive rates at a low false positive rate, each with what it rests on.

The value is that of ``roc.point``: the largest realised rate not above the bound, without
interpolation. Its interval is about the true rate at this very bound, and so about two things:
where the cut truly belongs, and how many members truly pass it. With one target both have exact
laws:

* of n non-members, those above the true cut are binomial (n, bound), whatever the scores are;
* of m members, those above a given cut are binomial (m, rate).

So plausible cuts are drawn from the first, anywhere between the two non-members at that place, and
rates from Jeffreys' distribution for the members above each. This needs no slope of the curve, and
holds from one allowed false positive on, where it is wide (tests/statistics has the numbers). Where
many equal scores make a step, an end of the interval is that of the cut at this end.

With several targets the interval is that of ``crossed``: a non-member moves the cut, and so the
rate by the slope of the curve, which is measured around the bound on all targets together. Means
over many targets show a bias that one target hides: a cut that k of n non-members pass has a true
rate of (k + 1) / (n + 1) on average. Where a curve goes as FPR^g, rates are unbiased at
n bound - (1 + g) / 2 allowed false positives, between whole numbers; the interval is centred there.

Two simpler intervals stand beside it. Clopper-Pearson takes the cuts as given. The bootstrap draws
targets, then members and non-members of each, by its exact law: among n draws from n non-members,
the (k + 1)-th largest is the one of place floor(n Beta(k + 1, n - k)), and the hits are binomial.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from pryproof import seeds
from pryproof.evaluation.crossed import effective_size, rate_influence, variance_of_mean
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.precision import precision_at
from pryproof.evaluation.roc import (
    Steps,
    allowed_false_positives,
    last_step,
    point,
    refuse_rate,
    threshold,
)
from pryproof.evaluation.scored import Scored
from pryproof.intervals import clopper_pearson, jeffreys
from pryproof.records import Estimate

Draws = Float[np.ndarray, " draws"]

DRAWS = 10_000
FEW = 10  # allowed false positives below which the cut is hardly known


@dataclass(frozen=True, kw_only=True)
class TprAtFpr:
    """A true positive rate at a false positive rate of at most ``fpr``.

    ``hits`` of ``n`` members pass, over all targets; ``realised_fpr`` is the mean share of the
    ``nonmembers`` that do; ``thresholds`` are the cuts, one a target (member if score >= cut, NaN
    for a target left out). ``estimate`` is the one to report; ``clopper_pearson`` and ``bootstrap``
    have its value. ``precision`` is by prior. ``warning`` says what to beware of, or is empty.
    """

    fpr: float
    estimate: Estimate
    clopper_pearson: Estimate
    bootstrap: Estimate
    realised_fpr: float
    hits: int
    n: int
    nonmembers: int
    thresholds: tuple[float, ...]
    precision: dict[float, Estimate]
    warning: str


def tpr_of(
    scored: Scored,
    *,
    fpr: float,
    seed: int,
    confidence: float = 0.95,
    priors: tuple[float, ...] = (),
) -> TprAtFpr:
    """Estimate the true positive rate at a false positive rate of at most ``fpr``.

    Too few non-members for the bound give an estimate "not estimable"; targets that have too few
    are left out if others have enough.

    >>> from pryproof.evaluation.scored import scored
    >>> scores = np.concatenate([np.arange(1000.0) + 500, np.arange(1000.0)])[None]
    >>> found = tpr_of(scored(scores, np.arange(2000)[None] < 1000), fpr=0.01, seed=0)
    >>> found.hits, found.n, found.realised_fpr, str(found.estimate)
    (510, 1000, 0.01, '0.510 [0.478, 0.541]')
    """
    refuse_rate(fpr)
    counts = scored.counts
    usable = [t for t, each in enumerate(counts) if _expected(each, fpr) >= 1]
    if not usable:
        return _too_few(counts, fpr, priors, confidence)
    chosen = [counts[t] for t in usable]
    points = {t: point(counts[t], fpr) for t in usable}
    hits = sum(round(points[t].tpr * counts[t].members) for t in usable)
    n = sum(each.members for each in chosen)
    generator = seeds.generator(seed, "tpr", str(fpr))
    value = float(np.mean([each.tpr for each in points.values()]))
    if len(usable) == 1:
        ends, method = _of_one(chosen[0], fpr, confidence, generator), "laws of cut and hits"
    else:
        ends, method = _of_several(scored, usable, fpr, confidence), "over samples and targets"

    def estimate(low: float, high: float, method: str) -> Estimate:
        return Estimate(
            value=value,
            low=min(float(low), value),
            high=max(float(high), value),
            n=n,
            runs=len(usable),
            confidence=confidence,
            method=method,
        )

    found = estimate(*ends, method)
    low, high = map(float, clopper_pearson(hits, n, confidence=confidence))
    drawn = _middle(_bootstrap(chosen, fpr, generator), confidence)
    if drawn[0] == drawn[1]:  # every draw alike, as when no member passes
        drawn = low, high
    return TprAtFpr(
        fpr=fpr,
        estimate=found,
        clopper_pearson=estimate(low, high, "Clopper-Pearson, cuts as given"),
        bootstrap=estimate(*drawn, "bootstrap"),
        realised_fpr=float(np.mean([each.realised_fpr for each in points.values()])),
        hits=hits,
        n=n,
        nonmembers=sum(each.nonmembers for each in chosen),
        thresholds=tuple(
            points[t].threshold if t in points else np.nan for t in range(len(counts))
        ),
        precision={prior: precision_at(found, fpr, prior=prior) for prior in priors},
        warning=_warning(counts, usable, fpr),
    )


def _expected(counts: Steps, fpr: float) -> float:
    return counts.nonmembers * fpr + 1e-6  # 1000 * 0.001 is one, whatever the rounding


def _of_one(
    counts: Steps, fpr: float, confidence: float, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the ends by drawing cuts and rates from their laws (see the module)."""
    false = np.sort(generator.binomial(counts.nonmembers, fpr, size=DRAWS))
    most = _passing(counts, false)
    fewest = np.minimum(most, counts.hits[np.searchsorted(counts.false, false, side="left")])
    passing = fewest + np.floor(generator.random(DRAWS) * (most - fewest + 1))
    rates = generator.beta(passing + 0.5, counts.members - passing + 0.5)
    low, high = _middle(rates, confidence)
    tail = round((1 - confidence) / 2 * DRAWS)
    if np.count_nonzero(passing == 0) >= tail:
        low = 0.0
    if np.count_nonzero(passing == counts.members) >= tail:
        high = 1.0
    first, last = tail, DRAWS - 1 - tail  # the draws are in the order of their cuts
    reached = last_step(counts, int(false[first])), last_step(counts, int(false[last]))
    heaviest = np.max(np.diff(counts.false[reached[0] : reached[1] + 2]), initial=0)
    if heaviest > np.sqrt(counts.nonmembers * fpr):  # than the cut is uncertain
        ends = np.array([fewest[first], most[last]])
        lows, highs = jeffreys(ends, counts.members, confidence=confidence)
        low, high = min(low, float(lows[0])), max(high, float(highs[1]))
    return low, high


def _of_several(
    scored: Scored, usable: Sequence[int], fpr: float, confidence: float
) -> tuple[float, float]:
    """Return the ends around the centre, by every sample's influence on the mean rate."""
    counts = [scored.counts[t] for t in usable]
    scores, inside, outside = (
        table[usable] for table in (scored.scores, scored.inside, scored.outside)
    )
    allowed = [allowed_false_positives(each.nonmembers, fpr) for each in counts]
    at = [last_step(each, k) for each, k in zip(counts, allowed, strict=True)]
    rates = np.array([each.hits[k] / each.members for each, k in zip(counts, at, strict=True)])
    cuts = np.array([threshold(each, k) for each, k in zip(counts, at, strict=True)])
    called = scores >= cuts[:, None]
    slope = slope_of(counts, allowed)
    influence = rate_influence(called, inside)
    influence -= slope * rate_influence(called, outside)
    variance, freedom = variance_of_mean(rates, influence)
    power = float(np.clip(slope * fpr / max(rates.mean(), fpr), 0.0, 1.0))
    centre = float(np.mean([unbiased_rate(each, fpr, power) for each in counts]))
    members = int(inside.any(axis=0).sum())
    effective = effective_size(centre, variance, freedom, members, confidence)
    low, high = jeffreys(centre * effective, effective, confidence=confidence)
    return float(low), float(high)


def unbiased_rate(counts: Steps, fpr: float, power: float) -> float:
    """Return the true positive rate at the bound, nearly without bias (see the module)."""
    place = max(counts.nonmembers * fpr - (1 + power) / 2, 0.0)
    whole = int(place)
    passing = _passing(counts, np.array([whole, whole + 1]))
    return float(passing[0] + (place - whole) * (passing[1] - passing[0])) / counts.members


def slope_of(counts: Sequence[Steps], allowed: Sequence[int]) -> float:
    """Return the mean slope of the curves around the bound, over about a standard error of it."""
    rise = run = 0.0
    for each, k in zip(counts, allowed, strict=True):
        reach = int(np.ceil(np.sqrt(k)))
        ends = np.array([max(k - reach, 0), min(k + reach, each.nonmembers - 1)])
        passing = _passing(each, ends)
        rise += float(passing[1] - passing[0]) / each.members
        run += float(ends[1] - ends[0]) / each.nonmembers
    return rise / run if run > 0 else 0.0


def _bootstrap(counts: Sequence[Steps], fpr: float, generator: np.random.Generator) -> Draws:
    """Return the mean rate of each draw (see the module)."""
    size = DRAWS if len(counts) == 1 else DRAWS // 10
    drawn = np.zeros((size, len(counts)))
    for t, each in enumerate(counts):
        n, k = each.nonmembers, allowed_false_positives(each.nonmembers, fpr)
        place = np.minimum(n * generator.beta(k + 1, n - k, size=size), n - 1).astype(np.int64)
        rate = _passing(each, place) / each.members
        drawn[:, t] = generator.binomial(each.members, rate) / each.members
    picked = generator.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=size)
    return np.sum(drawn * picked, axis=1) / len(counts)


def _passing(counts: Steps, false: Int64[np.ndarray, " draws"]) -> Int64[np.ndarray, " draws"]:
    """Return the most members that pass a cut with at most so many false positives."""
    return counts.hits[np.searchsorted(counts.false, false, side="right") - 1]


def _middle(draws: Draws, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _warning(counts: Sequence[Steps], usable: Sequence[int], fpr: float) -> str:
    parts = []
    least = min(_expected(counts[t], fpr) for t in usable)
    if least < FEW:
        parts.append(f"the cut rests on {least:.3g} allowed false positives, fewer than {FEW}")
    if len(usable) < len(counts):
        missing = len(counts) - len(usable)
        parts.append(
            f"{missing} of {len(counts)} targets have too few non-members and are left out"
        )
    return "; ".join(parts)


def _too_few(
    counts: Sequence[Steps], fpr: float, priors: tuple[float, ...], confidence: float
) -> TprAtFpr:
    most = max((each.nonmembers for each in counts), default=0)
    why = f"a TPR at {fpr:.4g} FPR needs {np.ceil(1 / fpr):.0f} non-members, there are {most}"
    none = not_estimable(why, n=most, runs=max(len(counts), 1), confidence=confidence)
    nan = float("nan")
    return TprAtFpr(
        fpr=fpr,
        estimate=none,
        clopper_pearson=none,
        bootstrap=none,
        realised_fpr=nan,
        hits=0,
        n=sum(each.members for each in counts),
        nonmembers=sum(each.nonmembers for each in counts),
        thresholds=tuple(nan for _ in counts),
        precision=dict.fromkeys(priors, none),
        warning=why,
    )
