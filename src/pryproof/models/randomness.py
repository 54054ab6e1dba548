"""Named, counter-based randomness for torch: no draw depends on what was drawn before it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pryproof import seeds


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """Return the CPU generator of a named draw."""
    return torch.Generator().manual_seed(seeds.derive(seed, *names))


@contextmanager
def global_draws(
    seed: int, *names: str | int, device: torch.device | None = None
) -> Iterator[None]:
    """Let what only knows torch's global generators (initialisation, dropout) draw from named ones.

    On a CUDA ``device`` dropout draws from the device's own generator: it is named the same way.
    The states before are restored at the end, so nothing outside the block notices.
    """
    cuda = [] if device is None or device.type != "cuda" else [device]
    with torch.random.fork_rng(devices=cuda):
        torch.set_rng_state(torch_generator(seed, *names).get_state())
        for place in cuda:
            named = torch.Generator(place).manual_seed(seeds.derive(seed, *names))
            torch.cuda.set_rng_state(named.get_state(), place)
        yield
