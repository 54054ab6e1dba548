"""The paper's Figures 1 to 3 as numbers: success levels, data breakdown, ranks of the common safe.

Loss distributions are compared by the Wasserstein-1 distance, the mean way (nats) that probability
must travel to turn one into the other. It is positive even for two draws of the same distribution,
so each distance stands beside what shuffled labels give.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof import seeds
from pryproof.checks import ConfigurationError, DataError
from pryproof.intervals import two_sided, wilson
from pryproof.records import Estimate

Losses = Float[np.ndarray, " _"]

BREAKDOWN, OUTLIER, NEITHER = "data breakdown", "data outlier effect", "neither is shown"

HALF = 0.5  # of the test distance: what the train distance must reach to count as a breakdown
DRAWS = 400  # of a bootstrap or of shuffled labels
WHOLE = 1e-6  # how far a success rate times runs may lie from a whole number


@dataclass(frozen=True, kw_only=True)
class SuccessShares:
    """One condition of Figure 1: the mean success rate, and shares of samples by it.

    All in [0, 1]; higher = more exposed, but for ``at_most_10``, the share that is seldom found.
    """

    mean: Estimate
    at_least_90: Estimate
    at_least_50: Estimate
    at_most_10: Estimate


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """What more data does to the losses: Figure 2, from the smallest to the largest size.

    ``train`` and ``test`` are Wasserstein-1 distances (nats), ``train_null`` and ``test_null``
    those of shuffled labels; the shifts are mean losses of the largest less the smallest size.
    """

    verdict: str
    sizes: tuple[int, int]
    train: Estimate
    test: Estimate
    train_null: Estimate
    test_null: Estimate
    train_shift: Estimate
    test_shift: Estimate


@dataclass(frozen=True, kw_only=True)
class CommonRank:
    """Where one ensemble's common safe samples stand in another's order: Figure 3d.

    ``fraction`` is each common sample's mean place (rank - 1/2) / samples over the other runs,
    0 = safest; ``below`` is the share of them with a place below a half, ``chance`` what
    independent orders give. ``common`` marks the samples.
    """

    common: Bool[np.ndarray, " samples"]
    fraction: Float[np.ndarray, " common"]
    below: Estimate
    chance: float = 0.5


def levels(rate: Float[np.ndarray, " samples"], runs: int) -> Int64[np.ndarray, " levels"]:
    """Count the samples at each of the ``runs`` + 1 success rates 0, 1 / runs, ..., 1.

    Further right = more exposed. A rate that no number of hits in ``runs`` runs gives is refused.

    >>> levels(np.array([0.0, 0.5, 0.5, 1.0]), 2)
    array([1, 2, 1])
    """
    if runs < 1:
        raise DataError(
            "E045", f"a success rate needs runs, got {runs}", fix="Give the number of runs."
        )
    hits = rate * runs
    whole = np.floor(hits + 0.5)
    odd = np.flatnonzero(~((np.abs(hits - whole) <= WHOLE) & (whole >= 0) & (whole <= runs)))
    if odd.size:
        raise DataError(
            "E056",
            f"{odd.size} of {len(rate)} rates are no share of {runs} runs, such as {rate[odd[0]]}",
            where=f"sample {odd[0]}",
            fix="Give the number of runs that the rates come from.",
        )
    return np.bincount(whole.astype(np.int64), minlength=runs + 1).astype(np.int64)


def shares(
    decisions: Bool[np.ndarray, "runs samples"], *, confidence: float = 0.95
) -> SuccessShares:
    """Summarise the success rates of one condition: their mean, and shares at .9, .5 and .1.

    ``decisions`` is True where a run's attack calls the sample a member. Intervals are Wilson's, on
    which samples were drawn, for these runs; the mean's takes as many trials as its spread is
    worth. Methods section 2.3.

    >>> found = shares(np.array([[True, True, False, True], [True, False, False, True]]))
    >>> found.mean.value, found.at_least_90.value, found.at_least_50.value, found.at_most_10.value
    (0.625, 0.5, 0.75, 0.25)
    """
    runs, samples = decisions.shape
    if runs < 1 or samples < 2:
        raise DataError(
            "E045",
            f"shares of success need 1 run and 2 samples, got {runs} and {samples}",
            fix="Give the decisions of a run on more samples.",
        )
    hits = decisions.sum(axis=0)
    rate = hits / runs
    mean, spread = float(rate.mean()), float(rate.var(ddof=1))
    # a spread of 0 tells nothing of the samples not drawn: then count each sample as one trial
    trials = samples * (mean * (1 - mean) / spread if spread > 0 else 1.0)

    def share(count: float, of: float) -> Estimate:
        low, high = wilson(count, of, confidence=confidence, freedom=samples - 1)
        return Estimate(
            value=count / of,
            low=float(low),
            high=float(high),
            n=samples,
            runs=runs,
            confidence=confidence,
            method="Wilson over samples, runs as given",
        )

    # whole numbers are compared, for 0.9 * runs is not exact
    return SuccessShares(
        mean=share(mean * trials, trials),
        at_least_90=share(int(np.sum(10 * hits >= 9 * runs)), samples),
        at_least_50=share(int(np.sum(2 * hits >= runs)), samples),
        at_most_10=share(int(np.sum(10 * hits <= runs)), samples),
    )


def wasserstein(
    first: Losses, second: Losses, *, seed: int, confidence: float = 0.95, draws: int = DRAWS
) -> Estimate:
    """Measure how far apart two distributions of losses lie (Wasserstein-1, nats), of any sizes.

    Exact: the area between the two distribution functions, the same as between their quantile
    functions. The distance leaves the truth by at most the area between the found and the true
    difference of the functions (triangle inequality); the interval reaches as far as a bootstrap
    says that area does. So it covers also where the truth is 0, and errs on the wide side. Samples
    count as independent: give one loss per sample. Compare ``wasserstein_null``.

    >>> wasserstein(np.array([0.0, 1.0]), np.array([3.0, 4.0, 3.0, 4.0]), seed=0).value
    3.0
    """
    pair = _Pair(first, second)
    own = pair.difference()
    generator = seeds.generator(seed, "wasserstein")
    reach = _repeat(draws, lambda: pair.area(pair.resampled(generator) - own))
    value, half = pair.area(own), float(np.quantile(reach, confidence))
    return Estimate(
        value=value,
        low=max(0.0, value - half),
        high=value + half,
        n=len(first) + len(second),
        confidence=confidence,
        method="bootstrap of the area, over samples",
    )


def wasserstein_null(
    first: Losses, second: Losses, *, seed: int, confidence: float = 0.95, draws: int = DRAWS
) -> Estimate:
    """Measure the distance that shuffled labels give on average: the level of "no difference".

    ``low`` and ``high`` bound the middle of the shuffled distances, not the error of their mean.

    >>> found = wasserstein_null(np.arange(50.0), np.arange(50.0), seed=0)
    >>> 0 < found.low < found.value < found.high
    True
    """
    pair = _Pair(first, second)
    generator = seeds.generator(seed, "wasserstein null")
    found = _repeat(draws, lambda: pair.area(pair.shuffled(generator)))
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(
        value=float(found.mean()),
        low=float(low),
        high=float(high),
        n=len(first) + len(second),
        confidence=confidence,
        method="shuffled labels, their spread",
    )


class _Pair:
    """Two samples of losses on their common line."""

    def __init__(self, first: Losses, second: Losses) -> None:
        for name, losses in (("first", first), ("second", second)):
            missing = np.flatnonzero(~np.isfinite(losses))
            if missing.size:
                raise DataError(
                    "E056",
                    f"losses must be finite, {missing.size} of the {name} {len(losses)} are not",
                    where=f"loss {missing[0]}",
                    fix="Leave out samples that were not measured.",
                )
        if min(len(first), len(second)) < 2:
            raise DataError(
                "E045",
                f"a distance needs 2 losses on each side, got {len(first)} and {len(second)}",
                fix="Give the losses of more samples.",
            )
        pooled = np.concatenate([first, second]).astype(np.float64)
        order = np.argsort(pooled, kind="stable")
        self.steps = np.diff(pooled[order])
        self.first, self.second = (
            np.flatnonzero(order < len(first)),
            np.flatnonzero(order >= len(first)),
        )

    def difference(self) -> Losses:
        """Return the first distribution function less the second, at each pooled loss."""
        return self._less(self.first, self.second)

    def resampled(self, generator: np.random.Generator) -> Losses:
        """Return the difference for a bootstrap sample of either side."""
        sides = (self.first, self.second)
        drawn = [side[generator.integers(0, len(side), len(side))] for side in sides]
        return self._less(drawn[0], drawn[1])

    def shuffled(self, generator: np.random.Generator) -> Losses:
        """Return the difference for labels dealt anew."""
        dealt = generator.permutation(len(self.steps) + 1)
        return self._less(dealt[: len(self.first)], dealt[len(self.first) :])

    def area(self, difference: Losses) -> float:
        """Return the area between the function and zero."""
        return float(np.abs(difference[:-1]) @ self.steps)

    def _less(self, first: Int64[np.ndarray, " _"], second: Int64[np.ndarray, " _"]) -> Losses:
        size = len(self.steps) + 1
        mass = np.bincount(first, minlength=size) / len(first)
        return np.cumsum(mass - np.bincount(second, minlength=size) / len(second))


def _repeat(draws: int, once: Callable[[], float]) -> Losses:
    if draws < 1:
        raise ConfigurationError(
            "E044", f"draws must be 1 or more, got {draws}", fix=f"Leave it at {DRAWS}."
        )
    return np.array([once() for _ in range(draws)])


def breakdown(
    train_by_size: Mapping[int, Losses],
    test_by_size: Mapping[int, Losses],
    *,
    seed: int,
    confidence: float = 0.95,
) -> Breakdown:
    """Tell data breakdown from the mere data outlier effect, by the losses at two training sizes.

    Sizes are numbers of training samples; the smallest and the largest are compared. A distance
    "moves" if its interval lies above the mean of shuffled labels.

    * "data breakdown": the train losses move, and rise on average, and the lower end of their
      distance is at least ``HALF`` (0.5) of the upper end of the test losses'.
    * "data outlier effect": the test losses move, and fall on average, and the upper end of the
      train losses' distance is below ``HALF`` of the lower end of theirs.
    * "neither is shown" otherwise.

    The paper (section 3.1.3) tells the two apart by eye: the directions, and the constant, are
    ours. With many samples every train distance moves a little, therefore the comparison.

    >>> low, high = np.linspace(0.0, 0.1, 200), np.linspace(2.0, 3.0, 200)
    >>> breakdown({100: low, 400: low + 1}, {100: high, 400: high - 0.5}, seed=0).verdict
    'data breakdown'
    >>> breakdown({100: low, 400: low}, {100: high, 400: high - 0.5}, seed=0).verdict
    'data outlier effect'
    """
    sizes = sorted(train_by_size)
    if len(sizes) < 2 or sizes != sorted(test_by_size):
        raise ConfigurationError(
            "E044",
            "train and test losses must be of the same two sizes or more, "
            f"got {sizes} and {sorted(test_by_size)}",
            fix="Give the losses of every size on both sides.",
        )
    small, large = sizes[0], sizes[-1]
    train, test = (
        _Move(by_size[small], by_size[large], seed=seeds.derive(seed, name), confidence=confidence)
        for name, by_size in (("train", train_by_size), ("test", test_by_size))
    )
    return Breakdown(
        verdict=_verdict(train, test),
        sizes=(small, large),
        train=train.distance,
        test=test.distance,
        train_null=train.null,
        test_null=test.null,
        train_shift=train.shift,
        test_shift=test.shift,
    )


class _Move:
    """How one side's losses change from the small to the large size."""

    def __init__(self, small: Losses, large: Losses, *, seed: int, confidence: float) -> None:
        self.distance = wasserstein(small, large, seed=seed, confidence=confidence)
        self.null = wasserstein_null(small, large, seed=seed, confidence=confidence)
        variance = small.var(ddof=1) / len(small) + large.var(ddof=1) / len(large)
        freedom = min(len(small), len(large)) - 1
        value = float(large.mean() - small.mean())
        half = float(two_sided(confidence, freedom=freedom) * np.sqrt(variance))
        self.shift = Estimate(
            value=value,
            low=value - half,
            high=value + half,
            n=len(small) + len(large),
            confidence=confidence,
            method="t over samples, the smaller side's freedom",
        )

    @property
    def shown(self) -> bool:
        return self.distance.low > self.null.value


