"""All that is said of one attack: a number with its interval for everything, or why there is none.

Scores and membership are ``[targets, samples]``: each target run has its own members among the same
samples. With one target, intervals are about the samples drawn; with several, about the targets
too, and values are means over them. Nothing here raises on data that have too little in them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.checks import DataError
from pryproof.evaluation.crossed import advantage_of, auc_of, balanced_accuracy_of, rate_of
from pryproof.evaluation.epsilon import bounds
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.low_fpr import TprAtFpr, tpr_of
from pryproof.evaluation.per_sample import AT_LEAST, exposure, per_sample_tpr, quantiles
from pryproof.evaluation.permutation import Refit, best_cut, oracle
from pryproof.evaluation.precision import PRIORS, precision_of
from pryproof.evaluation.roc import Steps, steps
from pryproof.evaluation.scored import Scored, scored
from pryproof.records import Estimate

Table = Float[np.ndarray, "targets samples"]
Mask = Bool[np.ndarray, "targets samples"]
Quantiles = dict[str, Estimate]  # over samples: "50", "90", "99", "max"

FPRS = (0.001, 0.0001, 0.01)
DELTA = 1e-5


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one attack found of the targets.

    ``members`` and ``nonmembers`` count (target, sample) pairs with a score, ``left_out`` those
    without one, ``one_sided`` the targets left out for want of members or of non-members.
    ``balanced_accuracy``, ``advantage`` (TPR - FPR), ``tpr``, ``fpr`` and ``precision`` (by prior)
    are of the decisions given. ``oracle`` is the balanced accuracy of cuts fitted on the judged
    samples themselves, ``oracle_chance`` what it reads when nothing leaks. ``per_sample_tpr`` (by
    FPR) and ``exposure`` (the AUC of single samples) are quantiles over samples. ``epsilon`` holds
    lower bounds by name, with an infinite upper end.
    """

    targets: int
    samples: int
    members: int
    nonmembers: int
    left_out: int
    one_sided: int
    auc: Estimate
    balanced_accuracy: Estimate
    advantage: Estimate
    tpr: Estimate
    fpr: Estimate
    precision: dict[float, Estimate]
    tpr_at_fpr: dict[float, TprAtFpr]
    oracle: Estimate
    oracle_chance: Estimate
    per_sample_tpr: dict[float, Quantiles]
    exposure: Quantiles
    epsilon: dict[str, Estimate]


def judge(
    scores: Table,
    member: Bool[np.ndarray, "..."],
    *,
    decisions: Bool[np.ndarray, "..."] | None = None,
    labels: Int64[np.ndarray, "..."] | None = None,
    refit: Refit = best_cut,
    fprs: tuple[float, ...] = FPRS,
    delta: float = DELTA,
    seed: int,
    confidence: float = 0.95,
) -> Judged:
    """Judge an attack by its scores, higher = more likely a member; NaN = not measured.

    ``decisions`` say whom the attack calls a member, by cuts fitted elsewhere. ``refit`` fits on
    the judged samples themselves, for the oracle; ``labels`` are the classes it may use. ``seed``
    fixes what is drawn.

    >>> rng = np.random.default_rng(0)
    >>> member = np.arange(2000)[None] < 1000
    >>> table = rng.normal(size=(1, 2000)) + 1.0 * member
    >>> found = judge(table, member, decisions=table > 0.5, seed=0)
    >>> str(found.auc), str(found.balanced_accuracy)
    ('0.751 [0.729, 0.771]', '0.681 [0.660, 0.701]')
    >>> found.tpr_at_fpr[0.01].warning, str(found.tpr_at_fpr[0.0001].estimate)[:15]
    ('', 'not estimable (')
    """
    judged = scored(scores, member)
    _refuse_other_shapes(scores, decisions, labels)
    called = None if decisions is None else decisions[judged.targets]
    rates = _rates(judged, called, confidence)
    best, chance = oracle(judged, labels, refit=refit, seed=seed, confidence=confidence)
    return Judged(
        targets=len(judged),
        samples=int((judged.inside | judged.outside).any(axis=0).sum()),
        members=sum(each.members for each in judged.counts),
        nonmembers=sum(each.nonmembers for each in judged.counts),
        left_out=judged.left_out,
        one_sided=len(scores) - len(judged),
        **rates,
        precision={
            prior: precision_of(rates["tpr"], rates["fpr"], prior=prior) for prior in PRIORS
        },
        tpr_at_fpr={
            fpr: tpr_of(judged, fpr=fpr, seed=seed, confidence=confidence, priors=PRIORS)
            for fpr in fprs
        },
        oracle=best,
        oracle_chance=chance,
        per_sample_tpr={fpr: _found_by_sample(judged, fpr, confidence) for fpr in fprs},
        exposure=_exposed(judged, confidence),
        epsilon=_epsilon(judged, delta, confidence),
    )


