"""The likelihood-ratio attack (Carlini et al. 2022), every run a target in closed form.

A run's shadows are the runs of other groups. Runs of one group share a training set, so a twin
would hand the run its own membership; leaving the whole group out also makes a run's scores
independent of its own row of ``member``: the attacker does not know what it guesses.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.moments import Block, Moments, Sides, of_others
from pryproof.attacks.needed import signal
from pryproof.checks import DataError
from pryproof.records import Evidence

Spread = Literal["pooled", "per_sample", "fixed", "common"]
Seen = tuple[int, int, Float[np.ndarray, "queries block"], Moments]  # block, row, phi, shadows
Walk = Callable[[list[slice]], Iterator[Seen]]

LARGEST = 1e100  # beyond it a squared distance may overflow
CELLS = 1 << 18  # values of all runs in a block: two megabytes
NARROWEST = 128  # samples in a block
ONLINE, OFFLINE = (False, True), (False,)  # the sides that a score needs: without, with the sample


def lira_offline(
    phi: Float[np.ndarray, "runs samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
) -> Float[np.ndarray, "runs samples"]:
    """Score how far phi lies above what runs without the sample say. Higher = more likely a member.

    Unit: standard deviations (the z-score, which has the order of P[Z <= phi] and cannot saturate).
    The spread is one number per group; where no sample has two OUT runs, or all OUT runs agree, it
    is not estimable and 1 is used: the unit is then nats, the order within a run unchanged.
    NaN = not measured: no run of another group was trained without the sample.

    >>> phi = np.array([[5.0, 1.0], [1.0, 1.5], [3.0, 0.5]])
    >>> member = np.array([[True, True], [False, False], [False, False]])
    >>> lira_offline(phi, member, np.array([0, 1, 2]))[0].round(3)
    array([2.683, 0.   ])
    """
    everyone = np.arange(len(phi))
    return lira_scores(phi[:, None], member, group, everyone, online=False)


def lira(
    phi: Float[np.ndarray, "runs samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
) -> Float[np.ndarray, "runs samples"]:
    """Score the log-likelihood ratio in / out (nats). Higher = more likely a member.

    Each side has one spread per group; a side whose spread is not estimable borrows the other's,
    and 1 if there is none. NaN = not measured: other groups lack a run with or without the sample.

    >>> phi = np.array([[3.5], [3.0], [4.0], [5.0], [1.0], [3.0], [-1.0]])
    >>> member = np.array([[True], [True], [True], [True], [False], [False], [False]])
    >>> lira(phi, member, np.arange(7))[0].round(4)
    array([1.3494])
    """
    return lira_scores(phi[:, None], member, group, np.arange(len(phi)))


def lira_scores(
    phi: Float[np.ndarray, "runs queries samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
    *,
    online: bool = True,
    spread: Spread = "pooled",
) -> Float[np.ndarray, "targets samples"]:
    """Score some runs, each against all runs of other groups: the mean over the queries.

    Online the log-likelihood ratio (nats), offline the z-score; NaN = not measured. The spread of
    a side is that of its residuals about each sample's mean, pooled over samples and queries with
    n - 1 degrees of freedom a sample ("pooled"); a sample's and query's own, population form, or
    the pooled one where it has fewer than two runs or they agree ("per_sample"); that of all scores
    about their one mean, so with the differences between samples ("fixed"); or that of the
    residuals of both sides, population form ("common").

    >>> phi = np.array([[3.5], [3.0], [4.0], [5.0], [1.0], [3.0], [-1.0]])[:, None]
    >>> member = np.array([[True], [True], [True], [True], [False], [False], [False]])
    >>> own = np.array([0])
    >>> lira_scores(phi, member, np.arange(7), own, spread="per_sample").round(6)
    array([[1.677522]])
    """
    _refuse_unusable(phi)
    sides = ONLINE if online else OFFLINE
    walk, blocks = _walk(
        np.ascontiguousarray(phi, dtype=np.float64),
        np.ascontiguousarray(member),
        group,
        targets,
        sides,
    )
    shape = len(targets), phi.shape[2]
    if spread == "per_sample":
        scores = _with_own_spreads(walk, blocks, shape, sides=sides)
    else:
        scores = _with_one_spread(walk, blocks, shape, spread, sides=sides)
    unmeasured = np.flatnonzero(np.isnan(scores).all(axis=1))
    if unmeasured.size:
        needed = (
            "runs of other groups both with and without it"
            if online
            else ("a run of another group trained without it")
        )
        raise DataError(
            "E056",
            f"every run must have a sample with {needed}",
            where=f"run {targets[unmeasured[0]]}",
            fix="Add shadow runs, or give runs that do not share a training set different groups.",
        )
    return scores


def _walk(
    phi: Float[np.ndarray, "runs queries samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
    sides: Sides,
) -> tuple[Walk, list[slice]]:
    """Return the blocks of samples, and a walk over what every target says of some of them."""
    # in the order in which groups first appear: their numbers are names
    own = group[targets]
    of_targets = set(own.tolist())
    asked = [each for each in dict.fromkeys(group.tolist()) if each in of_targets]
    runs = [np.flatnonzero(group == each) for each in asked]
    rows = [np.flatnonzero(own == each) for each in asked]
    rest = np.flatnonzero(~np.isin(group, own))
    most = max(map(len, [rest, *runs]))
    queries, samples = phi.shape[1:]
    width = max(
        NARROWEST, min(CELLS // (most * queries), 4 * CELLS // max(len(targets) * queries, 1))
    )
    room = np.empty((2, most, queries, min(width, samples)))

    def walk(blocks: list[slice]) -> Iterator[Seen]:
        for number, samples in enumerate(blocks):
            block = Block(phi=phi, member=member, samples=samples, sides=sides, room=room)
            for place, shadows in of_others(block, runs, rest):
                for row in rows[place]:
                    yield number, int(row), phi[targets[row], :, samples], shadows

    return walk, [slice(at, min(at + width, samples)) for at in range(0, samples, width)]


def _with_one_spread(
    walk: Walk, blocks: list[slice], shape: tuple[int, int], spread: Spread, *, sides: Sides
) -> Float[np.ndarray, "targets samples"]:
    away = [np.empty(shape) for _ in sides]
    totals = np.zeros((3, len(blocks), len(sides), shape[0]))
    for number, row, phi, shadows in walk(blocks):
        distance = _distance(phi, shadows)
        if len(sides) > 1:
            distance *= distance
        for each, part in zip(away, _over_queries(distance), strict=True):
            each[row, blocks[number]] = part
        totals[:, number, :, row] = _totals(shadows, spread)
    spreads = _spreads(totals, spread)[..., None]
    if len(sides) == 1:
        away[0] /= spreads[0]
        return away[0]
    away[0] /= 2 * spreads[0] ** 2
    away[1] /= 2 * spreads[1] ** 2
    away[0] -= away[1]
    away[0] += np.log(spreads[0] / spreads[1])
    return away[0]


def _with_own_spreads(
    walk: Walk, blocks: list[slice], shape: tuple[int, int], *, sides: Sides
) -> Float[np.ndarray, "targets samples"]:
    scores = np.empty(shape)
    totals = np.zeros((3, len(blocks), len(sides), shape[0]))
    unknown = np.full((len(sides), 1, 1), np.nan)
    again = set()
    for number, row, phi, shadows in walk(blocks):
        variance, own = _own_variances(shadows, unknown)
        scores[row, blocks[number]] = _with_variances(phi, shadows, variance)
        totals[:, number, :, row] = _totals(shadows, "pooled")
        if not own:
            again.add(number)
    # the pooled spread is known only now: once more where a sample lacks its own
    pooled = _spreads(totals, "pooled")[..., None, None]
    unfinished = [blocks[number] for number in sorted(again)]
    for number, row, phi, shadows in walk(unfinished):
        variance, _ = _own_variances(shadows, pooled[:, row])
        scores[row, unfinished[number]] = _with_variances(phi, shadows, variance)
    return scores


def _own_variances(
    shadows: Moments, pooled: Float[np.ndarray, "sides 1 1"]
) -> tuple[Float[np.ndarray, "sides queries samples"], bool]:
    """Return the variances, and whether each is a sample's own."""
    own = (shadows.count >= 2) & (shadows.squares > 0)
    variance = shadows.squares / np.maximum(shadows.count, 1.0)
    if own.all():
        return variance, True
    return np.where(own, variance, pooled**2), False


