"""The privacy risk score: how likely a sample is a member, given what known samples look like.

Song and Mittal 2021 (methods section 2.1): the posterior of membership at prior 1/2, from
histograms of the modified entropy of members and non-members of the sample's class.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.calibration import Known, known
from pryproof.attacks.needed import mean_over_queries, number, signal
from pryproof.checks import DataError
from pryproof.records import Evidence

Values = Float[np.ndarray, " samples"]


@dataclass(frozen=True, kw_only=True)
class Valued:
    """A value of each of some samples, and their classes."""

    values: Values
    labels: Int64[np.ndarray, " samples"]

    def of(self, chosen: Bool[np.ndarray, " samples"]) -> "Valued":
        """Return some of them."""
        return Valued(values=self.values[chosen], labels=self.labels[chosen])


def risk_score(members: Valued, nonmembers: Valued, judged: Valued, *, bins: int = 5) -> Values:
    """Return the probability of membership of judged samples at prior 1/2. Higher = member.

    The values may be any order-preserving map of the modified entropy. Those of a class's known
    samples are cut at their quantiles into bins, equal values into one; a side's share in a bin is
    (count + bins * w) / (n + bins), with w the share of both sides together. That keeps a score
    off 0 and 1, and where a bin tells nothing it is 1/2 whatever the sides' numbers are. A value
    below all known ones belongs to the lowest bin that has any. A class that lacks members or
    non-members uses all classes together.

    >>> zeros = np.zeros(4, np.int64)
    >>> members = Valued(values=np.array([0.1, 0.2, 0.3, 0.7]), labels=zeros)
    >>> nonmembers = Valued(values=np.array([0.4, 0.6, 0.8, 0.9]), labels=zeros)
    >>> judged = Valued(values=np.array([0.0, 1.0]), labels=zeros[:2])
    >>> risk_score(members, nonmembers, judged, bins=2)
    array([0.66666667, 0.33333333])
    """
    if not (members.values.size and nonmembers.values.size):
        raise DataError(
            "E056",
            "a risk score needs known members and non-members, "
            f"got {members.values.size} members and {nonmembers.values.size} non-members",
            fix="Give the attack a reference set.",
        )
    classes = 1 + max(int(each.labels.max(initial=0)) for each in (members, nonmembers, judged))
    everyone = (members.values, nonmembers.values)
    places = by_class(np.arange(len(judged.values)), judged.labels, classes)
    inside = by_class(members.values, members.labels, classes)
    outside = by_class(nonmembers.values, nonmembers.labels, classes)
    found = np.empty(len(judged.values))
    for here, *sides in zip(places, inside, outside, strict=True):
        chosen = sides if sides[0].size and sides[1].size else everyone
        found[here] = _posterior(chosen[0], chosen[1], judged.values[here], bins)
    return found


def _posterior(
    inside: Float[np.ndarray, " members"],
    outside: Float[np.ndarray, " nonmembers"],
    judged: Values,
    bins: int,
) -> Values:
    together = np.sort(np.concatenate([inside, outside]))
    edges = together[np.arange(1, bins) * len(together) // bins]
    counts = [
        np.bincount(np.searchsorted(edges, side, side="right"), minlength=bins)
        for side in (inside, outside)
    ]
    both = counts[0] + counts[1]
    weight = bins * both / len(together)
    shares = [
        (count + weight) / (len(side) + bins)
        for count, side in zip(counts, (inside, outside), strict=True)
    ]
    # equal values leave bins without any; only the lowest of these can be met
    posterior = shares[0] / np.where(both, shares[0] + shares[1], 1.0)
    place = np.searchsorted(edges, judged, side="right")
    return posterior[np.maximum(place, np.flatnonzero(both)[0])]


def by_class(
    values: np.ndarray, labels: Int64[np.ndarray, " samples"], classes: int
) -> list[np.ndarray]:
    """Return the values of every class, in their order.

    >>> [each.tolist() for each in by_class(np.array([5, 6, 7]), np.array([1, 0, 1]), 2)]
    [[6], [5, 7]]
    """
    # a stable sort of 16-bit numbers is one by counting
    order = np.argsort(labels.astype(np.uint16) if classes <= 1 << 16 else labels, kind="stable")
    return np.split(values[order], np.cumsum(np.bincount(labels, minlength=classes))[:-1])


OfRuns = Callable[[Evidence, Int64[np.ndarray, " runs"]], Float[np.ndarray, "runs samples"]]
OfKnown = Callable[[Valued, Valued, Valued], Values]


def by_known(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    values_of: OfRuns,
    judge: OfKnown,
) -> Float[np.ndarray, "targets samples"]:
    """Judge every target's samples by those whose membership is known, never by themselves.

    ``values_of`` gives the values of runs, NaN = not measured; ``judge`` takes known members, known
    non-members, and the samples to judge.
    """
    own = values_of(evidence, np.arange(len(evidence.member)))
    labels = np.broadcast_to(_labels(evidence), own.shape)
    if reference is not None:  # what is known is the same for every target
        (part,) = known(evidence, 0, reference=reference)
        theirs = values_of(reference, np.arange(len(reference.member)))
        judged = Valued(values=own[targets].ravel(), labels=labels[targets].ravel())
        return _judged(part, theirs, judged, judge).reshape(len(targets), -1)
    found = np.full((len(targets), evidence.member.shape[1]), np.nan)
    for row, target in enumerate(targets):
        for part in known(evidence, int(target), reference=None):
            here = np.flatnonzero(part.judged)
            judged = Valued(values=own[target][here], labels=labels[target][here])
            found[row, here] = _judged(part, own, judged, judge)
    return found


def _judged(
    part: Known, values: Float[np.ndarray, "runs known"], judged: Valued, judge: OfKnown
) -> Values:
    """Judge by the known samples of the known runs; whose value is NaN gets NaN."""
    seen = values[part.runs][:, part.samples]
    member = part.evidence.member[part.runs][:, part.samples].ravel()
    labels = np.broadcast_to(_labels(part.evidence)[part.samples], seen.shape)
    pool = Valued(values=seen.ravel(), labels=labels.ravel())
    measured, here = ~np.isnan(pool.values), ~np.isnan(judged.values)
    found = np.full(len(judged.values), np.nan)
    found[here] = judge(pool.of(measured & member), pool.of(measured & ~member), judged.of(here))
    return found


def _labels(evidence: Evidence) -> Int64[np.ndarray, " samples"]:
    if evidence.labels is not None:
        return evidence.labels
    return np.zeros(evidence.member.shape[1], dtype=np.int64)


def _log_mentropy(
    evidence: Evidence, runs: Int64[np.ndarray, " runs"]
) -> Float[np.ndarray, "runs samples"]:
    said = signal(evidence, "log_mentropy", attack="risk_score")[runs]
    with np.errstate(invalid="ignore"):  # inf and -inf: not measured
        return mean_over_queries([said[:, query] for query in range(said.shape[1])])


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,
) -> Float[np.ndarray, "targets samples"]:
    bins = int(number(options, "bins", least=1))

    def judge(members: Valued, nonmembers: Valued, judged: Valued) -> Values:
        return risk_score(members, nonmembers, judged, bins=bins)

    return by_known(evidence, targets, reference=reference, values_of=_log_mentropy, judge=judge)


TABLE: dict[str, Attack] = {
    "risk_score": Attack(
        score=_score,
        source="Song and Mittal 2021 (privacy risk score)",
        differs="bins at quantiles of the class's known samples, shares smoothed by one count a "
        "bin; a class that lacks a side uses all classes; several queries: of their mean",
        options={"bins": 5.0},
        fixed_cut=0.5,
    ),
}
