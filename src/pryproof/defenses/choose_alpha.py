"""Choose RelaxLoss's target: the largest that costs at most one point of accuracy (methods 4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pryproof.checks import DIVERGED, ConfigurationError, DataError, TrainingError
from pryproof.defenses.fit import Fit, Given
from pryproof.training.keeper import State
from pryproof.training.predict import predict

GRID = (0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)  # nats
POINT = 0.01  # of accuracy


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The target (nats), and the validation accuracies it was chosen by.

    ``accuracy`` is by alpha, of those tried: from the largest down to the chosen one. ``warning``
    says that none of them is as accurate as asked.
    """

    alpha: float
    accuracy_ce: float
    accuracy: dict[float, float]
    warning: str = ""


def choose_alpha(
    given: Given,
    *,
    fit_ce: Fit,
    fit_relaxed: Callable[[float], Fit],
    validation: tuple[np.ndarray, np.ndarray],
    grid: Sequence[float] = GRID,
    or_least: bool = False,
) -> Chosen:
    """Return the largest alpha of the grid within one point of plain training's accuracy.

    ``validation`` are images ``[samples, height, width, channels]`` and labels that nothing was
    trained on and that no evaluation uses: what is chosen by them must not be judged by them.
    Targets are tried from the largest down, and those below the chosen one not at all; one whose
    training diverges does not qualify. Every run keeps its state in its own part of ``given.keep``;
    one that is done is not trained again. Raises DataError without validation images, and
    ConfigurationError where no target of the grid qualifies, unless ``or_least`` takes the least.
    Source: methods section 4 (Chen et al. 2022 choose by hand).
    """
    if not len(validation[1]):
        raise DataError(
            "E045",
            "choosing alpha needs validation images, there are none",
            fix="Give images that are neither members nor evaluated.",
        )
    if not grid or min(grid) < 0:
        raise ConfigurationError(
            "E044",
            f"the grid of alpha must hold targets of 0 nats or more, got {list(grid)}",
            fix=f"Leave it at {list(GRID)}.",
        )
    of_ce = _accuracy(given, fit_ce, validation, part="ce")
    accuracy: dict[float, float] = {}
    for alpha in sorted(grid, reverse=True):
        try:
            found = _accuracy(given, fit_relaxed(alpha), validation, part=f"alpha_{alpha}")
        except TrainingError as error:
            if error.code != DIVERGED:
                raise
            found = 0.0
        accuracy[alpha] = found
        if found >= of_ce - POINT - 1e-12:  # exactly one point less still counts
            return Chosen(alpha=alpha, accuracy_ce=of_ce, accuracy=accuracy)
    tried = ", ".join(f"{alpha}: {found:.3f}" for alpha, found in accuracy.items())
    point = f"within one point of the accuracy {of_ce:.3f} of cross entropy"
    short = f"no alpha keeps {point} ({tried})"
    if or_least:
        warning = f"RelaxLoss: {short}; the least is used. Give relax_loss.alpha to use another."
        return Chosen(alpha=min(grid), accuracy_ce=of_ce, accuracy=accuracy, warning=warning)
    raise ConfigurationError(
        "E044",
        short,
        where="relax_loss.alpha",
        fix=f"Try targets below {min(grid)}, or give alpha.",
    )


def _accuracy(
    given: Given, fit: Fit, validation: tuple[np.ndarray, np.ndarray], *, part: str
) -> float:
    done = given.keep.part(f"{part}_accuracy")
    kept = done.load()
    if kept is not None:
        return float(kept.facts["accuracy"])
    fitted = fit(replace(given, keep=given.keep.part(part), watch=None))
    images, labels = validation
    said = fitted.answer(predict(fitted.model, images)).argmax(axis=1)
    found = float((said == labels).mean())
    done.save(State(arrays={}, facts={"accuracy": found}))
    return found
