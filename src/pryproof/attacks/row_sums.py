"""Sums along the rows of a table, with the very rounding of NumPy's.

NumPy sums up to 128 numbers that lie side by side in eight running sums, joins them in pairs, and
adds what is left over one by one. A dialect that must agree to the last bit has to do the same.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float

from pryproof.compiled import compiled

FEWEST, MOST = 8, 128  # columns that NumPy sums in this way


def row_sums(
    table: Float[np.ndarray, "rows columns"],
    out: Float[np.ndarray, " rows"],
    *,
    accelerate: bool,
) -> None:
    """Fill ``out`` with ``np.sum(table, axis=1)``, bit for bit, if need be in a compiled loop.

    >>> out = np.empty(1)
    >>> row_sums(np.array([[1.0, 2.0]]), out, accelerate=False)
    >>> out
    array([3.])
    """
    if accelerate and table.flags.c_contiguous and FEWEST <= table.shape[1] <= MOST:
        _kernel()(table, out)
    else:
        np.sum(table, axis=1, out=out)


def row_sum_loop(table: np.ndarray, out: np.ndarray) -> None:
    """Sum the rows of a plain table of 8 to 128 columns."""
    columns = table.shape[1]
    even = columns - columns % 8
    for i in range(len(table)):
        x = table[i]
        a, b, c, d, e, f, g, h = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
        for k in range(8, even, 8):
            a += x[k]
            b += x[k + 1]
            c += x[k + 2]
            d += x[k + 3]
            e += x[k + 4]
            f += x[k + 5]
            g += x[k + 6]
            h += x[k + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
        for k in range(even, columns):
            total += x[k]
        out[i] = total


@cache
def _kernel() -> Callable[..., None]:
    return compiled(row_sum_loop)
