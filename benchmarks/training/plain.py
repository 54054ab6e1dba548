"""The plain script: ``python -m training.plain WORK.json FOLDER`` trains one run after another.

As such scripts are written: float images in a ``TensorDataset``, a shuffling ``DataLoader``
(num_workers 0: the data are in memory, so processes would only add copies), contiguous memory,
float32, torch's default threads, crop and flip image by image. Only the networks, their initial
weights and the shape of the schedule are taken from pryproof, so that both sides do equal work.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from pryproof.models.randomness import global_draws
from pryproof.models.resolve import build
from pryproof.training.recipe import Precision
from pryproof.training.schedule import one_cycle

SIDE = 32  # pixels


@dataclass(frozen=True, kw_only=True)
class Work:
    """What both sides do: so many runs of one network on the same images, by the same recipe.

    ``data`` is an ``.npz`` file with uint8 ``images``, channels last, and int64 ``labels``.
    ``precision`` is ours; the plain script trains in float32.
    """

    model: str
    data: str
    classes: int
    samples: int
    epochs: int
    runs: int
    precision: Precision
    device: str = "cpu"
    batch: int = 128
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    padding: int = 4

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Read the images and labels."""
        with np.load(self.data) as kept:
            return kept["images"][: self.samples], kept["labels"][: self.samples]

    def network(self, run: int) -> nn.Module:
        """Build the network of one run; its initial weights are the same on both sides."""
        return build(self.model, classes=self.classes, shape=(SIDE, SIDE, 3), seed=run)


@dataclass(frozen=True, kw_only=True)
class Run:
    """How one run went: moments of the machine's monotonic clock (s), final train loss (nats).

    ``loss`` is the mean over the batches of the last epoch, as they were trained on; ``building``
    the seconds in which the network and what else the run needs were made before ``started``;
    ``core_seconds`` are those all its threads computed.
    """

    started: float
    ended: float
    core_seconds: float
    building: float
    loss: float
    threads: int


def main() -> None:
    """Do the work and write what every run said."""
    work = Work(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    folder = Path(sys.argv[2])
    images, labels = work.arrays()
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
    data = TensorDataset(pixels, torch.from_numpy(labels))
    for index in range(work.runs):
        with global_draws(index, "plain"):
            _, run = train(work, index, data)
        (folder / f"run-{index}.json").write_text(json.dumps(asdict(run)), encoding="utf-8")


def train(work: Work, index: int, data: TensorDataset) -> tuple[nn.Module, Run]:
    """Train one run as a tutorial would; return its network and how it went."""
    began = time.monotonic()
    model = work.network(index).to(work.device, memory_format=torch.contiguous_format)
    loader = DataLoader(data, batch_size=work.batch, shuffle=True, num_workers=0)
    optimizer = torch.optim.SGD(groups(model, work), lr=work.learning_rate, momentum=work.momentum)
    total = work.epochs * len(loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: one_cycle(step / total, peak=1.0)
    )
    model.train()
    started, busy = time.monotonic(), time.process_time()
    for _ in range(work.epochs):
        losses = []
        for images, labels in loader:
            batch = crop_flip(images.to(work.device), work.padding)
            loss = functional.cross_entropy(model(batch), labels.to(work.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
    if work.device == "cuda":
        torch.cuda.synchronize()
    return model, Run(
        started=started,
        ended=time.monotonic(),
        core_seconds=time.process_time() - busy,
        building=started - began,
        loss=sum(losses) / len(losses),
        threads=torch.get_num_threads(),
    )


def groups(model: nn.Module, work: Work) -> list[dict[str, object]]:
    """Let all weights decay but those the network exempts."""
    exempt = model.no_weight_decay() if hasattr(model, "no_weight_decay") else set()
    named = list(model.named_parameters())
    decaying = [parameter for name, parameter in named if name not in exempt]
    others = [parameter for name, parameter in named if name in exempt]
    return [
        {"params": decaying, "weight_decay": work.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def crop_flip(images: torch.Tensor, padding: int) -> torch.Tensor:
    """Shift every image by up to ``padding`` pixels and mirror half of them."""
    height, width = images.shape[2:]
    shown = []
    for image in functional.pad(images, (padding,) * 4):
        top, left = torch.randint(0, 2 * padding + 1, (2,)).tolist()
        crop = image[:, top : top + height, left : left + width]
        shown.append(crop.flip(2) if torch.rand(()) < 0.5 else crop)
    return torch.stack(shown)


if __name__ == "__main__":
    main()
