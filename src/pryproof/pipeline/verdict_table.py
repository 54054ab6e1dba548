"""The verdict table: one row a sample, by columns. ``docs/valuation.md`` explains each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.valuation.means import mean_over_runs
from pryproof.valuation.success import success_rate
from pryproof.valuation.votes import Votes

WORDS = np.array(["safe", "vague", "risky"])
NOT_ESTIMABLE = "not estimable"  # a member of too few runs to be voted on
HELD_OUT = "held out"  # no verdict: nothing of it is in a training set


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the table is made of: ``[runs, samples]`` of all samples, ranks of the valued ones."""

    ids: list[str]
    labels: Int64[np.ndarray, " samples"] | None
    member: Bool[np.ndarray, "runs samples"]
    valued: Bool[np.ndarray, " samples"]
    runs: Int64[np.ndarray, " voting"]
    called: Bool[np.ndarray, "runs samples"]
    margin: Float[np.ndarray, "runs samples"]
    excess: Float[np.ndarray, "runs samples"] | None
    ranks: Int64[np.ndarray, "voting valued"]
    votes: Votes
    attacks: Mapping[str, Float[np.ndarray, " samples"]]


def columns(of: Columns) -> dict[str, Any]:
    """Return the columns by name, in the order of the documentation; NaN = not measured."""
    inside = of.member
    seen = inside.any(axis=0)
    rate, low, high = success_rate(of.called[of.runs], counted=_counted(of))
    unseen, _, _ = success_rate(of.called, counted=~inside)
    n = len(of.ids)
    verdict = np.where(seen, NOT_ESTIMABLE, HELD_OUT).astype(object)
    verdict[of.valued] = WORDS[of.votes.verdict]
    return {
        "id": of.ids,
        "label": np.full(n, -1) if of.labels is None else of.labels,
        "split": np.where(seen, "member", "held_out").tolist(),
        "source": ["real"] * n,
        "verdict": verdict.tolist(),
        "runs": inside.sum(axis=0),
        "safe_votes": _spread(of, of.votes.safe_votes, elsewhere=0),
        "risky_votes": _spread(of, of.votes.risky_votes, elsewhere=0),
        "mean_rank": _spread(of, of.votes.mean_rank, elsewhere=np.nan),
        "success_rate": rate,
        "success_low": low,
        "success_high": high,
        "unseen_success_rate": unseen,
        "excess_margin": np.full(n, np.nan)
        if of.excess is None
        else mean_over_runs(of.excess, inside),
        **of.attacks,
        "margins": of.margin[of.runs].T,
        "ranks": _all_ranks(of),
    }


def _counted(of: Columns) -> Bool[np.ndarray, "voting samples"]:
    """Mark the runs that trained on a member; for held-out samples all voting runs.

    So a held-out sample's rate is a false positive rate of the very runs that vote.
    """
    voting = of.member[of.runs]
    return np.where(of.member.any(axis=0), voting, np.ones_like(voting))


def _spread(of: Columns, values: np.ndarray, *, elsewhere: float) -> np.ndarray:
    """Return a value for every sample, from those of the valued ones."""
    found = np.full(len(of.valued), elsewhere, dtype=values.dtype)
    found[of.valued] = values
    return found


def _all_ranks(of: Columns) -> Int64[np.ndarray, "samples voting"]:
    """Return ranks of all samples; 0 = the run did not vote on it."""
    found = np.zeros((len(of.valued), len(of.ranks)), dtype=np.int64)
    found[of.valued] = of.ranks.T
    return found
