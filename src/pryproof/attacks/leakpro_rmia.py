"""RMIA as LeakPro computes it (aidotse/LeakPro, attacks/mia_attacks/rmia.py).

What sets it apart from ``rmia``:

* gamma is 2 and must be exceeded; a softmax at temperature 2 where there are logits (only then);
* 1e-6 is added to p(x) and p(z);
* offline, p(z) is the mean over all shadow models, as they never trained on z, or as if;
* a sample is a stranger to itself too; without a population the judged samples are the strangers
  (the program draws half of all the attacker's data, members included);
* 0 / 0 counts as not reached: a sample without an OUT shadow model scores 0.

The float type is kept as the program keeps it: given probabilities in theirs; from logits the
samples' in the logits' type and the strangers' in float64, as it copies those. In float32 that
decides ties: at gamma 1, whether a sample exceeds itself. A softmax in float32 agrees with
PyTorch's to its rounding only.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.needed import (
    mean_over_queries,
    number,
    option,
    others,
    outsiders,
    same_query,
)
from pryproof.attacks.probability import probability, softmax_of_label
from pryproof.attacks.search import count_below
from pryproof.records import Evidence

EPSILON = 1e-6
COLUMNS = 4096  # samples worked on at a time: bounds the memory

Chosen = Int64[np.ndarray, " chosen"]

Matrix = Float[np.ndarray, "runs samples"]
Strangers = Float[np.ndarray, "runs strangers"]


def leakpro_rmia(
    p: Matrix,
    strangers: Strangers,
    target: int,
    shadows: Int64[np.ndarray, " shadows"],
    *,
    outside: Bool[np.ndarray, "runs samples"] | None = None,
    gamma: float = 2.0,
    offline_a: float = 0.33,
) -> Float[np.ndarray, " samples"]:
    """Score the share of strangers whose ratio a sample's exceeds ``gamma``-fold.

    Offline with ``outside``, True where a run did not train on a sample. Higher = a likely member.

    >>> p = np.array([[0.8], [0.2], [0.3], [0.1]])
    >>> z = np.array([[0.5, 0.1, 0.6, 0.2]] + [[0.5, 0.3, 0.2, 0.2]] * 3)
    >>> leakpro_rmia(p, z, 0, np.array([1, 2, 3]))
    array([0.75])
    """
    theirs = _mean(strangers, shadows, None)
    ours = _mean(p, shadows, outside)
    if outside is not None:
        ours, theirs = (0.5 * ((offline_a + 1) * each + (1 - offline_a)) for each in (ours, theirs))
    ratio_z = strangers[target] / (theirs + EPSILON)
    ratio_x = p[target] / (ours + EPSILON)
    return _count_exceeded(ratio_x, ratio_z, gamma) / len(ratio_z)


def _mean(
    p: Matrix,
    shadows: Int64[np.ndarray, " shadows"],
    outside: Bool[np.ndarray, "runs samples"] | None,
) -> Float[np.ndarray, " samples"]:
    samples = p.shape[1]
    found = []
    # a block of a single sample would be summed in another order than one of many
    for block in np.array_split(np.arange(samples), max(1, samples // COLUMNS)):
        some = slice(block[0], block[-1] + 1)
        values = p[shadows, some]
        if outside is None:
            found.append(np.mean(values, axis=0))
            continue
        there = outside[shadows, some]
        sums = np.sum(np.where(there, values, np.zeros(1, values.dtype)), axis=0)
        with np.errstate(invalid="ignore"):  # no OUT shadow: NaN
            found.append(np.divide(sums, there.sum(axis=0)).astype(p.dtype))
    return np.concatenate(found)


def _count_exceeded(
    ratios: Float[np.ndarray, " samples"], strangers: Float[np.ndarray, " strangers"], gamma: float
) -> Int64[np.ndarray, " samples"]:
    """Count the strangers with ratio / stranger > gamma, each quotient rounded as it is there.

    Quotients fall as strangers rise, so the count is where they stop to pass among the sorted
    strangers: next to ratio / gamma but for rounding, else found by halving.
    """
    points = np.sort(strangers)

    def passes(chosen: Chosen, places: Chosen) -> Bool[np.ndarray, " chosen"]:
        return ratios[chosen] / points[np.clip(places, 0, len(points) - 1)] > gamma

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        counts = count_below(points, ratios / np.float64(gamma), side="left")
        every = np.arange(len(ratios))
        below = (counts == 0) | passes(every, counts - 1)
        above = (counts == len(points)) | ~passes(every, counts)
        unsure = np.flatnonzero(~(below & above))
        low = np.zeros(len(unsure), dtype=np.int64)  # so many pass for certain
        high = np.full(len(unsure), len(points))  # and no more than these
        for _ in range(len(points).bit_length()):
            middle = (low + high) // 2
            more = passes(unsure, middle) & (low < high)
            low, high = np.where(more, middle + 1, low), np.where(more, high, middle)
    counts[unsure] = low
    return counts


def _sides(
    evidence: Evidence, reference: Evidence | None, temperature: float, *, attack: str
) -> tuple[Float[np.ndarray, "runs queries samples"], Float[np.ndarray, "runs queries strangers"]]:
    strangers = outsiders(evidence, reference) or evidence
    sides = []
    for each, kind in ((evidence, None), (strangers, np.float64)):
        logits = each.raw.get("logits")
        if logits is None or each.labels is None:
            sides.append(probability(each, attack=attack))
        else:
            logits = logits if kind is None else logits.astype(kind)
            sides.append(softmax_of_label(logits, each.labels, temperature=temperature))
    return sides[0], sides[1]


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,
) -> Float[np.ndarray, "targets samples"]:
    """Score online, or offline where there is an option ``offline_a``."""
    offline = "offline_a" in options
    name = f"rmia@leakpro/{'offline' if offline else 'online'}"
    others(evidence, targets, attack=name)
    gamma = number(options, "gamma", least=0.0)
    temperature = number(options, "temperature", least=0.0, above=True)
    offline_a = option(options, "offline_a", least=0.0, most=1.0) if offline else None
    p, strangers = _sides(evidence, reference, temperature, attack=name)
    outside = ~evidence.member if offline else None
    queries = p.shape[1]
    scores = [
        np.stack(
            [
                leakpro_rmia(
                    p[:, query],
                    same_query(strangers, query, queries),
                    int(target),
                    np.flatnonzero(evidence.group != evidence.group[target]),
                    outside=outside,
                    gamma=gamma,
                    offline_a=0.33 if offline_a is None else offline_a,
                )
                for target in targets
            ]
        )
        for query in range(queries)
    ]
    return mean_over_queries(scores)


_SOURCE = "aidotse/LeakPro, attacks/mia_attacks/rmia.py"
_DIFFERS = (
    "gamma 2 to be exceeded; softmax at temperature 2 where there are logits; 1e-6 added to p(x); "
    "without a population the judged samples are the strangers, a sample to itself too"
)
_OPTIONS = {"gamma": 2.0, "temperature": 2.0}

TABLE: dict[str, Attack] = {
    "rmia@leakpro/online": Attack(
        score=_score,
        source=_SOURCE,
        differs="online, one mean over IN and OUT shadow models, which tells the membership where "
        f"each sample is in half of all models and each is a target in turn; {_DIFFERS}",
        options=_OPTIONS,
    ),
    "rmia@leakpro/offline": Attack(
        score=_score,
        source=_SOURCE,
        differs=f"from OUT shadow models, p(z) from all of them; {_DIFFERS}; a sample without an "
        "OUT shadow model scores 0",
        options={**_OPTIONS, "offline_a": 0.33},
    ),
}
