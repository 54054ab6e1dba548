"""Lower bounds on the epsilon of differential privacy, from what an attack found.

A mechanism with (epsilon, delta) keeps TPR <= e^epsilon FPR + delta at every cut, and as much for
the complements. So rates known to an interval bound epsilon from below. All three bounds hold with
their confidence: on scores of pure noise each is above 0 in at most 5% of studies. That takes a
price for looking at many cuts (Bonferroni), and the cuts are fixed before membership is looked at:
so many samples from the top, and from the bottom, of all samples ranked together.

* ``clopper_pearson``: exact intervals of both rates (the usual audit). It takes every (target,
  sample) pair as a trial of its own, as in games with one canary a model; where a model is attacked
  through all its samples, it speaks of exchangeable samples, not of the worst pair of data sets.
* ``one_run``: for samples drawn into the training set by independent fair coins. The number of
  right guesses is at most binomial(guesses, e^epsilon / (1 + e^epsilon)), but for a term in delta
  (Steinke, Nasr and Jagielski 2023, section 5 and appendix D). Valid for a single training run.
* ``gdp``: the same rates bound mu of Gaussian differential privacy, and mu gives epsilon at delta
  (Nasr et al. 2023; Dong, Roth and Su 2022). Sharper, but only for mechanisms whose trade-off is a
  Gaussian's, as noisy gradient descent's nearly is.

An attack that finds nothing says nothing of epsilon: these are lower bounds, never estimates.
"""

import math
from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int64

from pryproof.checks import ConfigurationError
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import Steps
from pryproof.intervals import beta_cdf, clopper_pearson
from pryproof.records import Estimate

Sizes = Int64[np.ndarray, " cuts"]
Rates = Float[np.ndarray, " cuts"]

SMALLEST = 8  # samples beyond the first cut: fewer prove nothing after the correction
RATIO = 1.4  # of the sizes of neighbouring cuts
UNFAIR = 1e-3  # chance of a share of members under fair coins, below which they were not fair
PRECISION = 1e-5  # of epsilon and mu found by bisection
MILLS = 30.0  # from where three terms of Mills' ratio are right to 1e-8
NORMAL = NormalDist()


def bounds(
    counts: Steps, *, runs: int = 1, delta: float = 1e-5, confidence: float = 0.95
) -> dict[str, Estimate]:
    """Return all three bounds by name, from the counts of all targets' scores together.

    Value and lower end are the bound; the upper end is infinite.

    >>> from pryproof.evaluation.roc import steps
    >>> found = bounds(steps(np.arange(500.0) + 1000, np.arange(500.0)))
    >>> {name: round(each.value, 2) for name, each in found.items()}
    {'clopper_pearson': 3.9, 'one_run': 4.5, 'gdp': 20.76}
    """
    return {
        "clopper_pearson": clopper_pearson_bound(
            counts, runs=runs, delta=delta, confidence=confidence
        ),
        "one_run": one_run_bound(counts, runs=runs, delta=delta, confidence=confidence),
        "gdp": gdp_bound(counts, runs=runs, delta=delta, confidence=confidence),
    }


def clopper_pearson_bound(
    counts: Steps, *, runs: int = 1, delta: float = 0.0, confidence: float = 0.95
) -> Estimate:
    """Return the bound by exact intervals at every cut, together at this confidence.

    >>> from pryproof.evaluation.roc import steps
    >>> round(clopper_pearson_bound(steps(np.arange(500.0) + 1000, np.arange(500.0))).value, 2)
    3.9
    """
    _refuse_delta(delta)
    lows, highs = _rates(counts, confidence)
    with np.errstate(divide="ignore"):  # log 0: nothing shown at this cut
        found = np.log(np.maximum(lows - delta, 0.0)) - np.log(highs)
    method = f"Clopper-Pearson at {len(lows)} cuts with Bonferroni, delta {delta:g}"
    return _bound(np.max(found, initial=0.0), counts, method, runs=runs, confidence=confidence)


