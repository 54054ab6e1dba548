"""Signals beside merely reading the bytes they are computed from."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from attacks.timing import Case
from pryproof.attacks.evidence import evidence

SAMPLES, CLASSES = 100_000, 100


def outputs(samples: int = SAMPLES, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw float32 logits of an over-fitted model on half members, half others."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(CLASSES, size=samples)
    logits = draws.normal(size=(samples, CLASSES)).astype(np.float32)
    member = np.arange(samples) < samples // 2
    logits[np.arange(samples), labels] += (5 * draws.random(samples) + 5 * member).astype("f4")
    return {"logits": logits, "labels": labels, "member": member}


def probabilities(given: dict[str, np.ndarray]) -> np.ndarray:
    """Return the float32 softmax."""
    weights = np.exp(given["logits"] - given["logits"].max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def cases() -> Iterator[Case]:
    """All five signals of 100k samples, from logits and from probabilities."""
    given = outputs()
    yield Case(
        name="five signals from logits, 100k x 100",
        ours=lambda: evidence(given),
        reads=[given["logits"]],
        most_reads=10,
        growth=lambda samples: partial(evidence, outputs(samples)),
        sizes=(50_000, 100_000, 200_000),
    )
    said = {
        "probabilities": probabilities(given),
        "labels": given["labels"],
        "member": given["member"],
    }
    yield Case(
        name="five signals from probabilities, 100k x 100",
        ours=lambda: evidence(said),
        reads=[said["probabilities"]],
    )
