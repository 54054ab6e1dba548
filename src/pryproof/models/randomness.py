"""Named, counter-based randomness for torch: no draw depends on what was drawn before it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pryproof import seeds


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """Return the CPU generator of a named draw."""
    return torch.Generator().manual_seed(seeds.derive(seed, *names))


@contextmanager
def global_draws(seed: int, *names: str | int) -> Iterator[None]:
    """Let what only knows torch's global generator (initialisation, dropout) draw from a named one.

    The state before is restored at the end, so nothing outside the block notices.
    """
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch_generator(seed, *names).get_state())
        yield
