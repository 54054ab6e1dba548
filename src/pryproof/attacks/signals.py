"""What one run says about each sample: five signals from its logits (methods section 1.4).

With gap the distance of a logit to the log-sum-exp of all others, every probability and every
complement is a softplus of it, so nothing saturates where a softmax would round to 1.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.checks import DataError

ROWS = 4096  # rows worked on at a time: bounds the memory, and keeps a block near the processor
NEGLIGIBLE = -37.0  # log(log1p(exp(v))) = v to double precision below this


def signals(
    logits: Float[np.ndarray, "samples classes"], labels: Int64[np.ndarray, " samples"]
) -> dict[str, Float[np.ndarray, " samples"]]:
    """Compute phi, logp, entropy, log_mentropy (nats) and correct (0 or 1) of every sample.

    phi = log p_y - log(1 - p_y), and logp = log p_y: higher = more confident in the label.
    log_mentropy is the logarithm of Song and Mittal's modified entropy: lower = more confident.
    All are float64; a tie for the largest logit goes to the lowest class.

    >>> out = signals(np.array([[2.0, 0.0, -1.0]]), np.array([0]))
    >>> {name: round(float(values[0]), 3) for name, values in out.items()}
    {'phi': 1.687, 'logp': -0.17, 'entropy': 0.524, 'log_mentropy': -3.166, 'correct': 1.0}
    """
    _refuse_unusable(logits, labels)
    starts = range(0, max(len(labels), 1), ROWS)
    blocks = [_block(logits[at : at + ROWS], labels[at : at + ROWS]) for at in starts]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _block(
    logits: Float[np.ndarray, "rows classes"], labels: Int64[np.ndarray, " rows"]
) -> dict[str, Float[np.ndarray, " rows"]]:
    rows = np.arange(len(labels))
    top = np.argmax(logits, axis=1)
    z = logits.astype(np.float64)
    z -= z[rows, top][:, None]
    gap = _log_sum_without(z, top)  # of the largest logit, which is now 0
    log_p = z - np.logaddexp(0.0, gap)[:, None]
    log_p[rows, top] = -np.logaddexp(0.0, gap)
    with np.errstate(divide="ignore"):  # p_i = 0 in double precision: replaced by its limit
        log_surprise = np.log(-np.log1p(-np.minimum(np.exp(log_p), 0.5)))
    log_surprise = np.where(log_p < NEGLIGIBLE, log_p, log_surprise)
    log_surprise[rows, top] = np.log(np.logaddexp(0.0, -gap))
    phi = z[rows, labels] - _log_sum_without(z, labels)
    terms = log_p + log_surprise  # of M, for every class but the label
    terms[rows, labels] = -np.logaddexp(0.0, phi) + _log_softplus(-phi)
    return {
        "phi": phi,
        "logp": -np.logaddexp(0.0, -phi),
        "entropy": -np.sum(np.exp(log_p) * log_p, axis=1),
        "log_mentropy": _log_sum(terms),
        "correct": (top == labels).astype(np.float64),
    }


def _log_softplus(v: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """Return log(log(1 + exp(v))); where exp(v) would underflow, its limit v."""
    return np.where(v < NEGLIGIBLE, v, np.log(np.logaddexp(0.0, np.maximum(v, NEGLIGIBLE))))


def _log_sum_without(
    z: Float[np.ndarray, "rows classes"], column: Int64[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Return the log-sum-exp of each row without one of its entries."""
    others = z.copy()
    others[np.arange(len(column)), column] = -np.inf  # masked before summing: no 1 - p
    return _log_sum(others)


def _log_sum(z: Float[np.ndarray, "rows classes"]) -> Float[np.ndarray, " rows"]:
    largest = z.max(axis=1, keepdims=True)
    return largest[:, 0] + np.log(np.sum(np.exp(z - largest), axis=1))


def _refuse_unusable(
    logits: Float[np.ndarray, "samples classes"], labels: Int64[np.ndarray, " samples"]
) -> None:
    classes = logits.shape[1]
    if classes < 2:
        raise DataError(
            "E005",
            f"membership attacks need at least 2 classes, the logits have {classes}",
            fix="Give one logit per class.",
        )
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if outside.size:
        raise DataError(
            "E025",
            f"labels must lie in 0..{classes - 1}, got {labels[outside[0]]}",
            where=f"sample {outside[0]}",
            fix="Number the classes from 0, as the columns of the logits.",
        )
    # beyond a quarter of the float64 range the difference of two logits may overflow
    usable = np.abs(logits) < np.finfo(np.float64).max / 4
    broken = np.flatnonzero(~usable.all(axis=1))
    if broken.size:
        raise DataError(
            "E056",
            f"logits must be finite, {broken.size} of {len(labels)} samples have NaN or inf",
            where=f"sample {broken[0]}",
            fix="Look for divergence or half precision in the model that made them.",
        )
