"""The same runs through the package: one-thread worker processes, channels last, uint8 images."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import torch

from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.engine.local import Event, Job, execute
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.recipe import Recipe, optimizer_of
from training.plain import Run, Work


def train_all(work: Work, folder: Path, *, workers: int) -> None:
    """Train all runs in worker processes; each writes what it said to ``folder``."""
    jobs = [
        Job(name=f"run {index}", call=train_one, arguments=(work, index, folder), after=())
        for index in range(work.runs)
    ]
    execute(jobs, workers=workers, on_event=unheard, preload=["training.ours"])


def train_one(work: Work, index: int, folder: Path) -> None:
    """Train one run; the call of a job."""
    began = time.monotonic()
    torch.set_num_threads(1)
    images, labels = work.arrays()
    model = work.network(index).to(work.device)
    defense = Defense(batch=dynamic_crop_flip(work.padding))
    optimizer_of(model, recipe(work))  # the first one in a process imports a good part of torch
    started, busy = time.monotonic(), time.process_time()
    history = train(model, images, labels, defense=defense, recipe=recipe(work), seed=index)
    if work.device == "cuda":
        torch.cuda.synchronize()
    run = Run(
        started=started,
        ended=time.monotonic(),
        core_seconds=time.process_time() - busy,
        building=started - began,
        loss=float(history.batch_loss[-1].mean()),
        threads=torch.get_num_threads(),
    )
    (folder / f"run-{index}.json").write_text(json.dumps(asdict(run)), encoding="utf-8")


def recipe(work: Work) -> Recipe:
    """Return the plain script's recipe, in our precision."""
    return Recipe(
        epochs=work.epochs,
        batch=work.batch,
        learning_rate=work.learning_rate,
        momentum=work.momentum,
        weight_decay=work.weight_decay,
        precision=work.precision,
    )


def unheard(event: Event) -> None:
    """Let an event pass."""
