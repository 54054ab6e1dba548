"""LiRA as aidotse/LeakPro has it: attacks/mia_attacks/lira.py.

What its names would not suggest, and is kept: "fixed" takes every sample's own spread; "carlini"
does so too from 64 shadows on, and below takes the one spread of all scores of a side about their
one mean, differences between samples included; "individual_carlini" decides between the two for
every sample and side, at 32 shadows. 1e-30 is added to every spread. All is computed in the float
type of the logits. LeakPro refuses to go on at a sample without shadows on a side that it needs:
here its score is NaN. The RMIA of the same program is in ``leakpro_rmia``.
"""

from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.dialects import SMALL, each_target, label_and_rest, softmax, statistic
from pryproof.attacks.normal import log_cdf, log_density
from pryproof.attacks.side_fits import Fit, Shadows, fits
from pryproof.checks import DataError
from pryproof.records import Evidence

Variance = Literal["carlini", "individual_carlini", "fixed"]

MANY = 32  # shadows of a side, from which on a sample's own spread is trusted
ADDED = 1e-30  # to a spread of 0


def leakpro_lira(
    values: Float[np.ndarray, "runs samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
    *,
    online: bool,
    variance: Variance,
) -> Float[np.ndarray, "targets samples"]:
    """Score log-densities in / out, or offline log P[OUT <= statistic] (nats), higher = member.

    >>> values = np.array([[3.5], [3.0], [4.0], [5.0], [1.0], [3.0], [-1.0]])
    >>> member = np.array([[1], [1], [1], [1], [0], [0], [0]]) > 0
    >>> own = np.array([0])
    >>> leakpro_lira(values, member, np.arange(7), own, online=True, variance="fixed").round(6)
    array([[1.677522]])
    >>> leakpro_lira(values, member, np.arange(7), own, online=False, variance="fixed").round(6)
    array([[-0.064958]])
    """

    def score(
        said: Float[np.ndarray, "queries samples"], others: Int64[np.ndarray, " others"]
    ) -> Float[np.ndarray, " samples"]:
        shadows = Shadows(
            values=values[:, None], member=member, runs=others, centre="mean", pooled="values"
        )
        density = {}
        for side, fit in fits(shadows, (False, True) if online else (False,)).items():
            pooled = fit.pooled
            if values.dtype != np.float64:  # the order in which LeakPro adds up shows
                pooled = np.full_like(pooled, np.std(values[others][member[others] == side]))
            spread = _spread(fit, pooled, len(others), variance) + ADDED
            if online:
                density[side] = log_density(said, fit.centre, spread)
            else:
                density[side] = log_cdf((said - fit.centre) / spread)
        return (density[True] - density[False])[0] if online else density[False][0]

    return each_target(values[:, None], group, targets, score)


def in_own_type(
    logits: Float[np.ndarray, "samples classes"], labels: Int64[np.ndarray, " samples"]
) -> Float[np.ndarray, " samples"]:
    """Return log(p + 1e-45) - log(rest + 1e-45) in the logits' float type.

    >>> in_own_type(np.array([[0.0, 200.0]], np.float32), np.array([0]))
    array([-103.27893], dtype=float32)
    """
    own, rest = label_and_rest(softmax(logits), labels)
    return np.log(own + SMALL) - np.log(rest + SMALL)


def _spread(
    fit: Fit, pooled: Float[np.ndarray, "1 1"], shadows: int, variance: Variance
) -> Float[np.ndarray, "..."]:
    if variance == "individual_carlini":
        return np.where(fit.count >= MANY, fit.spread, pooled)
    if variance == "fixed" or shadows >= 2 * MANY:
        return fit.spread
    return pooled


def _attack(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - samples apart tell nothing of these
    options: Options,  # noqa: ARG001 - there are none
    online: bool,
    variance: Variance,
) -> Float[np.ndarray, "targets samples"]:
    values = statistic(evidence, attack="lira@leakpro", of={"logits": in_own_type})
    if values.shape[1] != 1:
        raise DataError(
            "E028",
            f"LeakPro's LiRA takes one query a sample, got {values.shape[1]}",
            fix="Give the outputs of one query, or take lira@carlini_2022/online.",
        )
    return leakpro_lira(
        values[:, 0], evidence.member, evidence.group, targets, online=online, variance=variance
    )


_SCORES = {
    "online": "log-density of IN less that of OUT; ",
    "offline": "log P[OUT <= statistic], one-sided; ",
}
_DIFFERS: dict[Variance, str] = {
    "carlini": "below 64 shadows one spread a side, of all its scores about their one mean, "
    "differences between samples included; from 64 on each sample's own",
    "individual_carlini": "each sample's own spread on a side of 32 shadows or more, else the one "
    "spread of all the side's scores about their one mean",
    "fixed": "for all its name, each sample's own spread",
}

TABLE: dict[str, Attack] = {
    f"lira@leakpro/{side}_{variance}": Attack(
        score=partial(_attack, online=side == "online", variance=variance),
        source="aidotse/LeakPro, attacks/mia_attacks/lira.py",
        differs=f"{score}{differs}; one query, computed in the float type of the logits",
    )
    for side, score in _SCORES.items()
    for variance, differs in _DIFFERS.items()
}