def gdp_bound(
    counts: Steps, *, runs: int = 1, delta: float = 1e-5, confidence: float = 0.95
) -> Estimate:
    """Return epsilon at ``delta`` of the largest mu that the rates at every cut leave possible.

    >>> from pryproof.evaluation.roc import steps
    >>> round(gdp_bound(steps(np.arange(500.0) + 1000, np.arange(500.0))).value, 2)
    20.76
    """
    _refuse_delta(delta)
    if delta == 0:
        why = "a Gaussian mechanism has no finite epsilon at delta 0"
        return not_estimable(why, n=_samples(counts), runs=runs, confidence=confidence)
    lows, highs = _rates(counts, confidence)
    pairs = zip(lows, highs, strict=True)
    inner = [(low, high) for low, high in pairs if low > 0 and high < 1]
    mu = max((NORMAL.inv_cdf(low) - NORMAL.inv_cdf(high) for low, high in inner), default=0.0)
    method = (
        f"GDP: mu {max(mu, 0.0):.4g} at least, {len(lows)} cuts with Bonferroni, delta {delta:g}"
    )
    value = epsilon_of_mu(mu, delta) if mu > 0 else 0.0
    return _bound(value, counts, method, runs=runs, confidence=confidence)


def epsilon_of_mu(mu: float, delta: float) -> float:
    """Return the epsilon at which mu-GDP has this delta (Dong, Roth and Su 2022).

    >>> round(epsilon_of_mu(1.0, 1e-5), 3)
    4.377
    """

    def excess(epsilon: float) -> float:
        a = epsilon / mu - mu / 2  # exp(epsilon) times the density at a + mu is that at a
        density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
        return math.erfc(a / math.sqrt(2)) / 2 - density * _mills(a + mu) - delta

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, mu * mu / 2 + 40 * mu  # where the first term is below any delta
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return low


def _mills(x: float) -> float:
    """Return a normal variable's chance to exceed x, over its density there."""
    if x > MILLS:
        return (1 - (1 - 3 / x**2) / x**2) / x
    density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return math.erfc(x / math.sqrt(2)) / 2 / density


def one_run_bound(
    counts: Steps, *, runs: int = 1, delta: float = 0.0, confidence: float = 0.95
) -> Estimate:
    """Return the bound by the number of right guesses about independent fair coins.

    Guessed are the top and the bottom of the ranking, or the top alone, at sizes fixed beforehand.

    >>> from pryproof.evaluation.roc import steps
    >>> round(one_run_bound(steps(np.arange(500.0) + 1000, np.arange(500.0))).value, 2)
    4.79
    """
    _refuse_delta(delta)
    n = _samples(counts)
    fewer = min(counts.members, counts.nonmembers)
    if 2 * float(beta_cdf(0.5, n - fewer, fewer + 1)) < UNFAIR:
        why = f"{counts.members} of {n} are members: not drawn by independent fair coins"
        return not_estimable(why, n=n, runs=runs, confidence=confidence)
    guesses, right = _guesses(counts)
    level = (1 - confidence) / max(len(guesses), 1)
    lows, _ = clopper_pearson(right, guesses, confidence=1 - 2 * level)
    with np.errstate(divide="ignore"):
        without_delta = np.log(lows) - np.log1p(-lows)
    best = 0.0
    for k in np.argsort(-without_delta):  # delta only lowers a bound: soon the rest are lower
        if without_delta[k] <= best:
            break
        trial = int(guesses[k]), int(right[k]), n
        best = _largest_refuted(*trial, delta=delta, level=level, between=(best, without_delta[k]))
    method = f"one run: guesses at {len(guesses)} cuts with Bonferroni, fair coins, delta {delta:g}"
    return _bound(best, counts, method, runs=runs, confidence=confidence)


def one_run_p_value(guesses: int, right: int, samples: int, epsilon: float, delta: float) -> float:
    """Return the most that (epsilon, delta) lets the chance of so many right guesses be.

    P(B >= right) + 2 samples delta max over i of P(right - i <= B < right) / i, with B binomial.

    >>> round(one_run_p_value(10, 9, 10, 0.0, 0.0), 6)  # 11 / 1024
    0.010742
    """
    chance = 1 / (1 + np.exp(-epsilon))
    tail = float(beta_cdf(chance, right, guesses - right + 1)) if right > 0 else 1.0
    if delta == 0 or right == 0:
        return tail
    reach = 12 * np.sqrt(guesses * chance * (1 - chance)) + 12
    first = int(max(guesses * chance - reach, 0))
    last = int(min(guesses * chance + reach, right - 1))
    if first > last:  # where the chance lies, it lies at ``right`` or beyond
        return tail
    b = np.arange(last, first, -1)
    ratios = np.log(b / (guesses - b + 1)) - epsilon  # of the chance of b - 1 to that of b
    chances = np.exp(_log_chance(guesses, last, epsilon) + np.append(0.0, np.cumsum(ratios)))
    mean = np.cumsum(chances) / (right - np.arange(last, first - 1, -1))
    return min(tail + 2 * samples * delta * float(mean.max()), 1.0)


