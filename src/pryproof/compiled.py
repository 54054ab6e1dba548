"""The same loops, compiled where Numba is installed (``pip install pryproof[fast]``).

A compiled kernel is an accelerator only: it has a NumPy twin that gives the same numbers, and is
worth its start only on much data. Importing this module does not import Numba.
"""

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, TypeVar

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


@cache
def available() -> bool:
    """Say whether Numba is installed."""
    return importlib.util.find_spec("numba") is not None


@cache
def compiled(
    loop: Kernel, *, calls: tuple[Callable[..., Any], ...] = (), reorder: bool = False
) -> Kernel:
    """Compile a loop over NumPy arrays once; its machine code is kept between processes.

    ``calls`` are the plain functions that the loop calls by name, each after those that it calls
    itself; they are compiled with it. ``reorder`` lets sums be taken in another order, and
    a * b + c be rounded once: the loop can then work on several numbers at a time, and its last
    digits are its own.
    """
    names: dict[str, Any] = {}
    for each in calls:
        names[each.__name__] = _compiled(each, names, reorder=reorder)
    kernel: Any = _compiled(loop, names, reorder=reorder)
    return kernel


def _compiled(
    loop: Callable[..., Any], names: dict[str, Any], *, reorder: bool
) -> Callable[..., Any]:
    numba = importlib.import_module("numba")
    plain: Any = inspect.unwrap(loop)
    if names:
        plain = FunctionType(plain.__code__, {**plain.__globals__, **names}, plain.__name__)
    options = {"contract", "reassoc"} if reorder else False
    kernel: Callable[..., Any] = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath=options
    )(plain)
    return kernel