def _rates(judged: Scored, called: Mask | None, confidence: float) -> dict[str, Estimate]:
    """Return AUC, balanced accuracy, advantage, TPR and FPR."""
    names = ("balanced_accuracy", "advantage", "tpr", "fpr")
    if not len(judged):
        return dict.fromkeys(("auc", *names), _missing(judged, confidence))
    inside, outside = judged.inside, judged.outside
    area = auc_of(judged.scores, inside, outside, confidence=confidence)
    if called is None:
        why = "no decisions: no cut was fitted"
        none = not_estimable(why, n=area.n, runs=area.runs, confidence=confidence)
        return {"auc": area, **dict.fromkeys(names, none)}
    balanced = balanced_accuracy_of(called, inside, outside, confidence=confidence)
    return {
        "auc": area,
        "balanced_accuracy": balanced,
        "advantage": advantage_of(balanced),
        "tpr": rate_of(called, inside, confidence=confidence),
        "fpr": rate_of(called, outside, confidence=confidence),
    }


def _found_by_sample(judged: Scored, fpr: float, confidence: float) -> Quantiles:
    if len(judged) < AT_LEAST:
        return _too_few_targets(judged, confidence)
    return per_sample_tpr(judged, fpr=fpr, confidence=confidence).quantiles


def _exposed(judged: Scored, confidence: float) -> Quantiles:
    if len(judged) < 2 * AT_LEAST:
        return _too_few_targets(judged, confidence)
    return exposure(judged, confidence=confidence).quantiles


def _too_few_targets(judged: Scored, confidence: float) -> Quantiles:
    none = np.zeros(0)
    return quantiles(
        none,
        lambda _: (none, none),
        runs=len(judged),
        confidence=confidence,
        at_least=AT_LEAST,
    )


def _epsilon(judged: Scored, delta: float, confidence: float) -> dict[str, Estimate]:
    if not len(judged):
        return dict.fromkeys(("clopper_pearson", "one_run", "gdp"), _missing(judged, confidence))
    return bounds(_pooled(judged), runs=len(judged), delta=delta, confidence=confidence)


def _pooled(judged: Scored) -> Steps:
    """Return the counts of all targets' scores ranked together."""
    if len(judged) == 1:
        return judged.counts[0]
    return steps(judged.scores[judged.inside], judged.scores[judged.outside])


def _missing(judged: Scored, confidence: float) -> Estimate:
    why = "no target has both a member and a non-member with a score"
    return not_estimable(why, n=judged.scores.size, confidence=confidence)


def _refuse_other_shapes(
    scores: Table,
    decisions: Bool[np.ndarray, "..."] | None,
    labels: Int64[np.ndarray, "..."] | None,
) -> None:
    if decisions is not None and decisions.shape != scores.shape:
        raise DataError(
            "E028",
            f"decisions must have the scores' shape {list(scores.shape)}, "
            f"got {list(decisions.shape)}",
            fix="Give both as [targets, samples].",
        )
    if labels is not None and labels.shape != scores.shape[1:]:
        raise DataError(
            "E028",
            f"labels must be [{scores.shape[1]}], one a sample, got {list(labels.shape)}",
            fix="Give the class of every sample, in the order of the scores' columns.",
        )
