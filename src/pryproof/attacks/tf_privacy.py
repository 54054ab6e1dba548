"""LiRA and its offset as TensorFlow Privacy has them: advanced_mia.py.

What a reader of the paper would not expect, and is kept: a sample without shadows on a side has the
mean of all samples' centres, and of their spreads, in place of its own; a single shadow has spread
0, to which 1e-30 is added; per-sample spreads are about the mean even where the centre is the
median; the fixed spread is that of the residuals about the centres. With one side only, the score
is the log-density of IN, or minus that of OUT: also a value far off on the wrong side of it counts
as a non-member's, or as a member's.
"""

from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.dialects import (
    SMALL,
    each_target,
    label_and_rest,
    odds,
    over_queries,
    statistic,
)
from pryproof.attacks.normal import log_density
from pryproof.attacks.side_fits import Centre, Fit, Shadows, fits
from pryproof.records import Evidence

Option = Literal["both", "in", "out"]
Spread = Literal["per", "fixed"]

SIDES: dict[Option, tuple[bool, ...]] = {"both": (False, True), "in": (True,), "out": (False,)}
CENTRES: tuple[Centre, ...] = ("median", "mean")
ADDED = 1e-30  # to a spread of 0


def likelihood(
    values: Float[np.ndarray, "runs queries samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
    *,
    option: Option = "both",
    centre: Centre = "median",
    spread: Spread = "per",
) -> Float[np.ndarray, "targets samples"]:
    """Score log-densities (nats, higher = more likely a member): in - out, in, or -out.

    >>> values = np.array([[[3.5]], [[3.0]], [[4.0]], [[5.0]], [[1.0]], [[3.0]], [[-1.0]]])
    >>> member = np.array([[1], [1], [1], [1], [0], [0], [0]]) > 0
    >>> likelihood(values, member, np.arange(7), np.array([0])).round(6)
    array([[1.677522]])
    """

    def score(
        said: Float[np.ndarray, "queries samples"], others: Int64[np.ndarray, " others"]
    ) -> Float[np.ndarray, " samples"]:
        shadows = Shadows(
            values=values,
            member=member,
            runs=others,
            centre=centre,
            pooled="residuals" if spread == "fixed" else "no",
        )
        density = {
            side: log_density(said, _filled(fit.centre), _spread(fit, spread) + ADDED)
            for side, fit in fits(shadows, SIDES[option]).items()
        }
        if option == "both":
            return over_queries(density[True] - density[False])
        return over_queries(density[True] if option == "in" else -density[False])

    return each_target(values, group, targets, score)


def offset(
    values: Float[np.ndarray, "runs queries samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
    *,
    option: Option = "both",
    centre: Centre = "median",
) -> Float[np.ndarray, "targets samples"]:
    """Score how far the statistic lies above a centre, or above the middle of both (nats).

    >>> values = np.array([[[3.5]], [[3.0]], [[4.0]], [[5.0]], [[1.0]], [[3.0]], [[-1.0]]])
    >>> member = np.array([[1], [1], [1], [1], [0], [0], [0]]) > 0
    >>> offset(values, member, np.arange(7), np.array([0]))
    array([[1.]])
    """

    def score(
        said: Float[np.ndarray, "queries samples"], others: Int64[np.ndarray, " others"]
    ) -> Float[np.ndarray, " samples"]:
        shadows = Shadows(values=values, member=member, runs=others, centre=centre)
        found = fits(shadows, SIDES[option])
        middle = sum(_filled(fit.centre) for fit in found.values()) / len(found)
        return over_queries(said - middle)

    return each_target(values, group, targets, score)


def of_probabilities(
    probabilities: Float[np.ndarray, "samples classes"], labels: Int64[np.ndarray, " samples"]
) -> Float[np.ndarray, " samples"]:
    """Return log(p + 1e-45) - log(rest + 1e-45) in the probabilities' float type.

    >>> of_probabilities(np.array([[0.25, 0.5, 0.25]]), np.array([1]))
    array([0.])
    """
    own, rest = label_and_rest(probabilities, labels)
    return np.log(own + SMALL) - np.log(rest + SMALL)


def _spread(fit: Fit, spread: Spread) -> Float[np.ndarray, "..."]:
    return fit.pooled if spread == "fixed" else _filled(fit.spread)


def _filled(values: Float[np.ndarray, "queries samples"]) -> Float[np.ndarray, "queries samples"]:
    """Put each query's mean over the samples in place of NaN."""
    missing = np.isnan(values)
    if not missing.any() or missing.all():
        return values
    mean = np.nanmean(np.ascontiguousarray(values.T), axis=0)
    return np.where(missing, mean[:, None], values)


def _attack(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - samples apart tell nothing of these
    options: Options,  # noqa: ARG001 - there are none
    option: Option,
    centre: Centre,
    spread: Spread | None,
) -> Float[np.ndarray, "targets samples"]:
    values = statistic(
        evidence,
        attack="lira@tf_privacy" if spread else "offset@tf_privacy",
        of={"logits": odds, "probabilities": of_probabilities},
    )
    arrays = values, evidence.member, evidence.group, targets
    if spread is None:
        return offset(*arrays, option=option, centre=centre)
    return likelihood(*arrays, option=option, centre=centre, spread=spread)


_SCORES = {
    "both": "log-density of IN less that of OUT",
    "in": "log-density of IN alone: also a value far above is a non-member's",
    "out": "minus the log-density of OUT alone: also a value far below is a member's",
}
_OFFSETS = {"both": "the middle of the IN and the OUT", "in": "the IN", "out": "the OUT"}
_SPREADS: dict[Spread, str] = {
    "per": "spread each sample's own, about the mean",
    "fixed": "one spread a side, of all residuals about the centres",
}
_MISSING = "; a sample without shadows has the mean of all other samples' values"


def _table() -> dict[str, Attack]:
    found: dict[str, Attack] = {}
    for option in SIDES:
        for centre in CENTRES:
            for spread in _SPREADS:
                found[f"lira@tf_privacy/{option}_{centre}_{spread}"] = Attack(
                    score=partial(_attack, option=option, centre=centre, spread=spread),
                    source="tensorflow/privacy, membership_inference_attack, advanced_mia.py",
                    differs=f"{_SCORES[option]}; centre the {centre}; {_SPREADS[spread]}{_MISSING}",
                )
    for option in SIDES:
        for centre in CENTRES:
            found[f"offset@tf_privacy/{option}_{centre}"] = Attack(
                score=partial(_attack, option=option, centre=centre, spread=None),
                source="tensorflow/privacy, membership_inference_attack, advanced_mia.py",
                differs=f"the statistic less {_OFFSETS[option]} {centre}{_MISSING}",
            )
    return found


TABLE: dict[str, Attack] = _table()
