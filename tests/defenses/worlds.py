"""Small training sets for tests of defenses that need reference images or a real attack."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from pryproof.data.sources import read
from pryproof.defenses.fit import Given
from pryproof.models.resolve import build
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe
from training.stopping import toy


def toy_given(*, epochs: int = 3, **changes) -> Given:
    """Return 32 members of two easy classes, and as many reference images."""
    images, labels = toy(64)
    whole = Given(
        make=lambda seed: build("small_cnn", classes=2, shape=(8, 8, 1), seed=seed),
        images=images[:32],
        labels=labels[:32],
        classes=2,
        recipe=Recipe(epochs=epochs, batch=8, learning_rate=0.05),
        seed=5,
        reference=(images[32:], labels[32:]),
    )
    return replace(whole, **changes)


def real_given() -> tuple[Given, np.ndarray, np.ndarray]:
    """Return 300 real members with 300 reference images; then members and 300 others to judge."""
    samples = read("embedded:fashion-mnist").samples
    images, labels = samples.images[:900], samples.labels[:900]
    given = Given(
        make=lambda seed: build("small_cnn", classes=10, shape=(28, 28, 1), seed=seed),
        images=images[:300],
        labels=labels[:300],
        classes=10,
        recipe=Recipe(epochs=12, batch=32, learning_rate=0.1),
        seed=5,
        reference=(images[600:], labels[600:]),
    )
    return given, images[:600], labels[:600]


def confidence(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the log-probability of every label: the simplest score of membership."""
    logits = torch.from_numpy(predict(model, images)).log_softmax(dim=1)
    return logits.numpy()[np.arange(len(labels)), labels]
