"""The quantile attack: one regression on non-members, no shadow models.

Bertran, Tang, Kearns, Morgenstern, Roth and Wu 2023: learn, from samples known not to be members,
how phi is distributed given what is public of a sample (its class, and features if there are any);
then ask how far out a sample's phi lies.

    score(x) = (phi(x) - q50(x)) / (q90(x) - q50(x))

with q50 and q90 the conditional median and 90% quantile: location and spread both depend on x.
Without features they are the quantiles of the class. With features q50 is a linear regression by
the pinball loss, and so is log(q90 - q50): a quantile passes through a logarithm, and q90 - q50 is
the 80% quantile of the residuals above 0. So the spread is positive and quantiles never cross.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.needed import measured
from pryproof.attacks.nonmembers import Public, nonmembers, public
from pryproof.attacks.pinball import pinball_regression
from pryproof.checks import DataError
from pryproof.records import Evidence

Samples = Float[np.ndarray, " samples"]
Strangers = Float[np.ndarray, " strangers"]

HIGH = 0.9
ABOVE_MEDIAN = (HIGH - 0.5) / 0.5  # the share of what lies above the median that q90 leaves below
FEWEST = 20  # non-members that a quantile is taken of: two of them lie above q90


def quantile_attack(judged: Public, fitted_on: Public) -> Samples:
    """Score by how many upper spreads phi exceeds its conditional median among non-members.

    Unit: distances from the median to the 90% quantile, so that one non-member in ten scores above
    1. Higher = more likely a member. A class of fewer than 20 known non-members is judged by the
    quantiles of all; where no spread is, the unit is nats. NaN = not measured: phi is NaN.

    >>> strangers = Public(phi=np.arange(101.0), labels=None, features=None)
    >>> samples = Public(phi=np.array([50.0, 130.0]), labels=None, features=None)
    >>> quantile_attack(samples, strangers)
    array([0., 2.])
    """
    phi = _usable(fitted_on.phi)
    labels, theirs = judged.labels, fitted_on.labels
    if labels is None or theirs is None:
        labels, theirs = np.zeros(len(judged.phi), np.int64), np.zeros(len(phi), np.int64)
    if judged.features is None or fitted_on.features is None:
        middle, spread = _by_class(phi, theirs, labels)
    else:
        design, of_judged = _designs(fitted_on.features, theirs, judged.features, labels)
        middle, spread = _by_regression(phi, design, of_judged)
    return (judged.phi - middle) / spread


def _usable(phi: Strangers) -> Strangers:
    """Bring infinite phi to the largest finite ones, which no quantile sees while they are few."""
    finite = np.isfinite(phi)
    if np.isnan(phi).any() or len(phi) < FEWEST or np.mean(~finite) > 1 - HIGH:
        raise DataError(
            "E056",
            f"quantile needs at least {FEWEST} known non-members, at most one in ten with infinite "
            f"phi, got {len(phi)}, and {np.count_nonzero(~finite)} without a finite one",
            fix="Give more non-members; logits, of which phi is always finite, in place of p.",
        )
    return np.clip(phi, phi[finite].min(), phi[finite].max())


def _by_class(
    phi: Strangers, theirs: Int64[np.ndarray, " strangers"], labels: Int64[np.ndarray, " samples"]
) -> tuple[Samples, Samples]:
    """Return the median of each sample's class, and the distance from there to q90."""
    quantiles = {}
    order = np.argsort(theirs, kind="stable")
    classes, starts = np.unique(theirs[order], return_index=True)
    for name, values in zip(classes.tolist(), np.split(phi[order], starts[1:]), strict=True):
        if len(values) >= FEWEST:
            quantiles[name] = np.quantile(values, [0.5, HIGH])
    of_all = np.quantile(phi, [0.5, HIGH])
    names, places = np.unique(labels, return_inverse=True)
    middle, high = np.array([quantiles.get(name, of_all) for name in names.tolist()])[places].T
    spread = high - middle
    instead = float(of_all[1] - of_all[0]) or 1.0
    return middle, np.where(spread > 0, spread, instead)


def _designs(
    features: Float[np.ndarray, "strangers width"],
    theirs: Int64[np.ndarray, " strangers"],
    judged: Float[np.ndarray, "samples their_width"],
    labels: Int64[np.ndarray, " samples"],
) -> tuple[Float[np.ndarray, "strangers columns"], Float[np.ndarray, "samples columns"]]:
    """Return a column per class and one for the rare ones together, then the features, scaled."""
    if features.shape[1] != judged.shape[1] or not (
        np.isfinite(features).all() and np.isfinite(judged).all()
    ):
        raise DataError(
            "E056",
            "features must be finite and as many for known non-members as for the judged samples, "
            f"got {features.shape[1]} and {judged.shape[1]}",
            where="array features",
            fix="Give the same features of all samples, or leave them out.",
        )
    classes, counts = np.unique(theirs, return_counts=True)
    own = classes[counts >= FEWEST]
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    designs = []
    for of_class, values in ((theirs, features), (labels, judged)):
        column = np.full(len(of_class), len(own))
        for place, name in enumerate(own):
            column[of_class == name] = place
        indicators = np.eye(len(own) + 1)[column]
        designs.append(np.column_stack([indicators, (values - centre) / scale]))
    return designs[0], designs[1]


def _by_regression(
    phi: Strangers,
    design: Float[np.ndarray, "strangers columns"],
    judged: Float[np.ndarray, "samples columns"],
) -> tuple[Samples, Samples]:
    """Regress the median, then the logarithm of the distance from there to q90.

    Spreads are kept within those of the fitted samples: an exponential must not extrapolate.
    """
    centre = float(np.median(phi))
    slopes = pinball_regression(design, phi - centre, 0.5)
    above = phi - centre - design @ slopes
    middle = centre + judged @ slopes
    upper = above > 0
    if np.count_nonzero(upper) < FEWEST / 2:
        return middle, np.ones(len(middle))
    log_above = np.log(above[upper])
    usual = float(np.quantile(log_above, ABOVE_MEDIAN))
    slopes = pinball_regression(design[upper], log_above - usual, ABOVE_MEDIAN)
    fitted = design[upper] @ slopes
    return middle, np.exp(usual + np.clip(judged @ slopes, fitted.min(), fitted.max()))


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,  # noqa: ARG001 - it has none
) -> Float[np.ndarray, "targets samples"]:
    scores = np.empty((len(targets), evidence.member.shape[1]))
    for row, target in enumerate(targets.tolist()):
        for judged, strangers in nonmembers(evidence, target, reference):
            scores[row, judged] = quantile_attack(public(evidence, target, judged), strangers)
    return measured(scores, targets, needs="a finite phi")


TABLE: dict[str, Attack] = {
    "quantile": Attack(
        score=_score,
        source="Bertran, Tang, Kearns, Morgenstern, Roth and Wu 2023",
        differs="linear in the features, in place of a network on the images; class quantiles "
        "where there are none",
    ),
}
