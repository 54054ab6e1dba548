"""RMIA (Zarifzadeh, Liu and Shokri 2024): how many strangers a sample outdoes (methods 3.3).

    ratio(x) = p(x | target) / p(x)
    score(x) = share of the strangers z with ratio(x) / ratio(z) >= gamma

with p the softmax probability of the label. Online, p(x) is (mean over IN runs + mean over OUT
runs) / 2; offline it is ((1 + a) mean over OUT runs + 1 - a) / 2; for z likewise, whose runs are
all OUT. One mean over IN and OUT runs together would tell the membership by the design alone: where
each sample is in half of all runs, a target's members have one IN run fewer among the others.
Reference runs are the runs of other groups than the target's, so a run's own membership cannot
enter its scores. Ratios are kept as logarithms; a sort and a search replace the table of pairs.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.leave_out import log_mean_of_others, means_of_others
from pryproof.attacks.needed import (
    mean_over_queries,
    measured,
    number,
    option,
    others,
    outsiders,
    same_query,
)
from pryproof.attacks.probability import log_probability
from pryproof.attacks.search import NOT_MEASURED, count_reached
from pryproof.checks import DataError
from pryproof.records import Evidence

GRID = np.arange(11) / 10  # offline_a to choose from
TINY = 1e-290  # below it a mean of probabilities has lost digits, and is taken anew in log space
TOGETHER = 16  # targets whose tuning is prepared together: bounds the memory

Samples = Float[np.ndarray, " samples"]
Matrix = Float[np.ndarray, "runs samples"]
Strangers = Float[np.ndarray, "runs strangers"]
Member = Bool[np.ndarray, "runs samples"]
Groups = Int64[np.ndarray, " runs"]
Targets = Int64[np.ndarray, " targets"]
Scores = Float[np.ndarray, "targets samples"]


def rmia(
    logp: Matrix,
    member: Member,
    group: Groups,
    targets: Targets,
    *,
    population: Strangers | None,
    gamma: float = 1.0,
) -> Scores:
    """Score the share of strangers that a sample's likelihood ratio reaches ``gamma``-fold.

    ``logp`` is log p of the label (nats), ``population`` the same of samples no run trained on;
    without one the other samples are the strangers. Unit: share in [0, 1]. Higher = more likely a
    member. Pairs whose ratios are both 0 or both infinite have no ratio and are left out; NaN =
    not measured: the sample's own ratio is 0 / 0, or no stranger has one. A sample without an IN
    (or OUT) run has the mean of the other side.

    >>> p = np.array([[0.8], [0.2], [0.3], [0.1], [0.9], [0.7], [0.8]])
    >>> member = np.array([[True]] + [[False]] * 3 + [[True]] * 3)
    >>> z = np.array([[0.5, 0.1, 0.6, 0.2]] + [[0.5, 0.3, 0.2, 0.2]] * 6)
    >>> rmia(np.log(p), member, np.arange(7), np.array([0]), population=np.log(z), gamma=2.0)
    array([[0.25]])
    """
    everyone = np.ones((len(logp), 1), dtype=np.bool_)
    here = _Part(logp=logp, sides=(member, ~member), group=group)
    there = here if population is None else _Part(logp=population, sides=(everyone,), group=group)
    # with a = 1 the offline formula is the mean itself
    return _scores(here, there, targets, a=np.ones(len(targets)), gamma=gamma)


def rmia_offline(
    logp: Matrix,
    member: Member,
    group: Groups,
    targets: Targets,
    *,
    population: Strangers | None,
    gamma: float = 1.0,
    offline_a: float | None = None,
) -> Scores:
    """Score as ``rmia`` does, with p(x) from the runs trained without x.

    ``offline_a`` (a, in [0, 1]) says how far IN probabilities lie above OUT ones. None = tuned
    for each target on one reference run (``tuned_offline_a``). NaN also where there is no OUT run.

    >>> p = np.array([[0.8], [0.2], [0.3], [0.1]])
    >>> z = np.array([[0.5, 0.1, 0.6, 0.2]] + [[0.5, 0.3, 0.2, 0.2]] * 3)
    >>> rmia_offline(
    ...     np.log(p), np.zeros((4, 1), bool), np.arange(4), np.array([0]),
    ...     population=np.log(z), gamma=2.0, offline_a=0.3,
    ... )
    array([[0.75]])
    """
    if offline_a is None:
        a = tuned_offline_a(logp, member, group, targets, population=population, gamma=gamma)
    else:
        a = np.full(len(targets), offline_a)
    everyone = np.ones((len(logp), 1), dtype=np.bool_)
    here = _Part(logp=logp, sides=(~member,), group=group)
    there = here if population is None else _Part(logp=population, sides=(everyone,), group=group)
    return _scores(here, there, targets, a=a, gamma=gamma)


def tuned_offline_a(
    logp: Matrix,
    member: Member,
    group: Groups,
    targets: Targets,
    *,
    population: Strangers | None,
    gamma: float = 1.0,
) -> Float[np.ndarray, " targets"]:
    """Choose offline_a for each target from 0, 0.1 ... 1, by attacking one reference run.

    That run is the one whose mean log p is the median of the reference runs' (which does not
    depend on their order). Its references are the runs of neither its group nor the target's. The
    a of the largest AUC wins; equal counts give equal AUCs, and among them the smallest a wins.

    >>> p = np.array([[0.9, 0.2], [0.8, 0.3], [0.5, 0.4], [0.6, 0.3]])
    >>> member = np.array([[True, False], [True, False], [False, True], [False, True]])
    >>> tuned_offline_a(np.log(p), member, np.arange(4), np.array([0]), population=None)
    array([0.1])
    """
    typical = np.argsort(logp.mean(axis=1), kind="stable")
    tuning = np.array([_tuning_run(typical, member, group, target) for target in targets.tolist()])
    found = np.empty(len(targets))
    for run in np.unique(tuning):
        apart = (group != group[run])[:, None]
        here = _Part(logp=logp, sides=(~member & apart,), group=group)
        there = here if population is None else _Part(logp=population, sides=(apart,), group=group)
        places = np.flatnonzero(tuning == run)
        for some in np.array_split(places, -(-len(places) // TOGETHER)):
            means, theirs = _means(here, there, targets[some])
            for row, place in enumerate(some):
                duel = _Duel(here=here, there=there, run=int(run), target=int(targets[place]))
                aucs = [
                    _auc(*_reached(duel, means[row], theirs[row], a=a, gamma=gamma), member[run])
                    for a in GRID
                ]
                found[place] = GRID[np.argmax(aucs)]
    return found


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What runs say about samples, and which runs may be asked about which of them.

    ``sides`` are one mask of runs, or those with a sample and those without: p is the mean of the
    sides' means.
    """

    logp: Matrix
    sides: tuple[Bool[np.ndarray, "runs chosen"], ...]
    group: Groups


