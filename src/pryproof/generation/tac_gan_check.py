"""What went wrong in a TAC-GAN's training though every loss was finite."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

RECORDED = ("d_loss", "g_loss", "ac_real", "ac_fake", "twin", "accuracy")

LAST = 5  # records, at most, whose mean is judged: one alone is noisy
REPEATS = 0.5  # least variety of fakes against real images: below, a generator repeats itself
ONE_IMAGE = 0.1  # the same of the poorest class: below, its images are one and its noise
WILD = 2.0  # most variety: images that differ twice as much as real ones are not such images
SATURATED = 0.99  # share on the right side of zero: above, the generator fools the other nowhere,
NO_HINGE = 0.05  # and below this hinge loss the discriminator has nothing left to learn either
GUESSING = 0.95  # of ln(classes): a cross entropy above is that of guessing
LOST = 1.5  # times the loss of a discriminator that answers 0 and guesses: above, it unlearns
FAR = 50.0  # |generator loss|: hinges want answers of 1, this many times as much is no game


def warnings_of(
    history: Mapping[str, Float[np.ndarray, " records"]],
    facts: Mapping[str, float],
    *,
    classes: int,
    weight: float,
) -> tuple[str, ...]:
    """Say what went wrong, in sentences; nothing where nothing did.

    Judged are the means of the last records (a fifth of them, 1 to ``LAST``) and the facts of
    ``diversity``. ``weight`` is that of the classifiers' losses. Silence is no proof of quality.

    >>> history = {name: np.ones(1) for name in RECORDED} | {"accuracy": np.array([0.7])}
    >>> facts = {"diversity_ratio": 0.9, "diversity_ratio_least": 0.02}
    >>> warnings_of(history, facts, classes=10, weight=1.0)
    ('collapse: a class has one image and little else, its variety is 0.02 of the real',)
    """
    count = min(LAST, max(1, len(history["d_loss"]) // 5))
    last = {name: float(history[name][-count:].mean()) for name in RECORDED}
    last["hinge"] = last["d_loss"] - weight * (last["ac_real"] + last["twin"])
    last["chance"] = float(np.log(classes))
    last["lost"] = 2 + 2 * weight * last["chance"]  # the loss of a discriminator that knows nothing
    seen = last | dict(facts)
    return tuple(words.format(**seen) for words, wrong in _WRONG if wrong(seen))


Seen = Mapping[str, float]
_WRONG: tuple[tuple[str, Callable[[Seen], bool]], ...] = (
    (
        "collapse: fakes of one class vary {diversity_ratio:.2f} times as much as real images",
        lambda seen: seen["diversity_ratio"] < REPEATS,
    ),
    (
        (
            "collapse: a class has one image and little else,"
            " its variety is {diversity_ratio_least:.2f} of the real"
        ),
        lambda seen: seen["diversity_ratio_least"] < ONE_IMAGE,
    ),
    (
        "divergence: fakes of one class vary {diversity_ratio:.2f} times as much as real images",
        lambda seen: seen["diversity_ratio"] > WILD,
    ),
    (
        "divergence: the discriminator's loss is {d_loss:.3g}, answering nothing costs {lost:.3g}",
        lambda seen: seen["d_loss"] > LOST * seen["lost"],
    ),
    (
        "divergence: the generator's loss is {g_loss:.3g}, far off the hinges at 1 and -1",
        lambda seen: abs(seen["g_loss"]) > FAR,
    ),
    (
        (
            "saturation: the discriminator is right on {accuracy:.1%} with a hinge loss of"
            " {hinge:.3f}, the generator fools it nowhere"
        ),
        lambda seen: seen["accuracy"] > SATURATED and seen["hinge"] < NO_HINGE,
    ),
    (
        (
            "classes: the classifier names those of real images no better than by guessing"
            " ({ac_real:.2f} nats, guessing {chance:.2f})"
        ),
        lambda seen: seen["ac_real"] > GUESSING * seen["chance"] > 0,
    ),
    (
        (
            "classes: fakes are not of the class asked for: the classifier names it no better than"
            " by guessing ({ac_fake:.2f} nats, guessing {chance:.2f})"
        ),
        lambda seen: (
            seen["ac_fake"] > GUESSING * seen["chance"] > 0
            and seen["ac_real"] < GUESSING * seen["chance"]
        ),
    ),
)
