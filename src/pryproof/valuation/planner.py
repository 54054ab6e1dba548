"""How many runs until the valuation stops moving? A forecast from a pilot of three runs or more.

The model behind it is deliberately small. Within each run the ranks become normal scores, and every
score is the sample's own effect plus noise of that run: one number, the reliability, says how much
of a score is the sample's. It is estimated over the pilot's runs, and then played forward. What the
model leaves out: samples with more noise than others (the quiet ones settle sooner than the
forecast says, so it errs towards more runs), and runs that agree in groups. Its error is not in the
intervals, which are about the samples drawn; nor is that of the simulation, which moves the number
of runs by up to a tenth from seed to seed.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from pryproof import seeds
from pryproof.checks import ConfigurationError, DataError
from pryproof.intervals import normal_quantile, two_sided
from pryproof.records import Estimate
from pryproof.valuation.ranks import ranks
from pryproof.valuation.votes import RISKY, SAFE, vote

FEWEST_PILOT = 3  # two runs give a single difference per sample: no spread to speak of
LARGEST_DRAW = 4_000  # samples simulated at once
LISTED = 2_000  # samples to have on the simulated lists, over all draws: some 5 % of the change
MOST_DRAWS = 100  # to that end
VERDICT_DRAWS = 4  # verdicts concern all samples: a few draws say enough
FEWEST_FITTED = 8  # points of a curve, below which it stays as drawn

RULES = ("unanimous", "mean_rank")


@dataclass(frozen=True, kw_only=True)
class PlanPoint:
    """What the model expects of an ensemble of ``runs`` runs, and of one run more.

    ``safe`` and ``risky`` are shares of samples by the rule in force (``rule``); ``moved`` is the
    share of samples whose verdict one more run changes; ``overlap`` is the share of the riskiest
    list that one more run keeps. Intervals come from the ends of the reliability's interval.
    """

    runs: int
    safe: Estimate
    risky: Estimate
    moved: Estimate
    overlap: Estimate
    rule: str


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """How many runs in total, and why.

    ``runs`` is None where more than the ``most`` asked about are needed, ``more`` and ``seconds``
    then are None too. ``fewest`` and ``largest`` bound the total over the ends of the reliability's
    interval (None = more than ``most``). ``reliability`` is the intraclass correlation of one run's
    normal scores: 1 = every run says the same, 0 = noise.
    """

    runs: int | None
    more: int | None
    fewest: int | None
    largest: int | None
    reliability: Estimate
    curve: tuple[PlanPoint, ...]
    seconds: float | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class _Forecast:
    """Averages over draws for 2, 3, ... runs; ``fallback`` is the share of draws by mean rank."""

    safe: Float[np.ndarray, " points"]
    risky: Float[np.ndarray, " points"]
    moved: Float[np.ndarray, " points"]
    kept: Float[np.ndarray, " points"]
    fallback: Float[np.ndarray, " points"]

    def settled(self, tolerance: float) -> int | None:
        enough = np.flatnonzero((self.moved <= tolerance) & (1 - self.kept <= tolerance))
        return int(enough[0]) + 2 if enough.size else None


def plan_runs(
    margin: Float[np.ndarray, "pilot_runs samples"],
    *,
    share: float = 0.5,
    top: float = 0.01,
    tolerance: float = 0.02,
    most: int = 64,
    seconds_per_run: float | None = None,
    seed: int,
    minimum: float = 0.1,
) -> RunPlan:
    """Forecast from a pilot how many runs the verdicts and the riskiest list need to settle.

    ``margin``: one row per run, higher = more exposed. Settled means that one more run is expected
    to change the verdict of at most ``tolerance`` of the samples, and at most ``tolerance`` of the
    riskiest ``top`` by mean rank. ``share`` and ``minimum`` are those of ``votes.vote``.

    Unanimity's shares never stop shrinking: a sample that a run calls safe with chance p stays
    safe through k runs with chance p ** k. They may shrink slowly enough to pass, or fall below
    ``minimum``, from where the mean rank's fixed quarters decide; what counts is the rule in force.

    >>> pilot = np.tile(np.arange(200.0), (3, 1))
    >>> plan = plan_runs(pilot, seed=0, most=8)
    >>> plan.runs, plan.more, plan.reliability.value
    (2, 0, 1.0)
    """
    _refuse_settings(share=share, top=top, tolerance=tolerance, most=most, seconds=seconds_per_run)
    pilot, samples = margin.shape
    if pilot < FEWEST_PILOT or samples * top < 1:
        raise DataError(
            "E045",
            f"a plan needs a pilot of {FEWEST_PILOT} runs and a sample in the riskiest {top:g}, "
            f"got {pilot} runs and {samples} samples",
            fix="Train more pilot runs, or widen the list.",
        )
    reliability = reliability_of(margin, seed=seed)
    ends = (reliability.value, reliability.low, reliability.high)
    middle, low, high = (
        _forecast(
            float(np.clip(end, 0, 1)),
            min(samples, LARGEST_DRAW),
            most,
            share=share,
            top=top,
            minimum=minimum,
            seed=seed,
        )
        for end in ends
    )
    totals = [each.settled(tolerance) for each in (middle, low, high)]
    known = [total for total in totals if total is not None]
    runs = totals[0]
    more = None if runs is None else max(0, runs - pilot)
    curve = _curve(middle, low, high, reliability)
    return RunPlan(
        runs=runs,
        more=more,
        fewest=min(known, default=None),
        largest=max(known) if len(known) == len(totals) else None,
        reliability=reliability,
        curve=curve,
        seconds=None if more is None or seconds_per_run is None else more * seconds_per_run,
        reason=_reason(runs, pilot, reliability, curve),
    )


def reliability_of(
    margin: Float[np.ndarray, "pilot_runs samples"], *, seed: int, confidence: float = 0.95
) -> Estimate:
    """Estimate the intraclass correlation of one run's normal-scored ranks, by random effects.

    1 = every run orders the samples alike; 0 = no agreement; below 0 = less than chance gives.
    One-way analysis of variance over samples, without the runs' means (which ranks make equal):
    noise is the mean square within samples, effect what the one between has beyond it. The interval
    is a delta method over samples for these runs; where all runs agree it has no width.

    >>> str(reliability_of(np.tile(np.arange(50.0), (3, 1)), seed=0))
    '1.000 [1.000, 1.000]'
    """
    runs, samples = margin.shape
    if runs < 2 or samples < 2:
        raise DataError(
            "E045",
            f"a reliability needs 2 runs and 2 samples, got {runs} and {samples}",
            fix="Train more runs.",
        )
    scores = _normal_scores(ranks(margin, seed=seed))
    noise = scores.var(axis=0, ddof=1) * samples / (samples - 1)
    # one run's score has this mean square in any case: effect and noise together
    total = np.mean(scores**2, axis=0) * samples / (samples - 1)
    value = 1 - noise.mean() / total.mean()
    # each sample's pull on the ratio; the total pulls too, though its mean is fixed by the ranks
    pull = (noise - (1 - value) * total) / total.mean()
    half = two_sided(confidence, freedom=samples - 1) * pull.std(ddof=1) / np.sqrt(samples)
    return Estimate(
        value=float(value),
        low=float(max(value - half, -1 / (runs - 1))),
        high=float(min(value + half, 1.0)),
        n=samples,
        runs=runs,
        confidence=confidence,
        method="delta method over samples, runs as given",
    )


def _refuse_settings(
    *, share: float, top: float, tolerance: float, most: int, seconds: float | None
) -> None:
    inside = 0 < share <= 0.5 and 0 < top <= 0.5 and 0 < tolerance < 1
    if not (inside and most >= 2 and (seconds is None or 0 <= seconds < np.inf)):
        raise ConfigurationError(
            "E044",
            "a plan needs share and top in (0, 0.5], tolerance in (0, 1), most from 2 on and "
            f"seconds per run from 0 on, got {share}, {top}, {tolerance}, {most} and {seconds}",
            fix="Give shares of the samples, and a number of runs.",
        )


def _normal_scores(
    order: Int64[np.ndarray, "pilot_runs samples"],
) -> Float[np.ndarray, "pilot_runs samples"]:
    samples = order.shape[1]
    table = np.array([normal_quantile((rank + 0.5) / samples) for rank in range(samples)])
    return table[order - 1]


def _forecast(
    reliability: float,
    samples: int,
    most: int,
    *,
    share: float,
    top: float,
    minimum: float,
    seed: int,
) -> _Forecast:
    """Play the model forward; every reliability meets the same draws, so only it differs."""
    size = max(1, int(np.floor(top * samples + 0.5)))
    draws = min(MOST_DRAWS, -(-LISTED // size))
    kept = np.zeros(most - 1)
    verdicts = []
    for draw in range(draws):
        generator = seeds.generator(seed, "plan", draw)
        effect = np.sqrt(reliability) * generator.standard_normal(samples)
        noise = np.sqrt(1 - reliability) * generator.standard_normal((most + 1, samples))
        order = _ranked(effect + noise)
        kept += _kept(order, size) / draws
        if draw < VERDICT_DRAWS:
            verdicts.append(_follow(order, share=share, minimum=minimum))
    safe, risky, moved, fallback = np.mean(verdicts, axis=0)
    kept = _smooth(kept) if len(kept) >= FEWEST_FITTED else kept
    return _Forecast(safe=safe, risky=risky, moved=moved, kept=kept, fallback=fallback)


def _follow(
    order: Int64[np.ndarray, "runs samples"], *, share: float, minimum: float
) -> Float[np.ndarray, "4 points"]:
    """Add one run after the other, and note the shares and what each further run changes."""
    points = []
    now = vote(order[:2], share=share, minimum=minimum)
    for runs in range(2, len(order)):
        then = vote(order[: runs + 1], share=share, minimum=minimum)
        points.append(
            (
                np.mean(now.verdict == SAFE),
                np.mean(now.verdict == RISKY),
                np.mean(now.verdict != then.verdict),
                now.rule == "mean_rank",
            )
        )
        now = then
    return np.array(points, dtype=np.float64).T


def _kept(order: Int64[np.ndarray, "runs samples"], size: int) -> Float[np.ndarray, " points"]:
    """Return the share of the riskiest list, by mean rank, that each further run keeps."""
    totals = np.cumsum(order, axis=0)[1:]  # of 2, 3, ... runs: the order of mean ranks
    listed = np.zeros(totals.shape, dtype=np.bool_)
    # equal totals at the list's end go by place, which says nothing of drawn samples
    riskiest = np.argpartition(totals, -size, axis=1)[:, -size:]
    np.put_along_axis(listed, riskiest, values=True, axis=1)
    return np.sum(listed[:-1] & listed[1:], axis=1) / size


def _ranked(values: Float[np.ndarray, "runs samples"]) -> Int64[np.ndarray, "runs samples"]:
    """Rank what is never tied, being drawn: 1 = smallest."""
    order = np.argsort(values, axis=1)
    result = np.empty(values.shape, dtype=np.int64)
    np.put_along_axis(result, order, np.arange(1, values.shape[1] + 1)[None, :], axis=1)
    return result


def _smooth(kept: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """Draw a rising curve through the shares kept, which a short list makes coarse.

    What one more run changes falls like 1 / k where samples differ and like 1 / sqrt(k) where all
    is noise: the change is fitted by such powers, later points counting more for their smaller
    spread.
    """
    runs = np.arange(2.0, len(kept) + 2)
    basis = runs[:, None] ** -np.array([0.5, 1.0, 1.5])
    weight = np.sqrt(runs)
    fit = np.linalg.lstsq(basis * weight[:, None], (1 - kept) * weight, rcond=None)[0]
    return np.maximum.accumulate(1 - np.clip(basis @ fit, 0, 1))


def _curve(
    middle: _Forecast, low: _Forecast, high: _Forecast, reliability: Estimate
) -> tuple[PlanPoint, ...]:
    def between(name: str, point: int) -> Estimate:
        values = [float(getattr(each, name)[point]) for each in (middle, low, high)]
        return Estimate(
            value=values[0],
            low=min(values),
            high=max(values),
            n=reliability.n,
            runs=reliability.runs,
            confidence=reliability.confidence,
            method="forecast at the value and the ends of the reliability",
        )

    return tuple(
        PlanPoint(
            runs=point + 2,
            safe=between("safe", point),
            risky=between("risky", point),
            moved=between("moved", point),
            overlap=between("kept", point),
            rule=RULES[int(middle.fallback[point] > 0.5)],
        )
        for point in range(len(middle.safe))
    )


def _reason(
    runs: int | None, pilot: int, reliability: Estimate, curve: tuple[PlanPoint, ...]
) -> str:
    last = curve[-1] if runs is None else curve[runs - 2]
    change = (
        f"one more run would change {last.moved.value:.1%} of the verdicts (rule: {last.rule}) "
        f"and {1 - last.overlap.value:.1%} of the riskiest list"
    )
    if runs is None and reliability.low <= 0:
        return f"The pilot's runs agree no more than chance; after {last.runs} runs {change}."
    if runs is None:
        return f"Not settled after {last.runs} runs: {change}."
    if runs <= pilot:
        return f"The pilot of {pilot} runs is enough: after {runs} runs {change}."
    return f"{runs} runs in total, {runs - pilot} beyond the pilot: then {change}."