def _with_variances(
    phi: Float[np.ndarray, "queries samples"],
    shadows: Moments,
    variance: Float[np.ndarray, "sides queries samples"],
) -> Float[np.ndarray, " samples"]:
    distance = _distance(phi, shadows)
    if len(variance) == 1:
        return _over_queries(distance / np.sqrt(variance))[0]
    distance *= distance
    distance /= variance
    ratio = distance[:1] - distance[1:] + np.log(variance[:1] / variance[1:])
    return _over_queries(ratio)[0] / 2


def _distance(
    phi: Float[np.ndarray, "queries samples"], shadows: Moments
) -> Float[np.ndarray, "sides queries samples"]:
    distance = phi - shadows.mean
    np.copyto(distance, np.nan, where=shadows.count == 0)
    return distance


def _over_queries(
    values: Float[np.ndarray, "sides queries samples"],
) -> Float[np.ndarray, "sides samples"]:
    return values[:, 0] if values.shape[1] == 1 else values.mean(axis=1)


def _totals(shadows: Moments, spread: Spread) -> Float[np.ndarray, "3 sides"]:
    """Return how many, the mean and the squared deviations of what a block adds to the spread."""
    queries = shadows.mean.shape[1]
    seen = shadows.count - 1 if spread == "pooled" else shadows.count
    number = queries * np.maximum(seen, 0.0).sum(axis=(1, 2))
    squares = shadows.squares.sum(axis=(1, 2))
    mean = np.zeros_like(number)
    if spread == "fixed":
        total = np.sum(shadows.count * shadows.mean, axis=(1, 2))
        mean = total / np.maximum(number, 1.0)
        between = shadows.mean - mean[:, None, None]
        squares = squares + np.sum(shadows.count * between**2, axis=(1, 2))
    return np.stack([number, mean, squares])


