"""Four ways to train several runs on one device, doing the same work, run by run.

One after another; as processes (what a study does); as threads of one process, on a GPU each with a
stream of its own; and as one network with a leading axis of runs (``torch.func``, ``vmap``), whose
convolutions become grouped ones. Every run has the initial weights, order, augmentation and rate it
has in the package, so all ways must end at about the same losses: the table says how far apart.
Threads share torch's generators: for a network that draws (dropout, dropped paths) theirs differ.
"""

import copy
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from pryproof.augment.crop_flip import crop_flip
from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.models.randomness import torch_generator
from pryproof.training.defense import Defense, shuffled
from pryproof.training.loop import scaled, train
from pryproof.training.recipe import optimizer_of
from pryproof.training.schedule import one_cycle
from training import ours
from training.ours import recipe
from training.plain import Work

State = dict[str, torch.Tensor]
Losses = list[float]  # of the last epoch, nats, by run


def one_run(work: Work, index: int) -> float:
    """Train one run through the package, on the work's device; return its last epoch's loss."""
    images, labels = work.arrays()
    model = work.network(index).to(work.device)
    defense = Defense(batch=dynamic_crop_flip(work.padding))
    history = train(model, images, labels, defense=defense, recipe=recipe(work), seed=index)
    return float(history.batch_loss[-1].mean())


def one_after_another(work: Work, folder: Path) -> Losses:
    """Train the runs in turn."""
    return [one_run(work, index) for index in range(work.runs)]


def processes(work: Work, folder: Path) -> Losses:
    """Train every run in a process of its own; each writes when it began and ended."""
    ours.train_all(work, folder, workers=work.runs)
    said = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("run-*"))]
    return [run["loss"] for run in said]


def threads(work: Work, folder: Path) -> Losses:
    """Train every run in a thread, on a GPU with a stream of its own."""

    def alone(index: int) -> float:
        cuda = work.device != "cpu"
        with torch.cuda.stream(torch.cuda.Stream()) if cuda else nullcontext():
            return one_run(work, index)

    with ThreadPoolExecutor(work.runs) as pool:
        return list(pool.map(alone, range(work.runs)))


def stacked(work: Work, folder: Path) -> Losses:
    """Train all runs as one network whose weights and batches have a leading axis of runs."""
    images, labels = (torch.from_numpy(each).to(work.device) for each in work.arrays())
    models = [work.network(index).to(work.device).train() for index in range(work.runs)]
    weights, buffers = stack_module_state(models)
    base = copy.deepcopy(models[0]).to("meta")
    optimizer = optimizer_of(_Stack(base, weights), recipe(work))

    def loss(own: State, kept: State, batch: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        halved = work.precision == "bfloat16"
        with torch.autocast(torch.device(work.device).type, torch.bfloat16, enabled=halved):
            logits = functional_call(base, (own, kept), (batch,))
        return functional.cross_entropy(logits.float(), target)

    together = vmap(loss, randomness="different")
    batches = max(1, round(len(labels) / work.batch))
    last = torch.zeros(work.runs, batches)
    for epoch in range(work.epochs):
        orders = [
            shuffled(samples=len(labels), batches=batches, seed=index, epoch=epoch)
            for index in range(work.runs)
        ]
        for step in range(batches):
            rows = torch.stack([order[step] for order in orders]).to(work.device)
            batch = torch.stack(
                [
                    _augmented(work, images[here], index, epoch, step)
                    for index, here in enumerate(rows)
                ]
            )
            each = together(weights, buffers, batch, labels[rows])
            done = (epoch * batches + step) / (work.epochs * batches)
            for group in optimizer.param_groups:
                group["lr"] = one_cycle(done, peak=work.learning_rate)
            optimizer.zero_grad()
            each.sum().backward()
            optimizer.step()
            last[:, step] = each.detach().cpu()
    return last.mean(dim=1).tolist()


class _Stack:
    """Stacked weights under the names of the network they are of, as ``optimizer_of`` asks."""

    def __init__(self, base: nn.Module, weights: dict[str, torch.Tensor]) -> None:
        self.no_weight_decay = getattr(base, "no_weight_decay", None)
        self.named_parameters = weights.items


def _augmented(work: Work, images: torch.Tensor, index: int, epoch: int, step: int) -> torch.Tensor:
    """Augment a batch with the draws it has in the package's loop."""
    draws = torch_generator(index, "augmentation", epoch, step)
    return crop_flip(scaled(images), padding=work.padding, generator=draws)


CHOICES: dict[str, Callable[[Work, Path], Losses]] = {
    "one after another": one_after_another,
    "processes": processes,
    "threads": threads,
    "stacked": stacked,
}


def compared(work: Work, folder: Path) -> list[dict[str, Any]]:
    """Measure all ways, each after one run to warm the device up; seconds are wall time.

    Of processes they go from the first step of any to the last, without their start.
    """
    rows: list[dict[str, Any]] = []
    for name, way in CHOICES.items():
        place = folder / name.replace(" ", "-")
        place.mkdir()
        one_run(work, 0)  # allocation, and what a device sets up at the first step
        _wait(work)
        started = time.perf_counter()
        losses = way(work, place)
        _wait(work)
        seconds = _spent(place) or time.perf_counter() - started
        first = rows[0]["losses"] if rows else losses
        rows.append(
            {
                "way": name,
                "seconds": round(seconds, 2),
                "images_per_second": round(work.runs * work.epochs * work.samples / seconds, 1),
                "losses": [round(loss, 6) for loss in losses],
                "furthest_from_first": max(
                    abs(mine - theirs) for mine, theirs in zip(losses, first, strict=True)
                ),
            }
        )
    return rows


def _spent(folder: Path) -> float:
    said = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("run-*")]
    return max((run["ended"] for run in said), default=0) - min(
        (run["started"] for run in said), default=0
    )


def _wait(work: Work) -> None:
    if work.device != "cpu":
        torch.cuda.synchronize()
