"""What the LiRAs of other programs have in common: statistic, shadows and targets."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.needed import signal
from pryproof.checks import DataError
from pryproof.records import Evidence

OfOutputs = Callable[
    [Float[np.ndarray, "samples classes"], Int64[np.ndarray, " samples"]],
    Float[np.ndarray, " samples"],
]
OneTarget = Callable[
    [Float[np.ndarray, "queries samples"], Int64[np.ndarray, " others"]],
    Float[np.ndarray, " samples"],
]

SMALL = 1e-45  # what peers add to a probability of 0


def statistic(
    evidence: Evidence, *, attack: str, of: dict[str, OfOutputs]
) -> Float[np.ndarray, "runs queries samples"]:
    """Return a peer's own statistic of what is there, else phi as it was given.

    ``of`` says how the peer computes it from "logits" (or "probabilities") of one run and query.
    """
    for name, compute in of.items():
        if name in evidence.raw and evidence.labels is not None:
            outputs, labels = evidence.raw[name], evidence.labels
            first = compute(outputs[0, 0], labels)
            found = np.empty(outputs.shape[:3], dtype=first.dtype)
            for run, query in np.ndindex(*outputs.shape[:2]):
                found[run, query] = compute(outputs[run, query], labels)
            return found
    phi = signal(evidence, "phi", attack=attack)
    return evidence.raw.get("phi", phi)


def label_and_rest(
    outputs: Float[np.ndarray, "samples classes"], labels: Int64[np.ndarray, " samples"]
) -> tuple[Float[np.ndarray, " samples"], Float[np.ndarray, " samples"]]:
    """Return the probability of the label, and the sum of all others, in the outputs' float type.

    >>> label_and_rest(np.array([[0.25, 0.5, 0.25]]), np.array([1]))
    (array([0.5]), array([0.5]))
    """
    rows = np.arange(len(labels))
    others = outputs.copy()
    others[rows, labels] = 0
    return outputs[rows, labels], others.sum(axis=1)


def softmax(
    logits: Float[np.ndarray, "samples classes"], dtype: type[np.floating] | None = None
) -> Float[np.ndarray, "samples classes"]:
    """Return probabilities: exponentials in the logits' float type, shares in ``dtype``.

    >>> softmax(np.array([[0.0, 0.0]], np.float32), np.float64)
    array([[0.5, 0.5]])
    """
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    exponentials = exponentials.astype(dtype or logits.dtype)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def odds(
    logits: Float[np.ndarray, "samples classes"], labels: Int64[np.ndarray, " samples"]
) -> Float[np.ndarray, " samples"]:
    """Return log(p + 1e-45) - log(rest + 1e-45), as tensorflow/privacy's programs have it.

    >>> odds(np.array([[0.0, 200.0]]), np.array([0])).round(3)
    array([-103.616])
    """
    own, rest = label_and_rest(softmax(logits, np.float64), labels)
    return np.log(own + SMALL) - np.log(rest + SMALL)


def each_target(
    values: Float[np.ndarray, "runs queries samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
    score: OneTarget,
) -> Float[np.ndarray, "targets samples"]:
    """Score every target with the runs of other groups as shadows, in their order."""
    scores = np.empty((len(targets), values.shape[2]))
    for row, target in enumerate(targets):
        others = np.flatnonzero(group != group[target])
        if not others.size:
            raise DataError(
                "E056",
                "the attack needs shadows: runs of another group than the target's, got none",
                where=f"run {target}",
                fix="Add runs, or give runs that do not share a training set different groups.",
            )
        with np.errstate(over="ignore", invalid="ignore"):  # of what is refused below
            scores[row] = score(values[target], others)
        if not np.isfinite(scores[row]).all():
            _refuse_unusable(values)
        if values.shape[2] and np.isnan(scores[row]).all():
            raise DataError(
                "E056",
                "every run must have a sample with the shadows the attack needs",
                where=f"run {target}",
                fix="Add shadow runs both with and without the samples.",
            )
    return scores


def over_queries(values: Float[np.ndarray, "queries samples"]) -> Float[np.ndarray, " samples"]:
    """Return the mean over a sample's queries, added up in their order."""
    return np.ascontiguousarray(values.T).mean(axis=1)


def _refuse_unusable(values: Float[np.ndarray, "runs queries samples"]) -> None:
    broken = np.argwhere(~(np.abs(values) < np.sqrt(np.finfo(values.dtype).max)))
    if broken.size:
        raise DataError(
            "E056",
            f"phi must be finite, {len(broken)} of {values.size} values are NaN or infinite",
            where=f"run {broken[0][0]}, sample {broken[0][2]}",
            fix="Leave out samples that were not measured, or give logits.",
        )
