"""The plain CycleGAN script: ``python -m gans.plain_cycle_gan WORK.json FOLDER``, run after run.

As such scripts are written: float images in two ``TensorDataset``s and shuffling ``DataLoader``s,
contiguous memory, float32, torch's default threads, one pass a call of a generator. The networks'
shapes, the objective, batch, rates and steps are the package's, so both sides do equal work.
"""

import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from pryproof.generation.fit_cycle_gan import fit_cycle_gan, rate_factor
from pryproof.generation.image_pool import ImagePool
from pryproof.generation.settings import CycleGanSettings
from pryproof.models.cycle_gan import cycle_generator, patch_discriminator
from pryproof.models.randomness import global_draws, torch_generator


@dataclass(frozen=True, kw_only=True)
class Work:
    """What both sides do: so many runs on an ``.npz`` file of ``safe`` and ``risky`` images."""

    data: str
    runs: int
    settings: dict[str, object]

    def chosen(self) -> CycleGanSettings:
        """Return the settings."""
        return CycleGanSettings(**self.settings)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Read both domains, uint8, channels last."""
        with np.load(self.data) as kept:
            return kept["safe"], kept["risky"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """How one run went: moments of the monotonic clock (s), the cycle error of the last half."""

    started: float
    ended: float
    core_seconds: float
    cycle: float
    images_per_second: float  # of both domains together
    threads: int


def main() -> None:
    """Train all runs one after another and write what each said."""
    work = Work(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for index in range(work.runs):
        run = plain(work, index)
        path = Path(sys.argv[2]) / f"run-{index}.json"
        path.write_text(json.dumps(asdict(run)), encoding="utf-8")


def ours(work: Work, index: int) -> Run:
    """Train one run through the package, with as many threads as the caller set."""
    settings, (safe, risky) = work.chosen(), work.arrays()
    labels = [np.zeros(len(domain), dtype=np.int64) for domain in (safe, risky)]
    started, busy = time.monotonic(), time.process_time()
    fitted = fit_cycle_gan(safe, risky, *labels, settings=settings, seed=index)
    return told(started, busy, settings, float(fitted.history["cycle"][-1]))


def plain(work: Work, index: int) -> Run:
    """Train one run the straightforward way."""
    settings, (safe, risky) = work.chosen(), work.arrays()
    with global_draws(index, "plain"):
        networks = built(safe.shape[1:], settings)
        started, busy = time.monotonic(), time.process_time()
        cycles = trained(networks, drawn(safe, settings), drawn(risky, settings), settings)
    return told(started, busy, settings, float(np.mean(cycles[len(cycles) // 2 :])))


def told(started: float, busy: float, settings: CycleGanSettings, cycle: float) -> Run:
    """Sum up a run that has just ended."""
    ended = time.monotonic()
    return Run(
        started=started,
        ended=ended,
        core_seconds=time.process_time() - busy,
        cycle=cycle,
        images_per_second=2 * settings.batch * settings.steps / (ended - started),
        threads=torch.get_num_threads(),
    )


def drawn(images: np.ndarray, settings: CycleGanSettings) -> Iterator[torch.Tensor]:
    """Shuffle through a domain for ever."""
    floats = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous()
    loader = DataLoader(TensorDataset(floats), settings.batch, shuffle=True, drop_last=True)
    return (batch for _ in itertools.count() for (batch,) in loader)


def built(shape: tuple[int, int, int], settings: CycleGanSettings) -> list[nn.Module]:
    """Build both generators and both discriminators, contiguous in memory."""
    made = [
        cycle_generator(
            shape,
            width=settings.channels,
            blocks=settings.blocks,
            downs=settings.downs,
            stem=settings.stem,
            skip=settings.skip,
        )
        for _ in range(2)
    ]
    made += [
        patch_discriminator(
            shape, width=settings.discriminator_channels, layers=settings.discriminator_layers
        )
        for _ in range(2)
    ]
    return [network.to(memory_format=torch.contiguous_format) for network in made]


def trained(
    networks: list[nn.Module],
    safes: Iterator[torch.Tensor],
    riskies: Iterator[torch.Tensor],
    settings: CycleGanSettings,
) -> list[float]:
    """Train as the original script does; return every step's cycle error."""
    s2r, r2s, risky_judge, safe_judge = networks
    betas = (settings.beta1, settings.beta2)
    optimizers = [
        torch.optim.Adam([*a.parameters(), *b.parameters()], lr=settings.learning_rate, betas=betas)
        for a, b in ((s2r, r2s), (risky_judge, safe_judge))
    ]
    pools, cycles = (ImagePool(settings.pool), ImagePool(settings.pool)), []
    for step in range(settings.steps):
        for optimizer in optimizers:
            rate = settings.learning_rate * rate_factor(step, settings.steps)
            optimizer.param_groups[0]["lr"] = rate
        safe, risky = next(safes), next(riskies)
        for judge in (risky_judge, safe_judge):
            judge.requires_grad_(requires_grad=False)
        fake_risky, fake_safe = s2r(safe), r2s(risky)
        cycle = functional.l1_loss(r2s(fake_risky), safe)
        cycle = cycle + functional.l1_loss(s2r(fake_safe), risky)
        loss = away(risky_judge(fake_risky), 1) + away(safe_judge(fake_safe), 1)
        optimizers[0].zero_grad()
        (loss + settings.cycle_weight * cycle).backward()
        optimizers[0].step()
        for judge in (risky_judge, safe_judge):
            judge.requires_grad_(requires_grad=True)
        optimizers[1].zero_grad()
        draws = torch_generator(step, "plain", "pool")
        for judge, pool, real, fake in (
            (risky_judge, pools[0], risky, fake_risky),
            (safe_judge, pools[1], safe, fake_safe),
        ):
            shown = pool.exchange(fake.detach(), generator=draws)
            (0.5 * (away(judge(real), 1) + away(judge(shown), 0))).backward()
        optimizers[1].step()
        cycles.append(cycle.item())
    return cycles


def away(answers: torch.Tensor, target: float) -> torch.Tensor:
    """Return the mean squared distance from a target."""
    return functional.mse_loss(answers, torch.full_like(answers, target))


if __name__ == "__main__":
    main()
