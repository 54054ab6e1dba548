"""Test accuracy of the plain script's networks and of ours, trained alike, run by run.

    python benchmarks/training_accuracy.py FOLDER [--model small_resnet] [--precision bfloat16]

FOLDER holds CIFAR-100 as Parquet (coarse labels). Both sides train the same initial weights on the
same 5,000 images; the difference is taken run by run, its interval by Student's t over the runs.
"""

import argparse

import numpy as np
import torch
from torch.utils.data import TensorDataset

from pryproof import seeds
from pryproof.data.sources import read
from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.intervals import two_sided
from pryproof.models.layout import channels_last
from pryproof.models.randomness import global_draws
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.predict import predict
from training import plain
from training.ours import recipe

TRAINED, TESTED = 5_000, 10_000


def main() -> None:
    """Train every run both ways and print accuracies and their difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--model", default="small_resnet")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--runs", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    inside = read(given.data, label="coarse_label", part="train").samples
    apart = read(given.data, label="coarse_label", part="test").samples
    chosen = seeds.generator(0, "accuracy").permutation(len(inside))[:TRAINED]
    images, labels = inside.images[chosen], inside.labels[chosen]
    tested, wanted = apart.images[:TESTED], apart.labels[:TESTED]
    work = plain.Work(
        model=given.model,
        data="",
        classes=len(inside.classes),
        samples=TRAINED,
        epochs=given.epochs,
        runs=given.runs,
        precision=given.precision,
        batch=64,
        learning_rate=0.1,
    )
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
    data = TensorDataset(pixels, torch.from_numpy(labels))
    found = []
    for run in range(work.runs):
        with global_draws(run, "plain"):
            theirs, _ = plain.train(work, run, data)
        ours = work.network(run)
        defense = Defense(batch=dynamic_crop_flip(work.padding))
        train(ours, images, labels, defense=defense, recipe=recipe(work), seed=run)
        right = [
            float((predict(channels_last(each), tested).argmax(axis=1) == wanted).mean())
            for each in (theirs, ours)
        ]
        found.append(right)
        print(f"run {run}: plain {right[0]:.4f}, ours {right[1]:.4f}", flush=True)
    both = np.array(found)
    apart_by = both[:, 1] - both[:, 0]
    half = two_sided(0.95, freedom=len(both) - 1) * apart_by.std(ddof=1) / np.sqrt(len(both))
    means = both.mean(axis=0)
    low, high = apart_by.mean() - half, apart_by.mean() + half
    print(
        f"{given.model}, ours in {given.precision}: plain {means[0]:.4f}, ours {means[1]:.4f}, "
        f"difference {apart_by.mean():+.4f} [{low:+.4f}, {high:+.4f}], n = {len(both)} runs"
    )


if __name__ == "__main__":
    main()
