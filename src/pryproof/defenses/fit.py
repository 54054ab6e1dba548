"""What every defense is given to train one classifier with, and what it returns.

A defense that changes only seams of the loop is ``by_seams``; one that trains several networks, or
answers otherwise than it was trained, is a function of its own with the same signature.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int64, UInt8
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.training.defense import Defense
from pryproof.training.keeper import Keeper, Nowhere
from pryproof.training.loop import History, Progress, Watch, silent, train
from pryproof.training.recipe import Recipe

Logits = Float[np.ndarray, "queries classes"]
Answer = Callable[[Logits], Logits]  # what the model says -> what the released service says


def as_said(logits: Logits) -> Logits:
    """Answer what the model says."""
    return logits


@dataclass(frozen=True, kw_only=True)
class Given:
    """A training set and how to train on it.

    ``make`` builds a fresh network from a seed. ``reference`` are images and labels the defender
    owns beside the members and trains nothing on that it releases; None where there are none.
    ``source`` says where each sample comes from (see ``training.loop.train``).
    """

    make: Callable[[int], nn.Module]
    images: UInt8[np.ndarray, "samples height width channels"]
    labels: Int64[np.ndarray, " samples"]
    classes: int
    recipe: Recipe
    seed: int
    source: Int64[np.ndarray, " samples"] | None = None
    reference: tuple[np.ndarray, np.ndarray] | None = None
    progress: Progress = silent
    watch: Watch | None = None
    keep: Keeper = field(default_factory=Nowhere)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained classifier, in evaluation mode, how its training went and how it answers.

    ``facts`` are numbers and words that belong into the report (an epsilon, a warning).
    """

    model: nn.Module
    history: History
    answer: Answer = as_said
    facts: dict[str, object] = field(default_factory=dict)


Fit = Callable[[Given], Fitted]


def by_seams(defense: Callable[[], Defense]) -> Fit:
    """Return the fit that trains once, with a fresh ``defense()``."""

    def fit(given: Given) -> Fitted:
        model = given.make(given.seed)
        history = train(
            model,
            given.images,
            given.labels,
            defense=defense(),
            recipe=given.recipe,
            seed=given.seed,
            source=given.source,
            progress=given.progress,
            watch=given.watch,
            keep=given.keep,
        )
        return Fitted(model=model, history=history)

    return fit


def reference_of(given: Given, *, defense: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the reference images and labels, or say that a defense cannot do without."""
    if given.reference is None or not len(given.reference[1]):
        raise ConfigurationError(
            "E046",
            f"{defense} needs reference images beside the members, there are none",
            where="evaluate.rows",
            fix="Give more images, or leave this row out.",
        )
    return given.reference
