"""The likelihood-ratio attack with global, residual-pooled spreads (methods section 3.1).

A run's shadows are the runs of other groups. Runs of one group share a training set, so a twin
would hand the run its own membership; leaving the whole group out also makes a run's scores
independent of its own row of ``member``: the attacker does not know what it guesses.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.checks import DataError


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """A normal distribution per sample, with one spread for all; NaN where nothing was seen."""

    mean: Float[np.ndarray, " samples"]
    spread: float


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
    _refuse_unusable(phi)
    scores = np.empty(phi.shape, dtype=np.float64)
    for own in np.unique(group):
        outside = _fit(phi, ~member & (group != own)[:, None])
        mine = group == own
        spread = _first_estimable(outside.spread)
        scores[mine] = (phi[mine] - outside.mean) / spread
    _refuse_unmeasured(scores, "a run of another group trained without it")
    return scores


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
    _refuse_unusable(phi)
    scores = np.empty(phi.shape, dtype=np.float64)
    for own in np.unique(group):
        others = (group != own)[:, None]
        inside, outside = _fit(phi, member & others), _fit(phi, ~member & others)
        mine = group == own
        scores[mine] = _log_density(
            phi[mine], inside.mean, _first_estimable(inside.spread, outside.spread)
        ) - _log_density(phi[mine], outside.mean, _first_estimable(outside.spread, inside.spread))
    _refuse_unmeasured(scores, "runs of other groups both with and without it")
    return scores


def _fit(phi: Float[np.ndarray, "runs samples"], chosen: Bool[np.ndarray, "runs samples"]) -> _Fit:
    """Fit each sample's mean, and one spread of all residuals, on the chosen pairs."""
    seen = chosen.sum(axis=0)
    mean = np.full(phi.shape[1], np.nan)
    total = np.sum(phi, axis=0, where=chosen, dtype=np.float64)
    np.divide(total, seen, out=mean, where=seen > 0)
    squares = np.sum((phi - mean) ** 2, where=chosen)
    freedom = np.sum(np.maximum(seen - 1, 0))
    return _Fit(mean=mean, spread=float(np.sqrt(squares / freedom)) if freedom else np.nan)


def _first_estimable(*spreads: float) -> float:
    """Return the first spread above zero (NaN is not), else 1."""
    return next((spread for spread in spreads if spread > 0), 1.0)


def _log_density(
    phi: Float[np.ndarray, "runs samples"], mean: Float[np.ndarray, " samples"], spread: float
) -> Float[np.ndarray, "runs samples"]:
    """Return the normal log-density, but for the constant that a ratio cancels."""
    return -0.5 * ((phi - mean) / spread) ** 2 - np.log(spread)


def _refuse_unusable(phi: Float[np.ndarray, "runs samples"]) -> None:
    broken = np.argwhere(~np.isfinite(phi))
    if broken.size:
        raise DataError(
            "E056",
            f"phi must be finite, {len(broken)} of {phi.size} values are NaN or infinite",
            where=f"run {broken[0][0]}, sample {broken[0][1]}",
            fix="Compute phi with pryproof.attacks.signals.",
        )


def _refuse_unmeasured(scores: Float[np.ndarray, "runs samples"], needed: str) -> None:
    unmeasured = np.flatnonzero(np.isnan(scores).all(axis=1))
    if unmeasured.size:
        raise DataError(
            "E056",
            f"every run must have a sample with {needed}",
            where=f"run {unmeasured[0]}",
            fix="Add shadow runs, or give runs that do not share a training set different groups.",
        )
