"""The label's probability: in log space and float64 for us, in the given float type for dialects.

Peers' scores rest on the rounding of the float type they were given, so a dialect must not
convert what it finds.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.needed import signal
from pryproof.checks import DataError
from pryproof.records import Evidence

ROWS = 4096  # rows worked on at a time: bounds the memory, and keeps a block near the processor


def log_probability(
    evidence: Evidence, *, temperature: float, attack: str
) -> Float[np.ndarray, "runs queries samples"]:
    """Return log p of the label (nats, float64), of a softmax at this temperature."""
    if temperature == 1:
        return signal(evidence, "logp", attack=attack)
    if "logits" not in evidence.raw or evidence.labels is None:
        raise DataError(
            "E024",
            f"{attack} at temperature {temperature:g} needs logits, "
            f"got {', '.join(sorted(evidence.raw)) or 'none'}",
            fix="Give logits with labels, or leave the temperature at 1.",
        )
    logits, labels = evidence.raw["logits"], evidence.labels
    found = np.empty(logits.shape[:3])
    for place in np.ndindex(*logits.shape[:2]):
        for block in _blocks(len(labels)):
            z = logits[place][block].astype(np.float64) / temperature
            rows = np.arange(len(z))
            z -= z[rows, labels[block]][:, None]
            z[rows, labels[block]] = -np.inf  # others only, so that p near 1 keeps its digits
            top = z.max(axis=1)
            rest = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
            found[place][block] = -np.logaddexp(0.0, rest)
    return found


def probability(evidence: Evidence, *, attack: str) -> Float[np.ndarray, "runs queries samples"]:
    """Return p of the label, in the float type given: p or probabilities as they are.

    From logits it is their softmax in their type, else exp(log p) in float64.
    """
    if "p" in evidence.raw:
        return evidence.raw["p"]
    if "probabilities" in evidence.raw and evidence.labels is not None:
        rows = np.arange(len(evidence.labels))
        return evidence.raw["probabilities"][:, :, rows, evidence.labels]
    if "logits" in evidence.raw and evidence.labels is not None:
        return softmax_of_label(evidence.raw["logits"], evidence.labels, temperature=1.0)
    return np.exp(signal(evidence, "logp", attack=attack))


def softmax_of_label(
    logits: Float[np.ndarray, "runs queries samples classes"],
    labels: Int64[np.ndarray, " samples"],
    *,
    temperature: float,
) -> Float[np.ndarray, "runs queries samples"]:
    """Return the label's softmax in the logits' own float type, as PyTorch's would be.

    >>> logits = np.log(np.array([[[[4.0, 1.0]]]]))
    >>> round(float(softmax_of_label(logits, np.array([0]), temperature=2.0)[0, 0, 0]), 6)
    0.666667
    """
    found = np.empty(logits.shape[:3], dtype=logits.dtype)
    for place in np.ndindex(*logits.shape[:2]):
        for block in _blocks(len(labels)):
            z = logits[place][block] / temperature
            z = np.exp(z - z.max(axis=1, keepdims=True))
            found[place][block] = z[np.arange(len(z)), labels[block]] / z.sum(axis=1)
    return found


def _blocks(samples: int) -> list[slice]:
    return [slice(at, at + ROWS) for at in range(0, samples, ROWS)]