@dataclass(frozen=True, kw_only=True)
class _Duel:
    """Samples against strangers (the same object = each other) under a run.

    ``target`` is the run whose group is no reference: the run itself, but when offline_a is tuned.
    """

    here: _Part
    there: _Part
    run: int
    target: int


def _means(
    here: _Part, there: _Part, targets: Targets
) -> tuple[Scores, Float[np.ndarray, "targets strangers"]]:
    means = _mean(here, targets)
    return means, means if there is here else _mean(there, targets)


def _mean(part: _Part, targets: Targets) -> Scores:
    """Return the mean over the sides that have a run."""
    tables = [means_of_others(part.logp, side, part.group, targets) for side in part.sides]
    if len(tables) == 1:
        return tables[0]
    inside, outside = tables
    mean = (inside + outside) / 2
    np.copyto(mean, outside, where=np.isnan(inside))
    np.copyto(mean, inside, where=np.isnan(outside))
    return mean


def _log_mean(part: _Part, lost: Int64[np.ndarray, " lost"], target: int) -> Samples:
    """Return the logarithm of ``_mean`` for a few samples, without leaving log space."""
    others_ = part.group != part.group[target]
    sides = [np.broadcast_to(side, part.logp.shape)[:, lost] for side in part.sides]
    tables = [log_mean_of_others(part.logp[:, lost], side, others_) for side in sides]
    there = ~np.isnan(tables)
    total = np.logaddexp.reduce(np.where(there, tables, -np.inf), axis=0)
    with np.errstate(divide="ignore"):  # no side has a run: not a number
        return np.where(there.any(axis=0), total - np.log(there.sum(axis=0)), np.nan)


def _scores(
    here: _Part,
    there: _Part,
    targets: Targets,
    *,
    a: Float[np.ndarray, " targets"],
    gamma: float,
) -> Scores:
    scores, theirs = _means(here, there, targets)
    for row, target in enumerate(targets):
        duel = _Duel(here=here, there=there, run=int(target), target=int(target))
        counts, among = _reached(duel, scores[row], theirs[row], a=float(a[row]), gamma=gamma)
        scores[row] = np.where(counts == NOT_MEASURED, np.nan, counts / max(among, 1))
    return scores


def _reached(
    duel: _Duel,
    mean: Samples,
    their_mean: Float[np.ndarray, " strangers"],
    *,
    a: float,
    gamma: float,
) -> tuple[Int64[np.ndarray, " samples"], int]:
    ratios = _log_ratios(duel.here, mean, duel, a)
    alone = duel.there is duel.here
    strangers = None if alone else _log_ratios(duel.there, their_mean, duel, a)
    return count_reached(ratios, strangers, float(np.log(gamma)))