def _spreads(
    totals: Float[np.ndarray, "3 blocks sides targets"], spread: Spread
) -> Float[np.ndarray, "sides targets"]:
    """Add the blocks up; a spread that is not estimable is the other side's, or 1."""
    number, mean, squares = totals
    count = number.sum(axis=0)
    grand = np.sum(number * mean, axis=0) / np.maximum(count, 1.0)
    total = np.sum(squares + number * (mean - grand) ** 2, axis=0)
    if spread == "common":
        count, total = count.sum(axis=0) + 0 * count, total.sum(axis=0) + 0 * total
    spreads = np.sqrt(total / np.maximum(count, 1.0))
    spreads = np.where(spreads > 0, spreads, spreads[::-1])
    return np.where(spreads > 0, spreads, 1.0)


def _refuse_unusable(phi: Float[np.ndarray, "runs queries samples"]) -> None:
    flat = phi.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        if flat @ flat < LARGEST**2:  # no value is larger, and none is NaN: no temporary array
            return
    broken = np.argwhere(~(np.abs(phi) < LARGEST))
    if broken.size:
        raise DataError(
            "E056",
            f"phi must be finite, {len(broken)} of {phi.size} values are NaN or infinite",
            where=f"run {broken[0][0]}, sample {broken[0][2]}",
            fix="Give logits: what is computed of them is always finite.",
        )


def _attack(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - samples apart tell nothing of these
    options: Options,  # noqa: ARG001 - there are none
    online: bool,
    spread: Spread,
) -> Float[np.ndarray, "targets samples"]:
    phi = signal(evidence, "phi", attack="lira")
    return lira_scores(phi, evidence.member, evidence.group, targets, online=online, spread=spread)


_SOURCE = "Carlini et al. 2022, Membership Inference Attacks From First Principles"
_SPREADS: dict[Spread, str] = {
    "pooled": "one spread a side, of all residuals about each sample's mean, n - 1 degrees of "
    "freedom a sample",
    "per_sample": "the paper's formula: every sample's and query's own spread a side, population "
    "form; the pooled one where it has fewer than two shadows or they agree",
    "fixed": "one spread a side, of all scores about their one mean, differences between samples "
    "included: what peers call fixed; but the mean is the centre, all shadows are used, and OUT "
    "has a spread of its own",
    "common": "one spread for both sides, of all residuals about each sample's mean, population "
    "form",
}


def _table() -> dict[str, Attack]:
    found = {}
    for spread, differs in _SPREADS.items():
        name = "lira" if spread == "pooled" else f"lira/{spread}"
        found[name] = Attack(
            score=partial(_attack, online=True, spread=spread),
            source=_SOURCE,
            differs=f"log-likelihood ratio; {differs}",
        )
        if spread == "common":
            continue  # needs both sides
        name = "lira/offline" if spread == "pooled" else f"lira/offline_{spread}"
        found[name] = Attack(
            score=partial(_attack, online=False, spread=spread),
            source=_SOURCE,
            differs=f"OUT shadows alone, one-sided z-score; {differs}",
        )
    return found


TABLE: dict[str, Attack] = _table()
