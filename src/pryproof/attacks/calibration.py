"""Whose membership may the attacker know? Never that of a sample it judges.

With a reference, everything in it is known. Without one, runs of other groups are the attacker's
own shadow models. With a single training set and no reference, the samples are split into two
halves, and each half is judged by what is known of the other.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.records import Evidence

MOST_RUNS = 8  # shadow runs a cut is fitted on; more change it by less than its own error

# the finaliser of a splitmix64 generator: every bit of the value reaches every bit of the result
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True, kw_only=True)
class Known:
    """Samples to judge, and the evidence, runs and samples whose membership is known for it."""

    judged: Bool[np.ndarray, " samples"]
    evidence: Evidence
    runs: Int64[np.ndarray, " known_runs"]
    samples: Bool[np.ndarray, " known_samples"]


def known(
    evidence: Evidence,
    target: int,
    *,
    reference: Evidence | None,
    other_runs: bool = True,
) -> list[Known]:
    """Return what the attacker may fit on for a target run: one entry, or one for each half.

    ``other_runs=False`` keeps to the target, for attacks whose scores of other runs rest on it.
    """
    everyone = np.ones(evidence.member.shape[1], dtype=np.bool_)
    if reference is not None:
        runs, samples = reference.member.shape
        return [
            Known(
                judged=everyone,
                evidence=reference,
                runs=np.arange(runs),
                samples=np.ones(samples, dtype=np.bool_),
            )
        ]
    others = np.flatnonzero(evidence.group != evidence.group[target])
    if other_runs and others.size:
        # those that follow the target, around the end: no run serves more targets than another
        following = others[np.argsort((others - target) % len(evidence.group))]
        return [
            Known(judged=everyone, evidence=evidence, runs=following[:MOST_RUNS], samples=everyone)
        ]
    half = halves(evidence, target)
    own = np.array([target])
    return [
        Known(judged=judged, evidence=evidence, runs=own, samples=~judged)
        for judged in (half, ~half)
    ]


def halves(evidence: Evidence, target: int) -> Bool[np.ndarray, " samples"]:
    """Mark one half of every class's members and non-members, whatever the samples' order.

    Which half a sample lies in follows from what the target says about it, scrambled, so it is as
    good as drawn at random and moves with the sample when the samples are put in another order.
    Samples about which the same is said are dealt out in turn.
    """
    samples = evidence.member.shape[1]
    labels = evidence.labels if evidence.labels is not None else np.zeros(samples, dtype=np.int64)
    key = np.zeros(samples, dtype=np.uint64)
    for name in sorted(evidence.signals):
        key = _scrambled(key ^ _bits(evidence.signals[name][target, 0]))
    member = evidence.member[target]
    # one sequence through all strata: each is dealt out evenly, and so is the whole
    half = np.zeros(samples, dtype=np.bool_)
    half[np.lexsort((key, member, labels))[::2]] = True
    return half


def _bits(values: Float[np.ndarray, " samples"]) -> np.ndarray:
    return (values.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 and 0.0 are one value


def _scrambled(key: np.ndarray) -> np.ndarray:
    key = (key ^ (key >> np.uint64(30))) * _MIX[0]
    key = (key ^ (key >> np.uint64(27))) * _MIX[1]
    return key ^ (key >> np.uint64(31))
