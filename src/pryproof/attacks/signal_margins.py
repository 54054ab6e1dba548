"""The signals of samples with margins of hundreds of nats, in logarithms from beginning to end.

With gap the distance of a logit to the log-sum-exp of all others, every probability and every
complement is a softplus of it: slower than the sums of ``attacks.signal_sums``, and without limit.
"""

import numpy as np
from jaxtyping import Float, Int64

NEGLIGIBLE = -37.0  # log(log1p(exp(v))) = v to double precision below this


def signals_by_logarithms(
    logits: Float[np.ndarray, "rows classes"], labels: Int64[np.ndarray, " rows"]
) -> Float[np.ndarray, "5 rows"]:
    """Compute the five signals of ``attacks.signals`` from float64 logits, in their order (nats).

    A logit may be -inf if it is not the label's and another class's than the largest is finite.

    >>> signals_by_logarithms(np.array([[900.0, 0.0, 0.0]]), np.array([0]))[0].round(4)
    array([899.3069])
    """
    rows = np.arange(len(labels))
    top = np.argmax(logits, axis=1)
    z = logits - logits[rows, top][:, None]
    gap = _log_sum_without(z, top)  # of the largest logit, which is now 0
    log_p = z - np.logaddexp(0.0, gap)[:, None]
    log_p[rows, top] = -np.logaddexp(0.0, gap)
    with np.errstate(divide="ignore", invalid="ignore"):  # p = 0: replaced by its limit
        log_surprise = np.log(-np.log1p(-np.minimum(np.exp(log_p), 0.5)))
        entropy_terms = np.where(np.isneginf(log_p), 0.0, np.exp(log_p) * log_p)
    log_surprise = np.where(log_p < NEGLIGIBLE, log_p, log_surprise)
    log_surprise[rows, top] = np.log(np.logaddexp(0.0, -gap))
    phi = z[rows, labels] - _log_sum_without(z, labels)
    terms = log_p + log_surprise  # of M, for every class but the label
    terms[rows, labels] = -np.logaddexp(0.0, phi) + _log_softplus(-phi)
    logp, entropy = -np.logaddexp(0.0, -phi), -np.sum(entropy_terms, axis=1)
    return np.stack([phi, logp, entropy, _log_sum(terms), (top == labels).astype(np.float64)])


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
