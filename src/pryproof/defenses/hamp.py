"""HAMP (Chen & Pattabiraman 2024): train on unsure labels, and answer with strangers' scores.

Labels are as unsure as an entropy threshold asks; a reward on the entropy of what the model says
keeps it unsure; and every answer shows the scores of a random input, put in the answer's own order.
"""

import hashlib
import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fit import Answer, Fit, Fitted, Given, Logits, by_seams
from pryproof.training.defense import Defense, Loss, Seen
from pryproof.training.predict import predict

GAMMA, ALPHA = 0.95, 0.001  # as published for CIFAR-10; for CIFAR-100: 0.5 and 0.005
BANK = 1000  # random images whose scores are shown; the authors draw one a query
HALVINGS = 60  # of an interval below 1: to the last bit of a float64


def label_probability(gamma: float, *, classes: int) -> float:
    """Return the label's share of the surest target whose entropy is ``gamma`` * ln(classes).

    The others share the rest evenly. 0 asks for hard labels (1.0), 1 for even ones (1 / classes).

    >>> label_probability(0.0, classes=10), label_probability(1.0, classes=10)
    (1.0, 0.1)
    """
    if gamma <= 0:
        return 1.0
    if gamma >= 1:
        return 1.0 / classes
    low, high = 1.0 / classes, 1.0  # the entropy falls from ln(classes) to 0 in between
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _entropy(middle, classes) >= gamma * math.log(classes):
            low = middle
        else:
            high = middle
    return low


def _entropy(label: float, classes: int) -> float:
    other = (1 - label) / (classes - 1)
    mixed = -(classes - 1) * other * math.log(other) if other > 0 else 0.0
    return mixed - label * math.log(label)


def unsure_cross_entropy(*, classes: int, gamma: float = GAMMA, alpha: float = ALPHA) -> Loss:
    """Return the loss seam: divergence from the unsure label, minus the weighted entropy (nats).

    The authors average the divergence over samples and classes; we only over samples, and weigh the
    entropy by ``alpha`` * classes instead. That is ``classes`` times their loss: their values of
    alpha hold, and learning rates mean what they mean for cross entropy. Raises ConfigurationError
    for a gamma outside [0, 1] or a negative alpha.
    """
    if not 0 <= gamma <= 1 or alpha < 0:
        raise ConfigurationError(
            "E044",
            f"gamma must lie in [0, 1] and alpha be 0 or more, got {gamma} and {alpha}",
            fix=f"Leave them at {GAMMA} and {ALPHA}.",
        )
    label = label_probability(gamma, classes=classes)
    other = (1 - label) / (classes - 1)
    target_entropy = _entropy(label, classes)

    def loss(logits: torch.Tensor, seen: Seen) -> torch.Tensor:
        log_p = functional.log_softmax(logits, dim=1)
        of_label = log_p.gather(1, seen.labels[:, None])[:, 0]
        crossed = -other * log_p.sum(dim=1) - (label - other) * of_label
        entropy = -(log_p.exp() * log_p).sum(dim=1)
        return (crossed - target_entropy - alpha * classes * entropy).mean()

    return loss


def reordered(
    logits: Float[np.ndarray, "queries classes"], strangers: Float[np.ndarray, "queries classes"]
) -> Float[np.ndarray, "queries classes"]:
    """Put every stranger's scores in the order of the answer: its largest where the answer's is.

    Of equal scores of an answer the first class counts as larger, so the predicted label stays.

    >>> answer, stranger = np.array([[2.0, 9.0, -1.0]]), np.array([[0.1, 0.2, 0.3]])
    >>> reordered(answer, stranger).tolist()
    [[0.2, 0.3, 0.1]]
    """
    order = np.argsort(-logits, axis=1, kind="stable")
    falling = -np.sort(-strangers, axis=1)
    # a stranger whose two largest scores are equal would lose the predicted label
    falling[:, 0] = np.maximum(falling[:, 0], np.nextafter(falling[:, 1], np.inf))
    answers = np.empty_like(strangers)
    np.put_along_axis(answers, order, falling, axis=1)
    return answers


def strangers_scores(bank: Float[np.ndarray, "bank classes"], *, seed: int) -> Answer:
    """Return the answer seam that shows rows of ``bank``, each in the order of the true answer.

    The row follows from the content of the logits, so asking the same twice teaches nothing.
    """

    def answer(logits: Logits) -> Logits:
        kept = np.ascontiguousarray(logits, dtype=np.float32)
        names = [hashlib.sha256(row.tobytes()).hexdigest() for row in kept]
        rows = [seeds.derive(seed, "hamp answer", name) % len(bank) for name in names]
        return reordered(logits, bank[rows])

    return answer


def hamp(*, padding: int, gamma: float = GAMMA, alpha: float = ALPHA, bank: int = BANK) -> Fit:
    """Train on unsure labels with a reward on entropy, and release strangers' scores.

    ``gamma`` is the entropy of the labels as a share of the largest, ``alpha`` the weight of the
    reward, ``bank`` the number of images of uniform noise whose scores are shown. Predicted labels
    are the model's own; an attack that reads labels alone meets only the training. Fact:
    ``label_probability``. Source: Chen & Pattabiraman 2024, NDSS.
    """
    if bank < 1:
        raise ConfigurationError(
            "E044", f"bank must be 1 image or more, got {bank}", fix=f"Leave it at {BANK}."
        )
    batch = augmented(padding)

    def fit(given: Given) -> Fitted:
        loss = unsure_cross_entropy(classes=given.classes, gamma=gamma, alpha=alpha)
        fitted = by_seams(lambda: Defense(batch=batch, loss=loss))(given)
        draws = seeds.generator(given.seed, "hamp noise")
        noise = draws.integers(0, 256, (bank, *given.images.shape[1:]), dtype=np.uint8)
        return replace(
            fitted,
            answer=strangers_scores(predict(fitted.model, noise), seed=given.seed),
            facts={"label_probability": label_probability(gamma, classes=given.classes)},
        )

    return fit