def _log_chance(n: int, successes: int, epsilon: float) -> float:
    """Return the log of the chance of so many in n trials of chance 1 / (1 + exp(-epsilon))."""
    ways = math.lgamma(n + 1) - math.lgamma(successes + 1) - math.lgamma(n - successes + 1)
    return ways - (n - successes) * epsilon - n * math.log1p(math.exp(-epsilon))


def _largest_refuted(
    guesses: int,
    right: int,
    samples: int,
    *,
    delta: float,
    level: float,
    between: tuple[float, float],
) -> float:
    """Return the largest epsilon in a range whose p-value does not exceed ``level``."""
    low, high = between

    def refuted(epsilon: float) -> bool:
        return one_run_p_value(guesses, right, samples, epsilon, delta) <= level

    if not refuted(low):
        return low
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


def _rates(counts: Steps, confidence: float) -> tuple[Rates, Rates]:
    """Return lower limits of the rate that should be large and upper ones of the other's.

    At cuts from the top these are TPR and FPR, from the bottom 1 - FPR and 1 - TPR.
    """
    top, bottom = _cuts(counts, from_top=True), _cuts(counts, from_top=False)
    level = (1 - confidence) / max(len(top) + len(bottom), 1)
    members, nonmembers = counts.members, counts.nonmembers
    hits = np.concatenate([counts.hits[top], nonmembers - counts.false[bottom]])
    false = np.concatenate([counts.false[top], members - counts.hits[bottom]])
    of_hits = np.repeat([members, nonmembers], [len(top), len(bottom)])
    of_false = np.repeat([nonmembers, members], [len(top), len(bottom)])
    # half of the level for each one-sided limit
    lows, _ = clopper_pearson(hits, of_hits, confidence=1 - level)
    _, highs = clopper_pearson(false, of_false, confidence=1 - level)
    return lows, highs


def _guesses(counts: Steps) -> tuple[Sizes, Sizes]:
    """Return numbers of guesses and of right ones: top and bottom alike, then the top alone."""
    top = _cuts(counts, from_top=True)
    reached = counts.hits + counts.false
    mirrored = np.searchsorted(reached, reached[-1] - reached[top], side="left")
    apart = mirrored > top  # a sample is guessed once
    rest = reached[-1] - reached[mirrored]
    both = reached[top] + rest, counts.hits[top] + counts.nonmembers - counts.false[mirrored]
    return (
        np.concatenate([both[0][apart], reached[top]]),
        np.concatenate([both[1][apart], counts.hits[top]]),
    )


def _cuts(counts: Steps, *, from_top: bool) -> Int64[np.ndarray, " cuts"]:
    """Return the steps nearest to sizes that depend on the number of samples alone."""
    n = _samples(counts)
    if n < SMALLEST:
        return np.zeros(0, dtype=np.int64)
    number = int(np.ceil(np.log(n / SMALLEST) / np.log(RATIO))) + 1
    sizes = np.geomspace(SMALLEST, n, number).round().astype(np.int64)
    reached = counts.hits + counts.false
    if from_top:  # at most so many samples
        steps = np.searchsorted(reached, sizes, side="right") - 1
    else:
        steps = np.searchsorted(reached, n - sizes, side="left")
    return np.unique(steps[(steps > 0) & (steps < len(reached) - 1)])


def _samples(counts: Steps) -> int:
    return counts.members + counts.nonmembers


def _refuse_delta(delta: float) -> None:
    if not 0 <= delta < 1:
        raise ConfigurationError(
            "E043", f"delta lies between 0 and 1, got {delta}", fix="Give for instance 1e-5."
        )


def _bound(value: float, counts: Steps, method: str, *, runs: int, confidence: float) -> Estimate:
    value = max(float(value), 0.0)
    return Estimate(
        value=value,
        low=value,
        high=float("inf"),
        n=_samples(counts),
        runs=runs,
        confidence=confidence,
        method=f"lower bound, {method}",
    )
