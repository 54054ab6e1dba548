"""Attack-R: how a sample's loss compares with its losses under runs without it (methods 3.3).

Ye et al. 2022. Reference runs are the runs of other groups that did not train on the sample.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.needed import mean_over_queries, measured, others, signal
from pryproof.attacks.search import count_true
from pryproof.records import Evidence

COLUMNS = 1024  # samples worked on at a time: all runs' values of them stay in the cache

Matrix = Float[np.ndarray, "runs samples"]


def reference_attack(
    phi: Matrix,
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
) -> Float[np.ndarray, "targets samples"]:
    """Return the share of OUT runs with a higher loss, ties counting one half.

    ``phi`` (nats) falls as the loss rises. The share of N runs is (higher + ties / 2) / N, without
    the usual half a run added: in a balanced design a target's members have one OUT run more than
    its non-members, so anything that shrinks with N, (N + 1/2) / (N + 1) at the top above all,
    tells the membership by the design alone. Higher = more likely a member. NaN = not measured: no
    run of another group was trained without the sample.

    >>> phi = np.array([[2.0], [1.0], [2.0], [3.0]])
    >>> reference_attack(phi, np.zeros((4, 1), bool), np.arange(4), np.array([0]))
    array([[0.5]])
    """
    scores = np.empty((len(targets), phi.shape[1]))
    for start in range(0, phi.shape[1], COLUMNS):
        block = slice(start, start + COLUMNS)
        values, there = phi[:, block], ~member[:, block]
        outside = np.where(there, values, np.nan)  # NaN is on no side of anything
        everyone = count_true(there)
        for row, target in enumerate(targets):
            own = group == group[target]
            # whole numbers: what the target's own group adds goes without a trace
            twice = _twice_below(outside, values[target])
            twice -= _twice_below(outside[own], values[target])
            seen = everyone - count_true(there[own])
            scores[row, block] = np.where(seen, twice / (2 * np.maximum(seen, 1)), np.nan)
    return scores


def _twice_below(
    values: Matrix, value: Float[np.ndarray, " samples"]
) -> Int64[np.ndarray, " samples"]:
    """Count the rows below the value twice and those equal to it once."""
    return count_true(values < value) + count_true(values <= value)


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - other samples say nothing of these
    options: Options,  # noqa: ARG001 - it has none
) -> Float[np.ndarray, "targets samples"]:
    phi = signal(evidence, "phi", attack="reference")
    others(evidence, targets, attack="reference")
    scores = [
        reference_attack(phi[:, query], evidence.member, evidence.group, targets)
        for query in range(phi.shape[1])
    ]
    return measured(mean_over_queries(scores), targets, needs="a run of another group without it")


TABLE: dict[str, Attack] = {
    "reference": Attack(
        score=_score,
        source="Ye, Maddi, Murakonda, Bindschaedler and Shokri 2022 (Attack-R)",
        differs="share of OUT runs in place of an interpolated quantile; ties count one half; "
        "several queries: mean of their scores",
    ),
}
