"""How often a SELENA student's loss stops being finite, in the textbook form and in ours.

    python benchmarks/training/selena_crashes.py [--rates 0.01 0.1 1] [--seeds 20]

A reproduction of SELENA reports that it frequently crashed on ResNet18. The hypothesis tried here:
log(softmax) underflows where log_softmax does not. Both students of a seed learn from the very
same teachers (K = 4, L = 2), images, order and rate. A run whose loss is not finite goes back once
at half the rate; it "broke" if that happened and "crashed" if it happened twice.
"""

import argparse
import json
import time

import numpy as np
import torch

from pryproof import seeds
from pryproof.checks import TrainingError
from pryproof.defenses.fit import Given
from pryproof.defenses.selena import selena
from pryproof.defenses.soft_labels import soft_labels
from pryproof.models.resolve import build
from pryproof.training.defense import Loss, Seen
from pryproof.training.keeper import State
from pryproof.training.recipe import Recipe

CLASSES = 10


class Kept:
    """Keep finished teachers in memory, and no run under way."""

    def __init__(self, states: dict[str, State] | None = None, name: str = "") -> None:
        self.states, self.name = {} if states is None else states, name

    def load(self) -> State | None:
        return self.states.get(self.name)

    def due(self) -> bool:
        return False

    def save(self, state: State) -> None:
        self.states[self.name] = state

    def part(self, name: str) -> "Kept":
        return Kept(self.states, name)


def textbook(targets: np.ndarray) -> Loss:
    """Return the loss as it is often written: the log of a softmax."""
    table = torch.from_numpy(targets.astype(np.float32))

    def loss(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        log_p = torch.log(torch.softmax(logits, dim=1))
        return -(table[seen.rows] * log_p).sum(dim=1).mean()

    return loss


def given(options: argparse.Namespace, *, rate: float, seed: int) -> Given:
    """Make noise images with random labels, new ones for every seed."""
    draws = seeds.generator(seed, "noise")
    shape = (options.side, options.side, 3)
    return Given(
        make=lambda one: build("resnet18", classes=CLASSES, shape=shape, seed=one),
        images=draws.integers(0, 256, (options.images, *shape), dtype=np.uint8),
        labels=draws.integers(0, CLASSES, options.images),
        classes=CLASSES,
        recipe=Recipe(epochs=options.epochs, batch=16, learning_rate=rate),
        seed=seed,
        keep=Kept(),
    )


def outcome(one: Given, loss: object) -> str:
    """Say how a run ended: fine, broke once, or crashed."""
    try:
        fitted = selena(padding=1, teachers=4, unseen=2, student_loss=loss)(one)
    except TrainingError:
        return "crashed"
    return "broke" if fitted.history.rollbacks else "fine"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.01, 0.1, 1.0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--side", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    start = time.perf_counter()
    for rate in options.rates:
        ends: dict[str, list[str]] = {"textbook": [], "log_softmax": []}
        for seed in range(options.seeds):
            one = given(options, rate=rate, seed=seed)
            ends["textbook"].append(outcome(one, textbook))
            ends["log_softmax"].append(outcome(one, soft_labels))
            last = {name: found[-1] for name, found in ends.items()}
            print(json.dumps({"rate": rate, "seed": seed, **last}), flush=True)
        counts = {
            name: {kind: found.count(kind) for kind in ("fine", "broke", "crashed")}
            for name, found in ends.items()
        }
        seconds = round(time.perf_counter() - start, 1)
        print(json.dumps({"rate": rate, "seeds": options.seeds, **counts, "seconds": seconds}))


if __name__ == "__main__":
    main()
