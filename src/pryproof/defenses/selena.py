"""SELENA (Tang et al. 2022): answer every member by teachers that never saw it, then distil that.

Split-AI: K teachers; every training sample is hidden from L of them, drawn at random, so a teacher
is trained on about (K - L) / K of the set. The answer to a training sample is the mean softmax of
the L teachers that it was hidden from; the answer to anything else that of the L teachers that one
randomly drawn training sample was hidden from. Self-distillation: a student learns those answers
as soft labels, no hard ones, no temperature. Teachers and student see cropped and flipped images;
the soft label belongs to the image as stored (methods section 5).

Known limit: the label of a near-duplicate of a member comes from teachers that may have seen that
member (Aerni et al. 2024), so near-duplicates are to be tested apart.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8
from torch import nn

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fit import Fit, Fitted, Given
from pryproof.defenses.soft_labels import Lesson, probabilities, share_of, soft_labels, teacher
from pryproof.training.defense import Defense, Loss
from pryproof.training.loop import train
from pryproof.training.predict import predict

TEACHERS, UNSEEN = 25, 10  # of the paper

Hidden = Int64[np.ndarray, "samples unseen"]  # the teachers that do not see each sample


def selena(
    *,
    padding: int,
    teachers: int = TEACHERS,
    unseen: int = UNSEEN,
    student_loss: Callable[[Float[np.ndarray, "samples classes"]], Loss] = soft_labels,
) -> Fit:
    """Return the fit of SELENA with K ``teachers``, each sample hidden from ``unseen`` = L of them.

    ``padding`` (pixels) is that of the crop of teachers' and student's images. The history is the
    student's, its batch losses against the hard labels that it is not trained on. The facts say
    teachers, unseen and, where they are not the paper's 25 and 10, ``reduced``. Costs about K - L
    + 1 trainings. Raises ConfigurationError unless 1 <= unseen < teachers. ``student_loss`` is
    there to show what the textbook form of the soft-label loss does.
    """
    _refuse_impossible(teachers, unseen)

    def fit(given: Given) -> Fitted:
        hidden = split(len(given.labels), teachers=teachers, unseen=unseen, seed=given.seed)
        batch = augmented(padding)
        taught = _taught(given, hidden, teachers=teachers, defense=Defense(batch=batch))
        everyone = np.arange(len(given.labels))
        targets = split_answers(taught, hidden, given.images, seed=given.seed, rows=everyone)
        student = given.make(given.seed)
        history = train(
            student,
            given.images,
            given.labels,
            defense=Defense(batch=batch, loss=student_loss(targets)),
            recipe=given.recipe,
            seed=given.seed,
            source=given.source,
            progress=share_of(
                given.progress, "student", start=_taught_share(teachers, unseen), end=1.0
            ),
            watch=given.watch,
            keep=given.keep.part("student"),
        )
        return Fitted(model=student, history=history, facts=_facts(teachers, unseen))

    return fit


def split(samples: int, *, teachers: int, unseen: int, seed: int) -> Hidden:
    """Draw for every sample the ``unseen`` distinct teachers it is hidden from, sorted.

    >>> split(2, teachers=4, unseen=2, seed=0).shape
    (2, 2)
    """
    lots = seeds.generator(seed, "split").random((samples, teachers))
    return np.sort(np.argsort(lots, axis=1)[:, :unseen], axis=1).astype(np.int64)


def sees(hidden: Hidden, number: int) -> Bool[np.ndarray, " samples"]:
    """Say which samples teacher ``number`` is trained on."""
    return ~(hidden == number).any(axis=1)


def split_answers(
    teachers: Iterable[nn.Module],
    hidden: Hidden,
    images: UInt8[np.ndarray, "queries height width channels"],
    *,
    seed: int,
    rows: Int64[np.ndarray, " queries"] | None = None,
) -> Float[np.ndarray, "queries classes"]:
    """Return Split-AI's answers (probabilities) to any images, by ``teachers`` in their order.

    ``rows`` are the queries' places in the training set, if that is what they are: each is then
    answered by the teachers it was hidden from. Without ``rows`` each is answered by those of a
    random training sample. The draw is named by the query's pixels, where the authors' code draws
    anew at every call: asking twice gives the same answer, so repeating a query tells nothing more.
    Teachers are asked one after the other, so an iterator need not hold them all.
    """
    if rows is None:
        rows = np.array([_row_for(image, len(hidden), seed) for image in images], dtype=np.int64)
    asked = hidden[rows]
    total = None
    for number, model in enumerate(teachers):
        mine = (asked == number).any(axis=1)
        said = probabilities(predict(model, images))
        share = np.where(mine[:, None], said, 0.0)
        total = share if total is None else total + share
    return total / hidden.shape[1]


def _row_for(image: np.ndarray, samples: int, seed: int) -> int:
    return seeds.derive(seed, "query", hashlib.sha256(image.tobytes()).hexdigest()) % samples


def _taught(
    given: Given, hidden: np.ndarray, *, teachers: int, defense: Defense
) -> Iterator[nn.Module]:
    """Train one teacher after the other, or take the kept one."""
    share = _taught_share(teachers, hidden.shape[1]) / teachers
    for number in range(teachers):
        here = sees(hidden, number)
        yield teacher(
            given,
            Lesson(name=f"teacher{number}", images=given.images[here], labels=given.labels[here]),
            defense=defense,
            progress=share_of(
                given.progress,
                f"teacher {number + 1} of {teachers}",
                start=number * share,
                end=(number + 1) * share,
            ),
        )


def _taught_share(teachers: int, unseen: int) -> float:
    """Return the teachers' share of all steps: K (K - L) / K samples an epoch, the student's 1."""
    return (teachers - unseen) / (teachers - unseen + 1)


def _facts(teachers: int, unseen: int) -> dict[str, object]:
    facts: dict[str, object] = {"teachers": teachers, "unseen": unseen}
    if (teachers, unseen) != (TEACHERS, UNSEEN):
        facts["reduced"] = f"{teachers} teachers and {unseen} unseen, the paper has 25 and 10"
    return facts


def _refuse_impossible(teachers: int, unseen: int) -> None:
    if not 1 <= unseen < teachers:
        raise ConfigurationError(
            "E044",
            f"SELENA needs 1 <= unseen < teachers, got unseen {unseen} and teachers {teachers}",
            fix="The paper has 25 teachers and 10 unseen; 10 and 4 is a cheaper setting.",
        )
