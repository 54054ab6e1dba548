"""The ensemble's verdict on every sample: safe, vague or risky (methods section 2.5)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int8, Int64

from pryproof.checks import ConfigurationError, DataError

SAFE, VAGUE, RISKY = 0, 1, 2

OUTER_SHARE = 0.25  # of the mean-rank rule: 25 % safe, 50 % vague, 25 % risky


@dataclass(frozen=True, kw_only=True)
class Votes:
    """What an ensemble of runs says about every sample.

    ``safe_votes`` and ``risky_votes`` count runs; ``mean_rank`` is over runs, 1 = safest.
    ``rule`` is "unanimous", or "mean_rank" where unanimity left a domain too small.
    """

    verdict: Int8[np.ndarray, " samples"]
    safe_votes: Int64[np.ndarray, " samples"]
    risky_votes: Int64[np.ndarray, " samples"]
    mean_rank: Float[np.ndarray, " samples"]
    rule: str


def vote(
    ranks: Int64[np.ndarray, "runs samples"], *, share: float = 0.5, minimum: float = 0.1
) -> Votes:
    """Call safe (risky) what lies in the safest (riskiest) ``share`` of every run, else vague.

    If either domain holds less than ``minimum`` of all samples, the mean rank decides instead:
    the lowest quarter is safe, the highest risky. A tie across a quarter's border stays vague, so
    that no verdict depends on the order of the samples.

    >>> vote(np.array([[1, 2, 3, 4], [1, 3, 2, 4]])).verdict
    array([0, 1, 1, 2], dtype=int8)
    """
    if not (0 < share <= 0.5 and 0 <= minimum <= 0.5):
        raise ConfigurationError(
            "E044",
            f"share must lie in (0, 0.5] and minimum in [0, 0.5], got {share} and {minimum}",
            fix="A sample cannot be safe and risky at once: use half of the samples at most.",
        )
    runs, samples = ranks.shape
    if not ranks.size:
        raise DataError(
            "E045", "a vote needs runs and samples, got none", fix="Give the ranks of a run."
        )
    size = int(share * samples)
    safe_votes = np.sum(ranks <= size, axis=0)
    risky_votes = np.sum(ranks > samples - size, axis=0)
    mean_rank = ranks.mean(axis=0)
    safe, risky, rule = safe_votes == runs, risky_votes == runs, "unanimous"
    if min(safe.sum(), risky.sum()) < minimum * samples:
        quarter = int(OUTER_SHARE * samples)
        safe, risky, rule = _lowest(mean_rank, quarter), _lowest(-mean_rank, quarter), "mean_rank"
    verdict = np.where(safe, SAFE, np.where(risky, RISKY, VAGUE)).astype(np.int8)
    return Votes(
        verdict=verdict,
        safe_votes=safe_votes,
        risky_votes=risky_votes,
        mean_rank=mean_rank,
        rule=rule,
    )


def _lowest(values: Float[np.ndarray, " samples"], count: int) -> np.ndarray:
    """Mark the lowest values, at most ``count``, and never only a part of equal ones."""
    return np.searchsorted(np.sort(values), values, side="right") <= count
