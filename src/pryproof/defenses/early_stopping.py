"""Early stopping (Prechelt 1998): release the weights of the epoch that held-back members like."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int64, UInt8
from torch import nn

from pryproof import seeds
from pryproof.checks import ConfigurationError, DataError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fakes import REAL
from pryproof.defenses.fit import Fit, Fitted, Given, by_seams
from pryproof.training.checkpoint import module_arrays, restore_module
from pryproof.training.defense import Defense
from pryproof.training.keeper import scoped, within
from pryproof.training.loop import Watch
from pryproof.training.predict import predict

SHARE = 0.1  # of the members, held back to look at


class BestEpoch:
    """Keep the weights of the epoch with the best accuracy on held-back images.

    To be handed to ``train`` as ``watch``; ``also`` is another watch, which is asked first. Of
    equally good epochs the first counts. After ``patience`` epochs in a row without a better one
    the choice is made: later epochs are not looked at.
    """

    def __init__(
        self,
        images: UInt8[np.ndarray, "held height width channels"],
        labels: Int64[np.ndarray, " held"],
        *,
        patience: int | None = None,
        also: Watch | None = None,
    ) -> None:
        self.images, self.labels, self.patience, self.also = images, labels, patience, also
        self.seen: list[float] = []  # accuracy after every epoch looked at
        self.weights: dict[str, np.ndarray] = {}

    @property
    def accuracy(self) -> Float[np.ndarray, " epochs"]:
        """The held-back accuracy of every epoch looked at."""
        return np.array(self.seen, dtype=np.float64)

    @property
    def epoch(self) -> int:
        """The best epoch so far, from 0; -1 before the first."""
        return int(self.accuracy.argmax()) if self.seen else -1

    def after(self, model: nn.Module, *, epoch: int) -> None:
        """Look at an epoch, unless the choice is made; keep its weights if they are the best."""
        if self.also is not None:
            self.also.after(model, epoch=epoch)
        if self.patience is not None and len(self.seen) - 1 - self.epoch >= self.patience:
            return
        right = predict(model, self.images).argmax(axis=1) == self.labels
        self.seen.append(float(right.mean()))
        if self.epoch == len(self.seen) - 1:
            self.weights = module_arrays(model)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the accuracies and the best weights, and what the other watch has."""
        found = {"accuracy": self.accuracy} | scoped("best.", self.weights)
        return found if self.also is None else found | scoped("also.", self.also.arrays())

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what ``arrays`` returned."""
        self.seen = arrays["accuracy"].tolist()
        self.weights = within("best.", arrays)
        if self.also is not None:
            self.also.restore(within("also.", arrays))


def held_back(
    labels: Int64[np.ndarray, " samples"], *, share: float = SHARE, seed: int
) -> Int64[np.ndarray, " held"]:
    """Draw the share of every class to hold back, rounded, and never all of a class; sorted.

    Raises DataError where that is no sample at all.

    >>> labels = np.repeat(np.arange(2), [20, 41])
    >>> np.bincount(labels[held_back(labels, seed=0)]).tolist()
    [2, 4]
    """
    drawn = []
    for kind in np.unique(labels):
        own = np.flatnonzero(labels == kind)
        count = min(round(share * len(own)), len(own) - 1)
        order = seeds.generator(seed, "held back", int(kind)).permutation(own)
        drawn.append(order[:count])
    held = np.sort(np.concatenate(drawn)) if drawn else np.zeros(0, np.int64)
    if not len(held):
        raise DataError(
            "E045",
            f"a share of {share} of {len(labels)} samples leaves none to hold back in any class",
            fix="Give more samples a class, or hold back a larger share.",
        )
    return held


def early_stopping(*, padding: int, share: float = SHARE, patience: int | None = None) -> Fit:
    """Hold back a share of the real members of every class and release the epoch they like best.

    The held-back samples train nothing; they decide by their accuracy, un-augmented, after every
    epoch. The run itself is not cut short (its schedule stays the recipe's): all epochs are
    trained, and the weights of the best one are released. With ``patience`` the epochs after so
    many without a better one are not considered, as if the run had ended there. ``history`` tells
    of the whole run. Facts: ``best_epoch`` (from 1), ``held_back`` (samples) and
    ``held_back_accuracy``. Source: Prechelt 1998; against membership inference Song & Mittal 2021.
    """
    if not 0 < share < 1 or (patience is not None and patience < 1):
        raise ConfigurationError(
            "E044",
            f"share must lie in (0, 1) and patience be 1 or more, got {share} and {patience}",
            fix=f"Leave them at {SHARE} and none.",
        )
    batch = augmented(padding)

    def fit(given: Given) -> Fitted:
        real = np.arange(len(given.labels))
        if given.source is not None:
            real = np.flatnonzero(given.source == REAL)
        held = real[held_back(given.labels[real], share=share, seed=given.seed)]
        watch = BestEpoch(
            given.images[held], given.labels[held], patience=patience, also=given.watch
        )
        rest = replace(_without(given, held), watch=watch)
        fitted = by_seams(lambda: Defense(batch=batch))(rest)
        restore_module(fitted.model, watch.weights)
        facts: dict[str, object] = {
            "best_epoch": watch.epoch + 1,
            "held_back": len(held),
            "held_back_accuracy": float(watch.accuracy.max()),
        }
        return replace(fitted, facts=facts)

    return fit


def _without(given: Given, held: np.ndarray) -> Given:
    kept = np.ones(len(given.labels), dtype=bool)
    kept[held] = False
    source = None if given.source is None else given.source[kept]
    return replace(given, images=given.images[kept], labels=given.labels[kept], source=source)
