"""Train what the cheap valuations are held against: 64 shadows of plain CE, and one loss trace.

    python benchmarks/valuation/reference_runs.py FOLDER OUT_FOLDER

FOLDER holds CIFAR-100 as Parquet. The pool is the members and the strangers of ``real_runs.py``;
every image is in exactly half of the 64 training sets, each as large as the members' own. The trace
is the members' loss after every epoch of one run on them. About 50 minutes on one core.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from real_runs import CONDITIONS, MEMBERS, parts

from pryproof import seeds
from pryproof.attacks.signals import signals
from pryproof.models.resolve import build
from pryproof.training.loop import train
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe
from pryproof.training.trace import LossTrace

SHADOWS = 64


def main() -> None:
    """Train the trace and every shadow, and write each as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    members, strangers, _ = parts(given.data, given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    images, labels = (np.concatenate(both) for both in zip(members, strangers, strict=True))
    if not (given.out / "trace.npz").exists():
        trace = LossTrace(*members)
        seed = seeds.derive(given.seed, "trace")
        fit(*members, seed=seed, watch=trace)
        np.savez(given.out / "trace.npz", losses=trace.losses)
    for run in range(SHADOWS):
        place = given.out / f"shadow-{run}.npz"
        if place.exists():  # the same command continues
            continue
        inside = half(given.seed, run)
        seed = seeds.derive(given.seed, "reference", run)
        model = fit(images[inside], labels[inside], seed=seed)
        logits = predict(model, images)
        right = logits.argmax(1) == labels
        print(f"{run}: in {right[inside].mean():.3f}, out {right[~inside].mean():.3f}", flush=True)
        phi = signals(logits, labels, accelerate=False)["phi"]
        np.savez(place, phi=phi[:MEMBERS], inside=inside[:MEMBERS])


def fit(
    images: np.ndarray, labels: np.ndarray, *, seed: int, watch: LossTrace | None = None
) -> torch.nn.Module:
    """Train as the condition ``ce`` does."""
    condition = CONDITIONS["ce"]
    model = build(condition.model, classes=20, shape=images.shape[1:], seed=seed)
    recipe = Recipe(epochs=condition.epochs, batch=64, learning_rate=condition.learning_rate)
    train(
        model,
        images,
        labels,
        defense=condition.defense(),
        recipe=recipe,
        seed=seed,
        watch=watch,
    )
    return model


def half(seed: int, run: int) -> np.ndarray:
    """Draw half of the pool; an odd run trains on the half its predecessor left."""
    order = seeds.generator(seed, "half", run // 2).permutation(2 * MEMBERS)
    inside = np.zeros(2 * MEMBERS, dtype=bool)
    inside[order[:MEMBERS]] = True
    return inside if run % 2 == 0 else ~inside


if __name__ == "__main__":
    main()
