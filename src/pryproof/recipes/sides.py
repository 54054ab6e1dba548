"""Two rows judged on the same members and non-members: by how much an attack finds more on one.

Every table is ``[runs, samples]``. What is hard in both rows cancels, sample by sample; runs are
not paired. A variance adds what other members, other non-members, and other runs of either row
would change. Nobody's cut here was fitted on the members it judges.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pryproof import seeds
from pryproof.evaluation.arms import estimate_from, left_out, variance_over_samples
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import placements, tpr_at_fpr
from pryproof.records import Estimate

DRAWS = 200  # of a bootstrap: a variance within a tenth
ONE_RUN = "needs two runs: one chooses, the other judges"

Part = tuple[float, int]  # a variance, its degrees of freedom


class Sides(NamedTuple):
    """Scores or decisions of one row: of members, and of images that no run was trained on.

    Higher = more likely a member; a decision is 1 for a member and 0 for another.
    """

    members: Float[np.ndarray, "runs members"]
    others: Float[np.ndarray, "runs others"]

    def aucs(self) -> Float[np.ndarray, " runs"]:
        """Return each run's AUC; 0.5 = the attack learns nothing."""
        return self.placed().members.mean(axis=1)

    def placed(self) -> "Sides":
        """Return the share of the other side that each sample outscores."""
        pairs = list(zip(self.members, self.others, strict=True))
        return Sides(
            np.stack([placements(inside, outside) for inside, outside in pairs]),
            np.stack([placements(outside, inside) for inside, outside in pairs]),
        )

    def tprs(self, fpr: float) -> Float[np.ndarray, " runs"]:
        """Return each run's true positive rate, its own cut at ``fpr`` set by the others."""
        pairs = zip(self.members, self.others, strict=True)
        return np.array([tpr_at_fpr(inside, outside, fpr).tpr for inside, outside in pairs])

    def found(self, fpr: float) -> Bool[np.ndarray, "runs members"]:
        """Say which members reach their run's cut at ``fpr``."""
        pairs = zip(self.members, self.others, strict=True)
        return np.stack(
            [
                inside >= tpr_at_fpr(inside, outside, fpr).threshold
                if len(outside) * fpr >= 1
                else np.zeros(len(inside), bool)
                for inside, outside in pairs
            ]
        )


def balanced_change(first: Sides, second: Sides) -> Estimate:
    """Estimate by how much the balanced accuracy of decisions is higher on the second row.

    >>> none, all_found = np.zeros((1, 9)), np.ones((1, 9))
    >>> balanced_change(Sides(none, none), Sides(all_found, none)).value
    0.5
    """
    halves = [Sides(each.members / 2, -each.others / 2) for each in (first, second)]
    values = [each.members.mean(axis=1) + each.others.mean(axis=1) for each in halves]
    return _change(values, _over_samples(*halves), _count(first))


def of_one_row(first: Sides, second: Sides) -> Estimate:
    """Estimate the same change between two attacks on the very same runs, which are paired."""
    paired = Sides(second.members - first.members, second.others - first.others)
    nothing = Sides(np.zeros_like(paired.members[:1]), np.zeros_like(paired.others[:1]))
    return replace(balanced_change(nothing, paired), runs=len(paired.members))


def auc_change(first: Sides, second: Sides) -> Estimate:
    """Estimate by how much the AUC is higher on the second row; DeLong's variance over samples.

    >>> scores = np.array([[3.0, 4.0, 5.0]])
    >>> auc_change(Sides(scores, scores), Sides(scores + 9, scores)).value
    0.5
    """
    placed = [each.placed() for each in (first, second)]
    return _change([each.aucs() for each in (first, second)], _over_samples(*placed), _count(first))


def tpr_change(first: Sides, second: Sides, *, fpr: float, seed: int) -> Estimate:
    """Estimate by how much the true positive rate at ``fpr`` is higher on the second row.

    The variance over samples is that of draws of members and others with replacement, the same in
    both rows, cuts set anew on each.
    """
    if first.others.shape[1] * fpr < 1:
        members = first.members.shape[1]
        return not_estimable(f"needs {1 / fpr:.0f} non-members", n=members)
    draws = seeds.generator(seed, "bootstrap", "change of tpr")
    changes = []
    for _ in range(DRAWS):
        inside, outside = (draws.integers(side.shape[1], size=side.shape[1]) for side in first)
        rates = [
            Sides(each.members[:, inside], each.others[:, outside]).tprs(fpr).mean()
            for each in (first, second)
        ]
        changes.append(rates[1] - rates[0])
    parts = [(float(np.var(changes, ddof=1)), first.members.shape[1] - 1)]
    values = [each.tprs(fpr) for each in (first, second)]
    return _change(values, parts, first.members.shape[1])


def _over_samples(first: Sides, second: Sides) -> list[Part]:
    return [
        (variance_over_samples(other.mean(axis=0) - one.mean(axis=0)), one.shape[1] - 1)
        for one, other in zip(first, second, strict=True)
    ]


def _count(sides: Sides) -> int:
    return sides.members.shape[1] + sides.others.shape[1]


def _change(values: Sequence[Float[np.ndarray, " _"]], parts: list[Part], n: int) -> Estimate:
    runs = [
        (float(each.var(ddof=1)) / len(each), len(each) - 1) for each in values if len(each) > 1
    ]
    return estimate_from(
        np.array([values[1].mean() - values[0].mean()]),
        [*parts, *runs],
        runs=min(len(each) for each in values),
        confidence=0.95,
        n=n,
    )


def most_exposed(sides: Sides, *, share: float, fpr: float) -> Estimate:
    """Estimate how often the members that look most exposed in the other runs are found in one.

    The ``share`` with the highest mean score in all runs but one is judged in that one, so that
    nobody is called exposed by the run that says how much. A true positive rate at ``fpr``.
    """
    runs, members = sides.members.shape
    if runs < 2:
        return not_estimable(ONE_RUN, n=members)
    if sides.others.shape[1] * fpr < 1:
        return not_estimable(f"a TPR at {fpr:.1%} FPR needs {1 / fpr:.0f} non-members", n=members)
    count = max(2, round(share * members))
    hits = [
        own[np.argsort(-rest, kind="stable")[:count]].astype(np.float64)
        for own, rest in zip(sides.found(fpr), left_out(sides.members), strict=True)
    ]
    rates = np.array([each.mean() for each in hits])
    # the chosen overlap from run to run: one run's variance stands for that of the mean
    smoothed = (rates.mean() * count + 2) / (count + 4)
    parts = [(smoothed * (1 - smoothed) / count, count - 1), (float(rates.var(ddof=1)) / runs, 1)]
    found = estimate_from(rates, parts, runs=runs, confidence=0.95, n=count)
    return replace(
        found,
        low=max(found.low, 0.0),
        high=min(found.high, 1.0),
        method="chosen by the other runs; over samples and runs, Student's t",
    )
