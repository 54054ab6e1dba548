"""Online LiRA on canaries: every run judged by the runs of other halves, kind by kind.

Left out is the whole pair of the judged run's half: the half's own runs share its training set and
would hand over the answer, and in the pair's other half every canary is as it is not in the judged
one. What is left holds each canary as often as not, whoever is judged, so a score says nothing of
the judged run's own membership but by what the run says.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof import seeds
from pryproof.attacks.lira import lira_scores
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.pooled import pooled_auc, pooled_by_sample, pooled_tpr
from pryproof.evaluation.scored import Scored, scored
from pryproof.records import Estimate

FPRS = (0.001, 0.01, 0.05)
HEADLINE = 0.01
ALL = "all"  # every kind together

Table = Float[np.ndarray, "runs canaries"]
Halves = Bool[np.ndarray, "halves canaries"]
Half = Int64[np.ndarray, " runs"]


def lira_on_canaries(phi: Table, halves: Halves, half: Half) -> Table:
    """Score every canary in every run (nats, higher = more likely trained on): see the module.

    ``half`` is each run's; NaN = not measured, for want of other runs with or without the canary.
    """
    member, pair = halves[half], half // 2
    sides = [(member, pair), (~member, pair)]
    known = np.logical_and(*(_in_other_pairs(side, own) for side, own in sides))
    judged = np.flatnonzero(known.any(axis=1))
    scores = np.full(phi.shape, np.nan)
    if len(judged):
        scores[judged] = lira_scores(phi[:, None], member, pair, judged)
    return scores


def _in_other_pairs(
    side: Bool[np.ndarray, "runs canaries"], pair: Int64[np.ndarray, " runs"]
) -> Bool[np.ndarray, "runs canaries"]:
    return np.stack([side[pair != own].any(axis=0) for own in pair])


def judge_row(
    phi: Table, halves: Halves, half: Half, kinds: Mapping[str, slice], *, confidence: float = 0.95
) -> tuple[dict[str, Any], Table]:
    """Return what LiRA finds, by kind and of all canaries, and its scores.

    Of each: the AUC, true positive rates by false positive rate over all pairs of canary and run,
    and over canaries the quantiles of the share of runs with it that find it (at ``HEADLINE``).
    ``strongest`` is the kind found most at ``HEADLINE``.
    """
    scores, member = lira_on_canaries(phi, halves, half), halves[half]
    every = {**kinds, ALL: slice(0, phi.shape[1])}
    own = {name: scored(scores[:, part], member[:, part]) for name, part in every.items()}
    found = {name: _of_kind(each, half, confidence) for name, each in own.items()}
    kind, leak = strongest({name: own[name] for name in kinds}, half, confidence=confidence)
    worst = {"kind": kind, "tpr": asdict(leak)}
    return {"kinds": found, "strongest": worst}, scores


def _of_kind(judged: Scored, half: Half, confidence: float) -> dict[str, Any]:
    by_canary = pooled_by_sample(judged, half, fpr=HEADLINE, confidence=confidence)
    return {
        "canaries": judged.scores.shape[1],
        "auc": asdict(pooled_auc(judged, half, confidence=confidence)),
        "tpr": {
            str(fpr): asdict(pooled_tpr(judged, half, fpr=fpr, confidence=confidence))
            for fpr in FPRS
        },
        "by_canary": {name: asdict(each) for name, each in by_canary.items()},
    }


def strongest(
    kinds: Mapping[str, Scored], half: Half, *, fpr: float = HEADLINE, confidence: float = 0.95
) -> tuple[str | None, Estimate]:
    """Return the kind with the largest true positive rate, and an interval of the largest rate.

    Chosen and judged on the same canaries, so every kind's interval is at a confidence corrected
    for their number: together they hold, and the largest rate lies between the largest ends.
    """
    level = 1 - (1 - confidence) / len(kinds)
    found = {
        name: pooled_tpr(judged, half, fpr=fpr, confidence=level) for name, judged in kinds.items()
    }
    known = {name: each for name, each in found.items() if not np.isnan(each.value)}
    if not known:
        first = next(iter(found.values()))
        return None, replace(first, confidence=confidence)
    kind = max(known, key=lambda name: known[name].value)
    return kind, replace(
        known[kind],
        low=max(each.low for each in known.values()),
        high=max(each.high for each in known.values()),
        confidence=confidence,
        method=f"largest of {len(known)} kinds, each at {level:.2%}",
    )


def dealt_anew(halves: Halves, *, seed: int) -> Halves:
    """Return other halves of the same design, for a null: a coin in each pair for each canary."""
    draws = seeds.generator(seed, "canaries", "null")
    swapped = np.repeat(draws.random((len(halves) // 2, halves.shape[1])) < 0.5, 2, axis=0)
    return halves ^ swapped


def null_auc(phi: Table, halves: Halves, half: Half, *, seed: int, confidence: float) -> Estimate:
    """Estimate the AUC where membership was dealt anew, so that there is nothing to find."""
    dealt = dealt_anew(halves, seed=seed)
    judged = scored(lira_on_canaries(phi, dealt, half), dealt[half])
    if not len(judged):
        return not_estimable("no run can be judged", n=phi.shape[1], confidence=confidence)
    return pooled_auc(judged, half, confidence=confidence)
