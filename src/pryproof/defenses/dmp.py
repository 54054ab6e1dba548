"""DMP (Shejwalkar & Houmansadr 2021): release a student that never saw a member.

An unprotected teacher is trained on the members. Of reference images, whose labels are not used,
those are chosen that it answers with the lowest entropy: by the paper's analysis they tell least
of single members. A student learns the teacher's softened answers to them, and nothing else. It is
a cross entropy whose gradient is that of the paper's Kullback-Leibler divergence.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fit import Fit, Fitted, Given, reference_of
from pryproof.defenses.soft_labels import Lesson, probabilities, share_of, soft_labels, teacher
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.predict import predict


def dmp(*, padding: int, share: float = 0.5, temperature: float = 1.0) -> Fit:
    """Return the fit of DMP on the ``share`` of the reference images with the lowest entropy.

    ``temperature`` softens the teacher's answers and the student's alike. The paper tunes both
    numbers by data set and network; these defaults are ours. ``padding`` (pixels) is that of the
    crop of teacher's and student's images; a soft label belongs to the image as stored. The history
    is the student's, on the chosen images; its batch losses are against the teacher's choice of
    class. Facts: ``transferred``, the number of images chosen. Raises ConfigurationError where
    there are no reference images, unless 0 < share <= 1, and unless temperature > 0.
    """
    _refuse(share, temperature)

    def fit(given: Given) -> Fitted:
        images, _ = reference_of(given, defense="DMP")
        taken = round(share * len(images)) or 1
        spent = len(given.labels) / (len(given.labels) + taken)
        defense = Defense(batch=augmented(padding))
        unprotected = teacher(
            given,
            Lesson(name="teacher", images=given.images, labels=given.labels),
            defense=defense,
            progress=share_of(given.progress, "teacher", start=0.0, end=spent),
        )
        logits = predict(unprotected, images)
        rows = surest(logits, taken)
        student = given.make(given.seed)
        history = train(
            student,
            images[rows],
            logits[rows].argmax(axis=1),
            defense=Defense(
                batch=augmented(padding),
                loss=soft_labels(
                    probabilities(logits[rows], temperature=temperature), temperature=temperature
                ),
            ),
            recipe=given.recipe,
            seed=given.seed,
            progress=share_of(given.progress, "student", start=spent, end=1.0),
            watch=given.watch,
            keep=given.keep.part("student"),
        )
        return Fitted(model=student, history=history, facts={"transferred": taken})

    return fit


def surest(logits: Float[np.ndarray, "queries classes"], count: int) -> Int64[np.ndarray, " taken"]:
    """Return the ``count`` rows whose softmax has the lowest entropy, in their order.

    >>> surest(np.log([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]), 2).tolist()
    [1, 2]
    """
    entropies = entropy(probabilities(logits))
    return np.sort(np.argsort(entropies, kind="stable")[:count])


def entropy(p: Float[np.ndarray, "queries classes"]) -> Float[np.ndarray, " queries"]:
    """Return the entropy (nats) of every row of probabilities, where 0 log 0 is 0.

    >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(4).tolist()
    [0.6931, 0.0]
    """
    return (p * -np.log(np.where(p > 0, p, 1.0))).sum(axis=1)


def _refuse(share: float, temperature: float) -> None:
    if not 0 < share <= 1 or not temperature > 0:
        raise ConfigurationError(
            "E044",
            f"DMP needs a share in (0, 1] and a temperature above 0, got {share} and {temperature}",
            fix="Leave them at 0.5 and 1.",
        )
