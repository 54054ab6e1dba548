"""The ensemble's verdict on every sample: safe, vague or risky (methods section 2.5)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int8, Int64

from pryproof.checks import ConfigurationError, DataError, known_name

SAFE, VAGUE, RISKY = 0, 1, 2

OUTER_SHARE = 0.25  # of the mean-rank rule: 25 % safe, 50 % vague, 25 % risky
RULES = ("unanimous", "m_of_k", "mean_rank")

Rule = Literal["unanimous", "m_of_k", "mean_rank"]


@dataclass(frozen=True, kw_only=True)
class Votes:
    """What an ensemble of runs says about every sample.

    ``safe_votes`` and ``risky_votes`` count runs, out of ``runs`` that trained on the sample;
    ``mean_rank`` is over those runs, 1 = safest. ``rule`` is the one that decided: "mean_rank"
    where another one left a domain smaller than the minimum.
    """

    verdict: Int8[np.ndarray, " samples"]
    safe_votes: Int64[np.ndarray, " samples"]
    risky_votes: Int64[np.ndarray, " samples"]
    runs: Int64[np.ndarray, " samples"]
    mean_rank: Float[np.ndarray, " samples"]
    rule: str


def vote(
    ranks: Int64[np.ndarray, "runs samples"],
    *,
    rule: str = "unanimous",
    at_least: int | None = None,
    share: float = 0.5,
    minimum: float = 0.1,
) -> Votes:
    """Call safe (risky) what lies in the safest (riskiest) ``share`` of the runs, else vague.

    "unanimous": of every run; "m_of_k": of ``at_least`` runs (None: more than half), if not as
    often on the other side; "mean_rank": the lowest quarter of mean ranks is safe, the highest
    risky. Rank 0 stands where a run did not train on a sample: it has no vote there, and ranks are
    compared by their share of the run's samples.

    If either domain holds less than ``minimum`` of all samples, the mean rank decides instead. A
    tie across a quarter's border stays vague, so that no verdict depends on the order of samples.

    >>> vote(np.array([[1, 2, 3, 4], [1, 3, 2, 4]])).verdict
    array([0, 1, 1, 2], dtype=int8)
    >>> vote(np.array([[1, 2, 3, 4], [1, 3, 2, 4]]), rule="m_of_k", at_least=1).verdict
    array([0, 1, 1, 2], dtype=int8)
    """
    known_name(rule, RULES, kind="rule")
    if not (0 < share <= 0.5 and 0 <= minimum <= 0.5):
        raise ConfigurationError(
            "E044",
            f"share must lie in (0, 0.5] and minimum in [0, 0.5], got {share} and {minimum}",
            fix="A sample cannot be safe and risky at once: use half of the samples at most.",
        )
    tally = _tally(ranks, share)
    samples = ranks.shape[1]
    safe, risky = _agreed(rule, tally, at_least, len(ranks))
    if rule != "mean_rank" and min(safe.sum(), risky.sum()) < minimum * samples:
        rule, (safe, risky) = "mean_rank", _agreed("mean_rank", tally, None, len(ranks))
    return Votes(
        verdict=_verdict(safe, risky),
        safe_votes=tally.safe,
        risky_votes=tally.risky,
        runs=tally.runs,
        mean_rank=tally.mean_rank,
        rule=rule,
    )


def vote_by_score(
    scores: Float[np.ndarray, "runs samples"], *, margin: float = 0.1
) -> Int8[np.ndarray, " samples"]:
    """Call safe (risky) whose mean probability of membership lies ``margin`` below (above) 1/2.

    For the privacy risk score, which unlike a rank compares a sample with 1/2 and not with other
    samples: all may be risky. NaN stands where a run did not train on a sample.

    >>> vote_by_score(np.array([[0.2, 0.5, 0.9], [0.3, 0.6, 0.7]]))
    array([0, 1, 2], dtype=int8)
    """
    if not 0 <= margin < 0.5:
        raise ConfigurationError(
            "E044", f"margin must lie in [0, 0.5), got {margin}", fix="Leave it out for 0.1."
        )
    mean = np.nanmean(scores, axis=0)
    return _verdict(mean < 0.5 - margin, mean > 0.5 + margin)


@dataclass(frozen=True, kw_only=True)
class _Tally:
    safe: Int64[np.ndarray, " samples"]
    risky: Int64[np.ndarray, " samples"]
    runs: Int64[np.ndarray, " samples"]
    mean_rank: Float[np.ndarray, " samples"]


def _tally(ranks: Int64[np.ndarray, "runs samples"], share: float) -> _Tally:
    """Count every sample's votes, run after run: memory does not grow with the runs."""
    samples = ranks.shape[1]
    safe, risky, runs = (np.zeros(samples, dtype=np.int64) for _ in range(3))
    total = np.zeros(samples)
    for row in ranks:
        inside = row > 0
        size = int(inside.sum())
        bin_size = int(share * size)
        safe += inside & (row <= bin_size)
        risky += row > size - bin_size
        runs += inside
        # whole numbers add up exactly whatever the order of runs; scaled ones only where needed
        total += row if size == samples else row * (samples / max(size, 1))
    if not ranks.size or not runs.all():
        raise DataError(
            "E045",
            "a vote needs runs that trained on the samples, got none"
            + (f" for {int((runs == 0).sum())} of them" if ranks.size else ""),
            fix="Give the ranks of a run for every sample, or leave the sample out.",
        )
    return _Tally(safe=safe, risky=risky, runs=runs, mean_rank=total / runs)


Marks = tuple[Bool[np.ndarray, " samples"], Bool[np.ndarray, " samples"]]


def _agreed(rule: str, tally: _Tally, at_least: int | None, runs: int) -> Marks:
    """Mark the safe and the risky by a rule."""
    if rule == "mean_rank":
        quarter = int(OUTER_SHARE * len(tally.runs))
        return _lowest(tally.mean_rank, quarter), _lowest(-tally.mean_rank, quarter)
    if rule == "unanimous":
        return tally.safe == tally.runs, tally.risky == tally.runs
    if at_least is not None and not 1 <= at_least <= runs:
        raise ConfigurationError(
            "E044",
            f"at_least must be a number of runs from 1 to {runs}, got {at_least}",
            fix="Leave it out for more than half of them.",
        )
    needed = tally.runs // 2 + 1 if at_least is None else np.minimum(at_least, tally.runs)
    safe, risky = tally.safe >= needed, tally.risky >= needed
    return safe & ~risky, risky & ~safe


def _verdict(
    safe: Bool[np.ndarray, " samples"], risky: Bool[np.ndarray, " samples"]
) -> Int8[np.ndarray, " samples"]:
    return np.where(safe, SAFE, np.where(risky, RISKY, VAGUE)).astype(np.int8)


def _lowest(values: Float[np.ndarray, " samples"], count: int) -> Bool[np.ndarray, " samples"]:
    """Mark the lowest values, at most ``count``, and never only a part of equal ones."""
    return np.searchsorted(np.sort(values), values, side="right") <= count
