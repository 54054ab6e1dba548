"""Train the runs of a real valuation under one defense, and store what they say.

    python benchmarks/valuation/real_runs.py FOLDER ce_crop_flip OUT_FOLDER

FOLDER holds CIFAR-100 as Parquet. Per defense: five runs on the members that vote, two more that
are judged, and six on as many strangers, images nobody else trains on: three to subtract what
models say of images they never saw, three for the attack that judges. 8 to 15 minutes on one core.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pryproof import seeds
from pryproof.data.sources import read
from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.defenses.relax_loss import relax_loss
from pryproof.models.resolve import build
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe

MEMBERS, OUTSIDE = 5_000, 5_000
ROLES = {"value": 5, "judged": 2, "unseen": 3, "shadow": 3}
CANARIES = 50  # of each kind
MOBILENET = "mobilenet_v3_small/torchvision"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A defense, the network it protects and how long that trains."""

    epochs: int
    model: str = "small_resnet"
    learning_rate: float = 0.2
    padding: int | None = None
    alpha: float | None = None
    canaries: bool = False

    def defense(self) -> Defense:
        """Return the seams it sets."""
        parts = {}
        if self.padding is not None:
            parts["batch"] = dynamic_crop_flip(self.padding)
        if self.alpha is not None:
            parts["loss"] = relax_loss(self.alpha)
        return Defense(**parts)


CONDITIONS = {
    "ce": Condition(epochs=18),
    "ce_early": Condition(epochs=8),
    "ce_crop_flip": Condition(epochs=24, padding=4),
    "relax_1": Condition(epochs=18, alpha=1.0),
    "relax_2": Condition(epochs=18, alpha=2.0),
    "relax_1.5_crop_flip": Condition(epochs=24, padding=4, alpha=1.5),
    "relax_2_crop_flip": Condition(epochs=24, padding=4, alpha=2.0),
    "ce_canaries": Condition(epochs=18, canaries=True),
    "mobilenet_ce": Condition(epochs=24, model=MOBILENET, learning_rate=0.1),
    "mobilenet_ce_crop_flip": Condition(epochs=30, model=MOBILENET, learning_rate=0.1, padding=4),
}


def main() -> None:
    """Train every run of a condition and write each as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("condition", choices=CONDITIONS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    condition = CONDITIONS[given.condition]
    members, strangers, outside = parts(given.data, given.seed)
    if condition.canaries:
        members = with_canaries(*members, seed=given.seed)
    judged = np.concatenate([members[0], outside[0]])
    labels = np.concatenate([members[1], outside[1]])
    given.out.mkdir(parents=True, exist_ok=True)
    roles = [(role, k) for role, count in ROLES.items() for k in range(count)]
    if condition.canaries:  # strangers are those of plain CE, at the canaries' images
        roles = [(role, k) for role, k in roles if role in ("value", "unseen")]
    for role, k in roles:
        place = given.out / f"{given.condition}-{role}-{k}.npz"
        if place.exists():  # the same command continues
            continue
        images, classes = members if role in ("value", "judged") else strangers
        seed = seeds.derive(given.seed, given.condition, role, k)
        model = build(condition.model, classes=20, shape=images.shape[1:], seed=seed)
        train(
            model,
            images,
            classes,
            defense=condition.defense(),
            recipe=Recipe(epochs=condition.epochs, batch=64, learning_rate=condition.learning_rate),
            seed=seed,
        )
        logits = predict(model, judged)
        right = logits.argmax(1) == labels
        print(
            f"{given.condition} {role} {k}: members {right[:MEMBERS].mean():.3f}, "
            f"others {right[MEMBERS:].mean():.3f}",
            flush=True,
        )
        np.savez(place, logits=logits, labels=labels)


Labelled = tuple[np.ndarray, np.ndarray]


def parts(data: str, seed: int) -> tuple[Labelled, Labelled, Labelled]:
    """Return members, strangers (both of the training split) and images outside (test split)."""
    inside = read(data, label="coarse_label", part="train").samples
    apart = read(data, label="coarse_label", part="test").samples
    order = seeds.generator(seed, "members").permutation(len(inside))[: 2 * MEMBERS]
    tested = seeds.generator(seed, "outside").permutation(len(apart))[:OUTSIDE]
    first, second = order[:MEMBERS], order[MEMBERS:]
    return (
        (inside.images[first], inside.labels[first]),
        (inside.images[second], inside.labels[second]),
        (apart.images[tested], apart.labels[tested]),
    )


def with_canaries(images: np.ndarray, labels: np.ndarray, *, seed: int) -> Labelled:
    """Replace members: mislabelled, atypical (pixels shuffled) and near-duplicates of others."""
    images, labels = images.copy(), labels.copy()
    kinds = canary_places()
    draws = seeds.generator(seed, "canaries")
    wrong = kinds["mislabelled"]
    labels[wrong] = (labels[wrong] + draws.integers(1, 20, len(wrong))) % 20
    for place in kinds["atypical"]:
        pixels = images[place].reshape(-1, 3)
        images[place] = pixels[draws.permutation(len(pixels))].reshape(images[place].shape)
    twins = kinds["near_duplicate"]
    originals = twins + CANARIES  # members left as they are
    noise = draws.integers(-4, 5, images[twins].shape)
    images[twins] = np.clip(images[originals].astype(np.int64) + noise, 0, 255).astype(np.uint8)
    labels[twins] = labels[originals]
    return images, labels


def canary_places() -> dict[str, np.ndarray]:
    """Say which members are which canaries."""
    kinds = ("mislabelled", "atypical", "near_duplicate")
    return {kind: np.arange(CANARIES) + i * CANARIES for i, kind in enumerate(kinds)}


if __name__ == "__main__":
    main()
