"""RMIA as Privacy Meter computes it (privacytrustlab/ml_privacy_meter, attacks.py), to the bit.

Its models come in pairs that share the data out: run 2k trained on what run 2k + 1 did not. What
sets it apart, beside that (the pair of the target is never a reference; the order of runs counts):

* p(x) rests on the largest ``references`` values among the first 2 ``references`` other runs, IN
  values set to 0. Where pairs do not share the data out, zeros or fewer OUT runs enter the mean.
* The same is done to the population, none of which any run saw: its mean is that of the largest
  half, so p(z) is too large.
* A stranger counts if ratio(x) / ratio(z) > 1, strictly, and 0 / 0 counts as not reached.
* offline_a is tuned on the target's pair with a single reference, over 0, 0.1 ... 1, and a later
  value wins only if its AUC is larger in floating point.
* All is in the float type of the probabilities. A tuned offline_a is a 64-bit NumPy number and
  lifts the ratios to float64 (NumPy 2), a given one does not.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.needed import mean_over_queries, option, required_outsiders, same_query
from pryproof.attacks.probability import probability
from pryproof.attacks.search import count_below
from pryproof.checks import ConfigurationError, DataError
from pryproof.records import Evidence

GRID = np.arange(0, 1.1, 0.1)  # its very numbers: the fourth is 0.30000000000000004
COLUMNS = 4096  # samples worked on at a time: bounds the memory
FEW = 12  # rows that are put in order faster by comparing whole rows

Matrix = Float[np.ndarray, "runs samples"]
Strangers = Float[np.ndarray, "runs strangers"]
Member = Bool[np.ndarray, "runs samples"]


def privacy_meter_rmia(
    p: Matrix,
    member: Member,
    target: int,
    *,
    population: Strangers,
    references: int,
    offline_a: float | None = None,
) -> Float[np.ndarray, " samples"]:
    """Score the share of the population that a sample's ratio exceeds. Higher = a likely member.

    ``p`` and ``population`` are probabilities of the label. None as ``offline_a`` = tuned.

    >>> p = np.array([[0.8], [0.7], [0.2], [0.3]])
    >>> population = np.array([[0.5, 0.1, 0.6, 0.2]] + [[0.5, 0.3, 0.2, 0.2]] * 3)
    >>> privacy_meter_rmia(
    ...     p, np.array([[True], [False], [False], [True]]), 0,
    ...     population=population, references=1, offline_a=0.3,
    ... )
    array([1.])
    """
    a = (
        tuned_offline_a(p, member, target, population=population)
        if offline_a is None
        else offline_a
    )
    strangers = _ratio(_mean(population, None, target, references), population[target], a)
    ratios = _ratio(_mean(p, member, target, references), p[target], a)
    return count_below(strangers, ratios, side="left") / population.shape[1]


def tuned_offline_a(
    p: Matrix, member: Member, target: int, *, population: Strangers
) -> float | np.float64:
    """Choose offline_a by an attack on the target's pair with one reference."""
    pair = target ^ 1
    if member[pair].all() or not member[pair].any():
        raise DataError(
            "E056",
            "tuning offline_a needs members and non-members of the target's pair, "
            f"got {np.count_nonzero(member[pair])} members of {member.shape[1]} samples",
            where=f"run {pair}",
            fix="Set offline_a, for instance to 0.3.",
        )
    mean, theirs = _mean(p, member, pair, 1), _mean(population, None, pair, 1)
    best, most = 0.0, 0.0
    for a in GRID:
        strangers = _ratio(theirs, population[pair], a)
        counts = count_below(strangers, _ratio(mean, p[pair], a), side="left")
        area = _auc(counts, member[pair])
        if area > most:
            best, most = a, area
    return best


