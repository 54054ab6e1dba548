"""plan: what each step would take in time, disk and memory, from a probe of a few seconds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pryproof import seeds
from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.generation.fit_cycle_gan import fit_cycle_gan
from pryproof.generation.fit_tac_gan import fit_tac_gan
from pryproof.generation.settings import CycleGanSettings, TacGanSettings
from pryproof.models.resolve import build
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import Task
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.recipe import Recipe

WORKER_MB = 450  # a worker with torch imported and one small network in training
SIGNAL_BYTES = 5 * 8  # five float64 signals a sample


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the data set makes of the settings."""

    shape: tuple[int, int, int]
    classes: int
    members: int
    evaluation: int
    total: int  # samples in all parts that every row's runs are asked of
    extra: int = 0  # further reals, of all folds


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """What the probe measured on one core, and the classifier's size."""

    image: float  # seconds an image trained on
    gan_step: float
    cycle_step: float
    weights: int  # bytes of one classifier


def probe(settings: Settings, sizes: Sizes, *, device: str = "cpu") -> Speeds:
    """Time a few steps of each network on noise, on one thread; the classifier on a device."""
    torch.set_num_threads(1)
    draws = seeds.generator(0, "probe")
    count = max(8 * settings.train.batch, 4 * sizes.classes)
    images = draws.integers(0, 256, (count, *sizes.shape), dtype=np.uint8)
    labels = np.arange(count) % sizes.classes
    model = build(settings.train.model, classes=sizes.classes, shape=sizes.shape, seed=0)
    model.to(device)
    defense = Defense(batch=dynamic_crop_flip(settings.train.padding))
    recipe = Recipe(epochs=1, batch=settings.train.batch)

    def classifier() -> None:
        train(model, images, labels, defense=defense, recipe=recipe, seed=0)

    classifier()  # the first pass pays for allocation
    gan = settings.generate.model_dump(exclude={"amount"})
    cycle = settings.transform.model_dump()
    half = count // 2
    small = {"records": 1}

    def tac_gan(steps: int) -> None:
        chosen = TacGanSettings(**(gan | small | {"steps": steps, "standing_batches": 1}))
        fit_tac_gan(images, labels, classes=sizes.classes, settings=chosen, seed=0)

    def cycle_gan(steps: int) -> None:
        chosen = CycleGanSettings(**(cycle | small | {"steps": steps}))
        fit_cycle_gan(
            images[:half], images[half:], labels[:half], labels[half:], settings=chosen, seed=0
        )

    return Speeds(
        image=_seconds(classifier) / count,
        gan_step=(_seconds(lambda: tac_gan(6)) - _seconds(lambda: tac_gan(2))) / 4,
        cycle_step=(_seconds(lambda: cycle_gan(6)) - _seconds(lambda: cycle_gan(2))) / 4,
        weights=sum(p.numel() * p.element_size() for p in model.parameters()),
    )


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def seconds(task: Task, settings: Settings, sizes: Sizes, speeds: Speeds) -> float:
    """Predict one task's seconds on one core."""
    if task.step in ("train", "choose_alpha"):
        trained = settings.train.epochs * sizes.members * task.cost
        return float(speeds.image * (trained + sizes.total / 3))
    if task.step == "generator":
        return max(0.0, speeds.gan_step) * settings.generate.steps_for(sizes.members)
    if task.step == "transform":
        return max(0.0, speeds.cycle_step) * settings.transform.steps_for(sizes.members)
    return 1.0


def megabytes(task: Task, settings: Settings, sizes: Sizes, speeds: Speeds) -> float:
    """Predict what one task's result takes on disk."""
    image = int(np.prod(sizes.shape))
    fakes = round(sizes.members * settings.generate.amount)
    if task.step == "train":
        return (speeds.weights + sizes.total * SIGNAL_BYTES) / 1e6
    images = {
        "load": sizes.total,
        "extra": sizes.extra,
        "generate": 2 * fakes,
        "transform": 2 * sizes.members + sizes.evaluation + fakes,
        "move": 2 * sizes.members + sizes.evaluation + fakes,
        "protect": sizes.members + fakes,
    }
    return images.get(task.step, 0) * image / 1e6


def memory(sizes: Sizes, *, workers: int) -> float:
    """Predict the megabytes all processes take together."""
    data = sizes.total * float(np.prod(sizes.shape)) / 1e6
    return (max(1, workers) + 1) * (WORKER_MB + 3 * data)


def by_step(tasks: Sequence[Task]) -> dict[str, list[Task]]:
    """Group tasks by what a reader calls them: the step, and for training the row."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(label(task), []).append(task)
    return groups


def label(task: Task) -> str:
    """Return the name without fold and run: train/target/ce/0 -> train ce.

    >>> label(Task(name="train/target/ce/0", step="train", stage="train", settings={}))
    'train ce'
    """
    if task.step == "train":
        return f"train {task.name.split('/')[2]}"
    if task.step in ("attack", "value"):
        return f"{task.step} {task.name.split('/')[2]}"
    return task.step