def _log_ratios(part: _Part, mean: Samples, duel: _Duel, a: float) -> Samples:
    """Return log p(x | run) - log p(x), with p(x) from the mean over the references."""
    p = ((1 + a) * mean + (1 - a)) / 2
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    lost = np.flatnonzero(p < TINY)
    if lost.size:
        log_mean = _log_mean(part, lost, duel.target)
        with np.errstate(divide="ignore"):
            log_p[lost] = np.logaddexp(log_mean + np.log1p(a), np.log1p(-a)) - np.log(2)
    with np.errstate(invalid="ignore"):  # 0 / 0 has no logarithm
        return part.logp[duel.run] - log_p


def _tuning_run(typical: Groups, member: Member, group: Groups, target: int) -> int:
    """Return the median of the runs that can be attacked without the target's group."""
    able = [
        run
        for run in typical
        if group[run] != group[target]
        and 0 < np.count_nonzero(member[run]) < member.shape[1]
        and np.any((group != group[run]) & (group != group[target]))
    ]
    if not able:
        raise DataError(
            "E056",
            "tuning offline_a needs a reference run with members and non-members, "
            "and runs of a third group to attack it with, got none",
            where=f"run {target}",
            fix="Add runs, or set offline_a; the authors use 0.3 for CIFAR-10 and 0.6 for "
            "CIFAR-100.",
        )
    return int(able[(len(able) - 1) // 2])


def _auc(
    counts: Int64[np.ndarray, " samples"], among: int, member: Bool[np.ndarray, " samples"]
) -> float:
    """Return the chance that a member's count exceeds a non-member's, ties counting one half."""
    measured_ = counts != NOT_MEASURED
    inside = np.bincount(counts[member & measured_], minlength=among + 1)
    outside = np.bincount(counts[~member & measured_], minlength=among + 1)
    pairs = inside.sum() * outside.sum()
    below = np.cumsum(outside) - outside
    # whole numbers, so that equal counts give equal areas
    return float(np.sum(inside * (2 * below + outside)) / (2 * pairs)) if pairs else 0.0


def _each_query(
    evidence: Evidence,
    reference: Evidence | None,
    options: Options,
    *,
    name: str,
) -> list[tuple[Matrix, Strangers | None]]:
    """Return log p of the samples and of the strangers, query by query."""
    temperature = number(options, "temperature", least=0.0, above=True)
    logp = log_probability(evidence, temperature=temperature, attack=name)
    outside = outsiders(evidence, reference)
    if outside is None:
        return [(logp[:, query], None) for query in range(logp.shape[1])]
    theirs = log_probability(outside, temperature=temperature, attack=name)
    queries = logp.shape[1]
    return [(logp[:, query], same_query(theirs, query, queries)) for query in range(queries)]


def _score_online(
    evidence: Evidence, targets: Targets, *, reference: Evidence | None, options: Options
) -> Scores:
    others(evidence, targets, attack="rmia")
    gamma = number(options, "gamma", least=0.0, above=True)
    parts = _each_query(evidence, reference, options, name="rmia")
    scores = [
        rmia(logp, evidence.member, evidence.group, targets, population=population, gamma=gamma)
        for logp, population in parts
    ]
    return measured(mean_over_queries(scores), targets, needs="a stranger, and p above 0")


def _score_offline(
    evidence: Evidence, targets: Targets, *, reference: Evidence | None, options: Options
) -> Scores:
    others(evidence, targets, attack="rmia/offline")
    gamma = number(options, "gamma", least=0.0, above=True)
    offline_a = option(options, "offline_a", least=0.0, most=1.0)
    parts = _each_query(evidence, reference, options, name="rmia/offline")
    scores = [
        rmia_offline(
            logp,
            evidence.member,
            evidence.group,
            targets,
            population=population,
            gamma=gamma,
            offline_a=offline_a,
        )
        for logp, population in parts
    ]
    return measured(mean_over_queries(scores), targets, needs="a run of another group without it")


_SOURCE = "Zarifzadeh, Liu and Shokri 2024 (RMIA)"
_OPTIONS = {"gamma": 1.0, "temperature": 1.0}

TABLE: dict[str, Attack] = {
    "rmia": Attack(
        score=_score_online,
        source=_SOURCE,
        differs="online: IN and OUT runs weigh the same; offline_a has no say; counts in log "
        "space; several queries: mean of their scores; without a population the other samples are "
        "the strangers",
        options={**_OPTIONS, "offline_a": None},
    ),
    "rmia/offline": Attack(
        score=_score_offline,
        source=_SOURCE,
        differs="as rmia, from OUT runs; offline_a tuned on the median reference run, "
        "never on the target",
        options={**_OPTIONS, "offline_a": None},
    ),
}