def _verdict(train: _Move, test: _Move) -> str:
    risen = train.shown and train.shift.low > 0
    if risen and train.distance.low >= HALF * test.distance.high:
        return BREAKDOWN
    fallen = test.shown and test.shift.high < 0
    if fallen and train.distance.high < HALF * test.distance.low:
        return OUTLIER
    return NEITHER


def rank_of_common(
    common_ranks: Int64[np.ndarray, "runs samples"],
    other_ranks: Int64[np.ndarray, "other_runs samples"],
    *,
    share: float = 0.5,
    confidence: float = 0.95,
) -> CommonRank:
    """Find where the samples that are safe in all runs of one ensemble stand in another's order.

    Ranks: 1 = safest. Common = among the safest ``share`` in every run of the first (RelaxLoss in
    the paper's Figure 3d); the other (CE) gives their mean places. A place right at a half counts
    half, so chance is exactly a half. The interval is about which samples were drawn, for these
    runs.

    >>> order = np.tile(np.arange(1, 9), (2, 1))
    >>> found = rank_of_common(order, order)
    >>> found.fraction, str(found.below)
    (array([0.0625, 0.1875, 0.3125, 0.4375]), '1.000 [0.510, 1.000]')
    """
    if not 0 < share <= 1:
        raise ConfigurationError(
            "E044", f"share must lie in (0, 1], got {share}", fix="Give a share of the rank order."
        )
    if not (common_ranks.size and other_ranks.size):
        raise DataError(
            "E045", "ranks need runs and samples, got none", fix="Give the ranks of a run."
        )
    runs, samples = other_ranks.shape
    common = np.all(common_ranks <= int(share * samples), axis=0)
    totals = other_ranks[:, common].sum(axis=0)
    half = runs * (samples + 1)  # twice the total of a place right at a half: whole numbers
    hits = np.sum(2 * totals < half) + 0.5 * np.sum(2 * totals == half)
    count = int(common.sum())
    low, high = wilson(hits, count, confidence=confidence) if count else (np.nan, np.nan)
    below = Estimate(
        value=float(hits / count) if count else np.nan,
        low=float(low),
        high=float(high),
        n=count,
        runs=runs,
        confidence=confidence,
        method="Wilson over samples, runs as given" if count else "no sample is safe in all runs",
    )
    return CommonRank(common=common, fraction=(totals / runs - 0.5) / samples, below=below)
