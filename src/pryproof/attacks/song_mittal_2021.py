"""The threshold attacks as the official script of Song and Mittal 2021 computes them.

inspire-group/membership-inference-evaluation, membership_inference_attacks.py. Its quirks, kept:
values in the float type of the input, with probabilities clamped at 1e-30 inside logarithms;
"nobody" is no cut, "everybody" is; among equally good cuts the first met wins, members before
non-members in their order; a class without members or non-members has the cut 0.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options, Score, Thresholds
from pryproof.attacks.dialects import softmax
from pryproof.attacks.needed import mean_over_queries, signal
from pryproof.attacks.ranking import ranked
from pryproof.attacks.risk_score import by_known
from pryproof.attacks.row_sums import row_sums
from pryproof.attacks.signals import LARGE
from pryproof.attacks.song_mittal_risk import risk_score
from pryproof.attacks.threshold import side
from pryproof.checks import DataError
from pryproof.compiled import available
from pryproof.records import Evidence

Table = Float[np.ndarray, "samples classes"]
Labels = Int64[np.ndarray, " samples"]
Values = Float[np.ndarray, " samples"]

FLOOR = 1e-30  # of a probability inside a logarithm
NAMES = ("correctness", "confidence", "entropy", "modified_entropy")
AT_ONCE = 32_768  # numbers worked on at a time: they stay near the processor
EXACT = 1e14  # members x non-members up to which rounding never reorders two balanced accuracies


def values(
    probabilities: Table,
    labels: Labels,
    *,
    names: Sequence[str] = NAMES,
    accelerate: bool = False,
) -> dict[str, Values]:
    """Compute the script's four values, in the float type of the probabilities, bit for bit.

    Oriented as it passes them on, higher = more likely a member: correctness (0 or 1), confidence
    p_y, minus the entropy, minus the modified entropy (nats); or those of ``names``.
    ``accelerate`` sums in a compiled kernel where there is one; the values are the same.

    >>> found = values(np.array([[0.75, 0.25]], np.float32), np.array([0]))
    >>> {name: round(float(value[0]), 4) for name, value in found.items()}
    {'correctness': 1.0, 'confidence': 0.75, 'entropy': -0.5623, 'modified_entropy': -0.1438}
    """
    if probabilities.dtype not in (np.float32, np.float64):
        raise DataError(
            "E030",
            f"this dialect needs float32 or float64 probabilities, got {probabilities.dtype}",
            fix="Its clamp at 1e-30 is 0 in half precision: convert them first.",
        )
    samples, classes = probabilities.shape
    found = {name: np.empty(samples, dtype=probabilities.dtype) for name in names}
    # NumPy sums along a plain table's rows in one way, along other strides in another
    plain = probabilities.flags.c_contiguous
    step = max(1, AT_ONCE // max(classes, 1)) if plain else max(samples, 1)
    spare = np.empty_like(probabilities[:step])
    floor = np.full_like(spare, FLOOR)  # faster than a single number
    for at in range(0, samples, step):
        part = slice(at, at + step)
        size = len(labels[part])
        _fill(
            {name: value[part] for name, value in found.items()},
            probabilities[part],
            labels[part],
            tables=(spare[:size], floor[:size]),
            accelerate=accelerate and available(),
        )
    return found


def _fill(
    found: dict[str, Values],
    p: Table,
    labels: Labels,
    *,
    tables: tuple[Table, Table],
    accelerate: bool,
) -> None:
    terms, floor = tables
    rows = np.arange(len(labels))
    if "correctness" in found:
        found["correctness"][:] = np.argmax(p, axis=1) == labels
    if "confidence" in found:
        found["confidence"][:] = p[rows, labels]
    if "entropy" in found:
        np.log(np.maximum(p, floor, out=terms), out=terms)
        np.multiply(p, terms, out=terms)
        row_sums(terms, found["entropy"], accelerate=accelerate)  # two minus signs cancel
    if "modified_entropy" in found:
        own = np.log(np.maximum(p[rows, labels], floor[:, 0]))
        np.subtract(1, p, out=terms)
        rest = terms[rows, labels]
        np.log(np.maximum(terms, floor, out=terms), out=terms)
        np.multiply(p, terms, out=terms)
        terms[rows, labels] = rest * own
        row_sums(terms, found["modified_entropy"], accelerate=accelerate)


def thresholds(
    members: Float[np.ndarray, " members"],
    member_labels: Int64[np.ndarray, " members"],
    nonmembers: Float[np.ndarray, " nonmembers"],
    nonmember_labels: Int64[np.ndarray, " nonmembers"],
    *,
    classes: int,
) -> Thresholds:
    """Find the script's cut of every class, bit for bit, in O(n log n) in place of O(n^2).

    A cut is an observed value (always a member's: a higher one spares more non-members), the first
    one met with the largest float64 value of 0.5 * (share of members at or above + share of
    non-members below). ``fallback`` marks the classes that lack a side, whose cut is 0.

    >>> scores, zeros = np.array([3.0, 1.0]), np.array([0, 0])
    >>> thresholds(scores, zeros, scores - 2.0, zeros, classes=2).per_class
    array([3., 0.])
    """
    inside = side(members, member_labels, classes=classes)
    outside = side(nonmembers, nonmember_labels, classes=classes, first=members.size)
    beyond = float(members.size) * float(nonmembers.size) > EXACT
    order = ranked(inside, outside, count=classes, all_of_them=beyond)
    cuts = np.zeros(classes)
    fallback = (order.total_members == 0) | (order.total_others == 0)
    chosen = np.flatnonzero((order.samples < members.size) & ~fallback[order.groups])
    group, first = order.groups[chosen], order.samples[chosen]
    above = order.members[chosen] / (order.total_members[group] + 0.0)
    below = (order.total_others[group] - order.others[chosen]) / (order.total_others[group] + 0.0)
    accuracy = 0.5 * (above + below)
    best = np.zeros(classes)
    np.maximum.at(best, group, accuracy)
    winners = accuracy == best[group]
    earliest = np.full(classes, members.size)
    np.minimum.at(earliest, group[winners], first[winners])
    cuts[~fallback] = members[earliest[~fallback]]
    return Thresholds(per_class=cuts, overall=0.0, fallback=fallback)


def accuracy(
    member_calls: Bool[np.ndarray, " members"], nonmember_calls: Bool[np.ndarray, " nonmembers"]
) -> float:
    """Return the script's attack accuracy, pooled over classes, to the last bit.

    The calls are ``values >= thresholds.per_class[labels]`` of the target's members and
    non-members. For correctness, see ``correctness_accuracy``.

    >>> accuracy(np.array([True, False]), np.array([False, False, True]))
    0.5833333333333333
    """
    hits, spared = np.sum(member_calls), np.sum(~nonmember_calls)
    return float(0.5 * (hits / (len(member_calls) + 0.0) + spared / (len(nonmember_calls) + 0.0)))


def correctness_accuracy(
    members_right: Bool[np.ndarray, " members"], nonmembers_right: Bool[np.ndarray, " nonmembers"]
) -> float:
    """Return the accuracy of "member if the prediction is right", in the script's order.

    >>> correctness_accuracy(np.array([True, True]), np.array([True, False]))
    0.75
    """
    inside = np.sum(members_right) / (len(members_right) + 0.0)
    outside = np.sum(nonmembers_right) / (len(nonmembers_right) + 0.0)
    return float(0.5 * (inside + 1 - outside))


def values_of(
    evidence: Evidence, name: str, runs: Int64[np.ndarray, " runs"]
) -> Float[np.ndarray, "runs queries samples"]:
    """Return one of the four values from the best source at hand, as float64.

    From probabilities as they are; from logits through their softmax, in their float type; else
    from signals, in float64: p_y = exp(logp), and M = exp(log_mentropy).
    """
    for source, prepare in (("probabilities", np.asarray), ("logits", softmax)):
        if source in evidence.raw and evidence.labels is not None:
            outputs, labels = evidence.raw[source], evidence.labels
            found = np.empty((len(runs), *outputs.shape[1:3]))
            large = found.size * outputs.shape[3] >= LARGE
            for row, query in np.ndindex(*found.shape[:2]):
                probabilities = prepare(outputs[runs[row], query])
                found[row, query] = values(probabilities, labels, names=[name], accelerate=large)[
                    name
                ]
            return found
    said = signal(evidence, OF[name], attack=f"{name}@song_mittal_2021")[runs]
    if name == "correctness":
        return said
    return np.exp(said) if name == "confidence" else -(said if name == "entropy" else np.exp(said))


OF = {
    "correctness": "correct",
    "confidence": "logp",
    "entropy": "entropy",
    "modified_entropy": "log_mentropy",
}


def _scoring(name: str) -> Score:
    def score(
        evidence: Evidence,
        targets: Int64[np.ndarray, " targets"],
        *,
        reference: Evidence | None,  # noqa: ARG001 - only cuts are fitted on it
        options: Options,  # noqa: ARG001 - it has none
    ) -> Float[np.ndarray, "targets samples"]:
        found = values_of(evidence, name, targets)
        return mean_over_queries([found[:, query] for query in range(found.shape[1])])

    return score


def _risk_score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,  # noqa: ARG001 - it has none
) -> Float[np.ndarray, "targets samples"]:
    return by_known(
        evidence, targets, reference=reference, values_of=_modified_entropy, judge=risk_score
    )


def _modified_entropy(
    evidence: Evidence, runs: Int64[np.ndarray, " runs"]
) -> Float[np.ndarray, "runs samples"]:
    """Return M, in the float type of the outputs, the mean over queries."""
    found = values_of(evidence, "modified_entropy", runs)
    mean = -mean_over_queries([found[:, query] for query in range(found.shape[1])])
    for source in ("probabilities", "logits"):
        if source in evidence.raw:
            return mean.astype(evidence.raw[source].dtype)
    return mean


_SOURCE = (
    "Song and Mittal 2021; inspire-group/membership-inference-evaluation, "
    "membership_inference_attacks.py"
)
_CUTS = "; per class the first best observed value, members before non-members (order counts), 0 "
_CUTS += "where a class lacks a side; in the float type of the input"


def _attack(name: str, differs: str) -> Attack:
    return Attack(
        score=_scoring(name),
        source=_SOURCE,
        differs=differs + _CUTS,
        per_class=True,
        fit=thresholds,
        calibrates="runs",
    )


TABLE: dict[str, Attack] = {
    "correctness@song_mittal_2021": Attack(
        score=_scoring("correctness"),
        source=_SOURCE,
        differs="the same as ours",
        fixed_cut=0.5,
        calibrates="runs",
    ),
    "confidence@song_mittal_2021": _attack("confidence", "p of the label, which saturates"),
    "entropy@song_mittal_2021": _attack("entropy", "probabilities clamped at 1e-30 in logarithms"),
    "modified_entropy@song_mittal_2021": _attack(
        "modified_entropy", "1 - p by subtraction; probabilities clamped at 1e-30 in logarithms"
    ),
    "risk_score@song_mittal_2021": Attack(
        score=_risk_score,
        source="Song and Mittal 2021; inspire-group/membership-inference-evaluation, "
        "privacy_risk_score_utils.py",
        differs="five bins of equal width in log M, from 1e-10; an empty bin takes the nearest "
        "one's score; a class without known members scores 0, without non-members 1",
        fixed_cut=0.5,
    ),
}
