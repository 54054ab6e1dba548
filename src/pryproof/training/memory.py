"""Out of memory, said so that one knows what to do; the batch never shrinks by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pryproof.checks import MachineError

_WORDS = ("out of memory", "not enough memory", "can't allocate memory")


@contextmanager
def named_when_full(*, batch: int, setting: str) -> Iterator[None]:
    """Turn torch's several ways to run out of memory into one error with a way out.

    Batch normalisation sees the batch: splitting it would change what is trained, so that is left
    to the user, who then knows. ``setting`` is the one that holds the batch.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        told = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not told and not any(word in str(error).lower() for word in _WORDS):
            raise
        raise MachineError(
            "E071",
            f"a step on {batch} images does not fit into memory",
            fix=f"Set {setting} below {batch}, use fewer workers, or choose a smaller network.",
        ) from error
