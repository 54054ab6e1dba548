"""The CycleGAN's plans, in the form that ``bench_gans`` drives."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gans import plain_cycle_gan
from pryproof.generation.settings import CycleGanSettings
from pryproof.seeds import generator
from pryproof.training.recipe import Precision

SAMPLES = 256  # images a domain


@dataclass(frozen=True, kw_only=True)
class Work:
    """What both sides do; ``precision`` is ours, the plain script trains in float32."""

    channels: int
    blocks: int
    side: int = 32
    batch: int = 16
    steps: int = 60  # of fewer, our three evaluations on held-out images are the most
    runs: int = 2
    precision: Precision = "float32"

    @property
    def images(self) -> int:
        """Images of both domains that one run learns from."""
        return 2 * self.batch * self.steps


PLANS = {
    "16 channels, 3 blocks, 32 px": Work(channels=16, blocks=3),
    "32 channels, 3 blocks, 32 px": Work(channels=32, blocks=3),
}


def ours(work: Work, index: int) -> dict[str, float]:
    """Train one run with the package; return its cycle error in the last half."""
    return _run(plain_cycle_gan.ours, work, index)


def plain(work: Work, index: int) -> dict[str, float]:
    """Train one run as a script would; return its cycle error in the last half."""
    return _run(plain_cycle_gan.plain, work, index)


def _run(
    side: Callable[[plain_cycle_gan.Work, int], plain_cycle_gan.Run], work: Work, index: int
) -> dict[str, float]:
    settings = CycleGanSettings(
        channels=work.channels,
        blocks=work.blocks,
        discriminator_channels=work.channels,
        batch=work.batch,
        steps=work.steps,
        records=2,
        precision=work.precision,
    )
    draws = generator(0, "benchmark", "domains")
    shape = (SAMPLES, work.side, work.side, 3)
    domains = {
        name: draws.integers(low, low + 128, shape, dtype=np.uint8)
        for name, low in (("safe", 0), ("risky", 128))
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domains.npz"
        np.savez(path, **domains)
        given = plain_cycle_gan.Work(data=str(path), runs=1, settings=asdict(settings))
        return {"cycle": side(given, index).cycle}
