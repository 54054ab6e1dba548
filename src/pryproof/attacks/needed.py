"""What an attack needs of its evidence and options, or an error that says how to give it."""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Options
from pryproof.attacks.evidence import picked
from pryproof.checks import ConfigurationError, DataError
from pryproof.records import Evidence

FROM = {
    "phi": "logits, probabilities, p, logp, loss or phi",
    "logp": "logits, probabilities, p, loss, phi or logp",
    "correct": "logits, probabilities or correct",
    "entropy": "logits, probabilities or entropy",
    "log_mentropy": "logits, probabilities or log_mentropy",
}


def signal(
    evidence: Evidence, name: str, *, attack: str
) -> Float[np.ndarray, "runs queries samples"]:
    """Return one of the signals, or say from which arrays it could be had."""
    if name == "logp" and name not in evidence.signals and "phi" in evidence.signals:
        return -np.logaddexp(0.0, -evidence.signals["phi"])
    if name not in evidence.signals:
        raise DataError(
            "E024",
            f"{attack} needs {name}, got {', '.join(sorted(evidence.signals)) or 'nothing'}",
            fix=f"Give {FROM[name]}, for the samples and for any population alike.",
        )
    return evidence.signals[name]


def outsiders(evidence: Evidence, reference: Evidence | None) -> Evidence | None:
    """Return what the same runs say about samples that none of them trained on, if anything.

    That is the population where there is one, else what a reference of equally many runs (row r is
    then the same run) says about the samples that no row trained on.
    """
    if evidence.population is not None:
        return evidence.population
    if reference is None or len(reference.member) != len(evidence.member):
        return None
    outside = np.flatnonzero(~reference.member.any(axis=0))
    if not outside.size:
        return None
    return picked(reference, outside) if len(outside) < reference.member.shape[1] else reference


def required_outsiders(evidence: Evidence, reference: Evidence | None, *, attack: str) -> Evidence:
    """Return the outsiders, or refuse."""
    found = outsiders(evidence, reference)
    if found is None:
        raise DataError(
            "E024",
            f"{attack} needs a population: samples that no run trained on, got none",
            fix="Give population_logits with population_labels, or population_p; or a reference "
            "with equally many runs and samples that none of them trained on.",
        )
    return found


def same_query(
    arrays: Float[np.ndarray, "runs queries samples"], query: int, queries: int
) -> Float[np.ndarray, "runs samples"]:
    """Return a population's answers to one of the judged samples' queries.

    >>> same_query(np.zeros((2, 1, 5)), 3, 4).shape
    (2, 5)
    """
    if arrays.shape[1] not in (1, queries):
        raise DataError(
            "E028",
            f"a population must have one query or the samples' {queries}, got {arrays.shape[1]}",
            where="array population",
            fix="Query the population in the same ways as the samples.",
        )
    return arrays[:, query % arrays.shape[1]]


def others(
    evidence: Evidence, targets: Int64[np.ndarray, " targets"], *, attack: str
) -> Int64[np.ndarray, " targets"]:
    """Return the targets, all of which have runs of other groups, or refuse."""
    for target in targets:
        if (evidence.group == evidence.group[target]).all():
            raise DataError(
                "E056",
                f"{attack} needs reference runs: runs of another group than the target's, got none",
                where=f"run {target}",
                fix="Add runs trained on other samples, or give runs that do not share a training "
                "set different groups.",
            )
    return targets


def option(
    options: Options, name: str, *, least: float, most: float = np.inf, above: bool = False
) -> float | None:
    """Return an option of a range, None if the attack is to choose it.

    >>> option({"gamma": 2}, "gamma", least=0.0, above=True)
    2.0
    """
    value = options[name]
    if value is None:
        return None
    low_enough = value > least if above else value >= least
    if not (low_enough and value <= most and np.isfinite(value)):
        lower = f"more than {least:g}" if above else f"at least {least:g}"
        upper = f" and at most {most:g}" if most < np.inf else ""
        raise ConfigurationError(
            "E043",
            f"{name} must be {lower}{upper}, got {value}",
            fix="Leave it out for the attack's own choice.",
        )
    return float(value)


def number(options: Options, name: str, *, least: float, above: bool = False) -> float:
    """Return an option that must have a value."""
    value = option(options, name, least=least, above=above)
    if value is None:
        raise ConfigurationError(
            "E043", f"{name} must be a number, got none", fix="Leave it out for its default."
        )
    return value


def measured(
    scores: Float[np.ndarray, "targets samples"],
    targets: Int64[np.ndarray, " targets"],
    *,
    needs: str,
) -> Float[np.ndarray, "targets samples"]:
    """Return the scores, or refuse a target without a single measured sample."""
    for row, target in zip(scores, targets, strict=True):
        if np.isnan(row).all():
            raise DataError(
                "E056",
                f"no sample of this run could be measured: {needs}",
                where=f"run {target}",
                fix="Add runs of other groups, or samples.",
            )
    return scores


def mean_over_queries(
    scores: list[Float[np.ndarray, "targets samples"]],
) -> Float[np.ndarray, "targets samples"]:
    """Return the mean of every query's scores; NaN where a query was not measured.

    >>> mean_over_queries([np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])])
    array([[0.5, 1. ]])
    """
    total = scores[0]
    for each in scores[1:]:
        total = total + each
    return total / len(scores)
