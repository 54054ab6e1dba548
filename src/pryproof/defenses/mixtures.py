"""The protected set and its variants (methods A13): what takes an image's place, what is added.

The paper transforms "all non-safe" reals and "all non-risky" fakes, which a replacement does. Its
section 5 also speaks of training "with both transformed data and fake data", which can be read as
an addition; transforming one side only shows which of the two does the work.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, UInt8

from pryproof.defenses.fakes import FAKE, REAL, RISKIER, SAFER, TrainingSet, joined


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Which reals and fakes stay as they are, and what the others can become.

    ``safer`` and ``riskier`` say what made those images (places in ``fakes.MADE_BY``).
    """

    safe_reals: Bool[np.ndarray, " reals"]
    safer_reals: UInt8[np.ndarray, "reals height width channels"]
    risky_fakes: Bool[np.ndarray, " fakes"]
    riskier_fakes: UInt8[np.ndarray, "fakes height width channels"]
    safer: int = SAFER
    riskier: int = RISKIER


Mixture = Callable[[TrainingSet, Moved], TrainingSet]


def replacement(plain: TrainingSet, moved: Moved) -> TrainingSet:
    """Keep safe reals and risky fakes; put G_r2s(x) for other reals, G_s2r(x) for other fakes.

    ``plain`` are all reals, then all fakes. Labels stay, and so do the number of rows and their
    order. A vague verdict is neither safe nor risky, so these images are transformed (methods A11).
    """
    return _replaced(plain, moved, ~_kept(moved))


def transformed_reals(plain: TrainingSet, moved: Moved) -> TrainingSet:
    """Replace the reals that are not safe; keep every fake as generated."""
    return _replaced(plain, moved, ~_kept(moved) & (plain.source == REAL))


def transformed_fakes(plain: TrainingSet, moved: Moved) -> TrainingSet:
    """Replace the fakes that are not risky; keep every real as it is."""
    return _replaced(plain, moved, ~_kept(moved) & (plain.source == FAKE))


def additive(plain: TrainingSet, moved: Moved) -> TrainingSet:
    """Keep every real and every fake, and add what ``replacement`` would put in their place."""
    changed = ~_kept(moved)
    return joined(plain, _replaced(plain, moved, changed).take(changed))


def fakes_alone(plain: TrainingSet) -> TrainingSet:
    """Keep only the fakes: members then reach the classifier through the generator alone."""
    return plain.take(plain.source == FAKE)


MIXTURES: dict[str, Mixture] = {
    "replacement": replacement,
    "additive": additive,
    "transformed_reals": transformed_reals,
    "transformed_fakes": transformed_fakes,
}


def _kept(moved: Moved) -> Bool[np.ndarray, " rows"]:
    return np.concatenate([moved.safe_reals, moved.risky_fakes])


def _replaced(plain: TrainingSet, moved: Moved, changed: Bool[np.ndarray, " rows"]) -> TrainingSet:
    other = np.concatenate([moved.safer_reals, moved.riskier_fakes])
    made_by = np.where(plain.source == REAL, moved.safer, moved.riskier)
    return replace(
        plain,
        images=np.where(changed[:, None, None, None], other, plain.images),
        made_by=np.where(changed, made_by, plain.made_by),
    )
