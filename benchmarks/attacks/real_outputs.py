"""Train small networks on random halves of real images, and store what they say for ``attack``.

    python benchmarks/attacks/real_outputs.py FOLDER runs.npz

FOLDER holds CIFAR-100 as Parquet. Every image of the pool is in half of the training sets; two
queries an image (as it is, and mirrored); a population that no run trained on. About 17 minutes
on one core.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from pryproof import seeds
from pryproof.data.sources import read
from pryproof.models.resolve import build
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe

RUNS, POOL, POPULATION, EPOCHS = 16, 8_000, 4_000, 16


def main() -> None:
    """Train every run and write one archive: logits of both queries, labels, membership."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    samples = read(given.data, label="coarse_label", part="train").samples
    order = seeds.generator(given.seed, "pool").permutation(len(samples))[: POOL + POPULATION]
    images, labels = samples.images[order], samples.labels[order]
    member = design(given.seed)
    logits = []
    for run in range(RUNS):
        model = build(
            "small_resnet",
            classes=len(samples.classes),
            shape=images.shape[1:],
            seed=seeds.derive(given.seed, "model", run),
        )
        train(
            model,
            images[:POOL][member[run]],
            labels[:POOL][member[run]],
            defense=Defense(),
            recipe=Recipe(epochs=EPOCHS, batch=64, learning_rate=0.2),
            seed=seeds.derive(given.seed, "train", run),
        )
        logits.append([predict(model, images), predict(model, images[:, :, ::-1].copy())])
        right = logits[-1][0].argmax(1) == labels
        inside = right[:POOL][member[run]].mean()
        print(f"run {run}: train {inside:.3f}, other {right[POOL:].mean():.3f}", flush=True)
    said = np.array(logits)
    np.savez(
        given.out,
        logits=said[:, :, :POOL],
        labels=labels[:POOL],
        member=member,
        population_logits=said[:, :, POOL:],
        population_labels=labels[POOL:],
    )


def design(seed: int) -> np.ndarray:
    """Put every image into exactly half of the training sets, drawn in complementary pairs."""
    member = np.zeros((RUNS, POOL), dtype=bool)
    for run in range(0, RUNS, 2):
        chosen = seeds.generator(seed, "half", run).permutation(POOL)[: POOL // 2]
        member[run, chosen] = True
        member[run + 1] = ~member[run]
    return member


if __name__ == "__main__":
    main()
