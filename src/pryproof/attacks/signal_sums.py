"""Four sums over a sample's classes from which all its signals follow (``attacks.signals``).

All are over the classes but the likeliest, t, and the label, y; the label and the likeliest are
added later, each where it belongs, so that nothing is ever subtracted from a sum. Five rows:

    0  rest      sum of p_i / p_t
    1  weighted  sum of -(p_i / p_t) log(p_i / p_t)
    2  surprise  sum of -p_i log(1 - p_i)
    3  gap       log(p_y / p_t)
    4  leads     1 if the label is the lowest of the likeliest classes, else 0; NaN: a logit is not
                 finite, or a probability not in [0, 1], or their sum not 1
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.signal_kernels import MASKED, OFF_ONE, logit_kernel, probability_kernel

Rows = Float[np.ndarray, " rows"]
Table = Float[np.ndarray, "rows classes"]
Labels = Int64[np.ndarray, " rows"]
Sums = Float[np.ndarray, "5 rows"]

BLOCK = 65_536  # numbers worked on at a time: they stay near the processor
MOST = 1.000001  # a probability; above 1 by rounding alone


def sums_of_logits(logits: Table, labels: Labels, *, accelerate: bool) -> Sums:
    """Return the sums in float64, from logits of any float type."""
    if accelerate and logits.dtype in (np.float32, np.float64):
        return _run(logit_kernel(), logits, labels)
    return _by_blocks(_logit_block, logits, labels)


def sums_of_probabilities(probabilities: Table, labels: Labels, *, accelerate: bool) -> Sums:
    """Return the sums in float64, from probabilities of any float type."""
    if accelerate and probabilities.dtype in (np.float32, np.float64):
        found = _run(probability_kernel(), probabilities, labels)
        again = np.flatnonzero(np.isnan(found[4]))  # -0.0 has a sign, but is no negative number
        if again.size:
            found[:, again] = _by_blocks(_probability_block, probabilities[again], labels[again])
        return found
    return _by_blocks(_probability_block, probabilities, labels)


def _empty(samples: int) -> Sums:
    # one row more than is used takes 100,000 samples beyond the 4 MiB from which on NumPy asks the
    # system for large pages: their first touch is a good part of all that is left to do
    return np.empty((6, samples))[:5]


def _run(kernel: Callable[..., None], values: Table, labels: Labels) -> Sums:
    """Let a kernel work on floats and on their bits."""
    out = _empty(len(labels))
    words = np.dtype(f"i{values.dtype.itemsize}")
    most, infinity = np.array([MOST, np.inf], dtype=values.dtype).view(words)
    form = np.array([infinity, np.iinfo(words).max, 8 * words.itemsize - 1, most], dtype=words)
    values = np.ascontiguousarray(values)
    kernel(values, values.view(words), labels, form, out)
    return out


def _by_blocks(fill: Callable[..., Any], values: Table, labels: Labels) -> Sums:
    """Work through blocks of rows with two tables that every block uses again."""
    samples, classes = values.shape
    step = max(1, BLOCK // classes)
    out = _empty(samples)
    tables = np.empty((2, min(step, samples), classes))
    for at in range(0, samples, step):
        block = values[at : at + step]
        fill(block, labels[at : at + step], tables[:, : len(block)], out[:, at : at + step])
    return out


def _logit_block(
    logits: Table, labels: Labels, tables: Float[np.ndarray, "2 rows classes"], out: Sums
) -> None:
    z, e = tables
    rows = np.arange(len(labels))
    top = np.argmax(logits, axis=1)
    np.copyto(z, logits)
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf, of logits that are refused
        z -= z[rows, top][:, None]
        out[3], out[4] = z[rows, labels], top == labels
        z[rows, top] = z[rows, labels] = MASKED
        if logits.dtype.itemsize > 4:  # only their differences may overflow
            np.maximum(z, MASKED, out=z)
        np.exp(z, out=e)
        np.add.reduce(e, axis=1, out=out[0])
        np.negative(np.einsum("ij,ij->i", e, z), out=out[1])
        own = np.where(out[4] == 1, 0.0, np.exp(out[3]))
    _surprise(e, z, 1.0 + out[0] + own, out[2])
    if not np.isfinite(logits).all():
        out[4, ~np.isfinite(logits).all(axis=1)] = np.nan


def _probability_block(
    probabilities: Table, labels: Labels, tables: Float[np.ndarray, "2 rows classes"], out: Sums
) -> None:
    logs, p = tables
    rows = np.arange(len(labels))
    top = np.argmax(probabilities, axis=1)
    np.copyto(p, probabilities)
    likeliest, own = p[rows, top], np.where(top == labels, 0.0, p[rows, labels])
    p[rows, top] = p[rows, labels] = 0.0
    rest = np.add.reduce(p, axis=1)
    total = rest + likeliest + own
    with np.errstate(divide="ignore", invalid="ignore"):  # p_y = 0, and rows that are refused
        np.log(np.maximum(p, np.finfo(np.float64).tiny, out=logs), out=logs)
        log_top = np.log(likeliest)
        out[0] = rest / likeliest
        out[1] = np.maximum(rest * log_top - np.einsum("ij,ij->i", p, logs), 0.0) / likeliest
        out[3] = np.where(top == labels, 0.0, np.log(own) - log_top)
    _surprise(p, logs, total, out[2])
    out[4] = np.where(np.abs(total - 1.0) <= OFF_ONE, top == labels, np.nan)
    if not (probabilities.min() >= 0 and probabilities.max() <= MOST):  # NaN is neither
        out[4, ~((probabilities >= 0) & (probabilities <= MOST)).all(axis=1)] = np.nan


def _surprise(weights: Table, spare: Table, total: Rows, out: Rows) -> None:
    """Sum -p log(1 - p), p = weights / total; both tables are used up."""
    with np.errstate(divide="ignore", invalid="ignore"):  # of rows that are refused
        weights *= (-1.0 / total)[:, None]
        np.log1p(weights, out=spare)
        out[:] = np.einsum("ij,ij->i", weights, spare)