def _mean(
    p: Matrix, member: Member | None, run: int, references: int
) -> Float[np.ndarray, " samples"]:
    """Average the largest values of the first columns, those of members set to 0."""
    columns = [each for each in range(len(p)) if each not in (run, run ^ 1)][: 2 * references]
    samples = p.shape[1]
    found = []
    # a block of a single sample would be summed in another order than one of many
    for block in np.array_split(np.arange(samples), max(1, samples // COLUMNS)):
        some = slice(block[0], block[-1] + 1)
        values = p[columns, some]
        if member is not None:
            values = values * ~member[columns, some]
        found.append(np.mean(_largest(values, references), axis=0))
    return np.concatenate(found)


def _largest(values: Matrix, kept: int) -> Float[np.ndarray, "kept samples"]:
    """Return the largest values of every sample, in falling order."""
    if len(values) > FEW:
        return -np.sort(-values, axis=0)[:kept]
    # bubbles: each pass takes the largest that is left to the top
    for place in range(min(kept, len(values))):
        for row in range(len(values) - 1, place, -1):
            upper, lower = values[row - 1], values[row]
            values[row - 1], values[row] = np.maximum(upper, lower), np.minimum(upper, lower)
    return values[:kept]


def _ratio(
    mean: Float[np.ndarray, " samples"], p: Float[np.ndarray, " samples"], a: float | np.float64
) -> Float[np.ndarray, " samples"]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Float[np.ndarray, " samples"] = p / ((1 + a) / 2 * mean + (1 - a) / 2)
    return ratio


def _auc(counts: Int64[np.ndarray, " samples"], member: Bool[np.ndarray, " samples"]) -> float:
    """Return the area as scikit-learn sums it: trapezoids between the corners of the ROC."""
    inside = np.bincount(counts[member], minlength=counts.max() + 1)[::-1]
    outside = np.bincount(counts[~member], minlength=counts.max() + 1)[::-1]
    there = inside + outside > 0
    hits, false = np.cumsum(inside)[there], np.cumsum(outside)[there]
    if len(hits) > 2:
        bends = (np.diff(hits, 2) != 0) | (np.diff(false, 2) != 0)
        corners = np.concatenate([[True], bends, [True]])
        hits, false = hits[corners], false[corners]
    tpr, fpr = (np.concatenate([[0], each]) / each[-1] for each in (hits, false))
    return float(np.trapezoid(tpr, fpr))


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,
) -> Float[np.ndarray, "targets samples"]:
    name = "rmia@privacy_meter"
    runs = len(evidence.member)
    if runs < 4 or runs % 2:
        raise DataError(
            "E056",
            f"{name} needs runs in pairs, two pairs or more, got {runs} runs",
            fix="Give an even number of runs, run 2k and 2k + 1 trained on the two halves of the "
            "data; rmia and rmia/offline take any runs.",
        )
    references = _references(options, runs)
    offline_a = option(options, "offline_a", least=0.0, most=1.0)
    p = probability(evidence, attack=name)
    outside = required_outsiders(evidence, reference, attack=name)
    population = probability(outside, attack=name)
    queries = p.shape[1]
    scores = [
        np.stack(
            [
                privacy_meter_rmia(
                    p[:, query],
                    evidence.member,
                    int(target),
                    population=same_query(population, query, queries),
                    references=references,
                    offline_a=offline_a,
                )
                for target in targets
            ]
        )
        for query in range(queries)
    ]
    return mean_over_queries(scores)


def _references(options: Options, runs: int) -> int:
    most = runs // 2 - 1
    given = option(options, "references", least=1.0, most=float(most))
    if given is None:
        return most
    if given != int(given):
        raise ConfigurationError(
            "E043", f"references must be a whole number, got {given}", fix=f"Give 1 to {most}."
        )
    return int(given)


TABLE: dict[str, Attack] = {
    "rmia@privacy_meter": Attack(
        score=_score,
        source="privacytrustlab/ml_privacy_meter, attacks.py (run_rmia, tune_offline_a)",
        differs="offline; runs in pairs 2k, 2k + 1 by their order, the target's pair never a "
        "reference; p(z) from the largest half of the references; ratios in the given float type, "
        "strictly above 1; offline_a tuned on the pair; several queries: mean of their scores",
        options={"offline_a": None, "references": None},
    ),
}
