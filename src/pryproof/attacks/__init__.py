"""Membership attacks: from what runs say about samples to scores, higher = more likely a member.

An attack is ``NAME`` (ours) or ``NAME@DIALECT/VARIANT`` (a peer's, quirks included). Adding one is
a file, a line here, and a naive reference among the tests.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from pryproof.attacks import (
    amulet,
    augmentation_aware,
    carlini_2022,
    label_only,
    leakpro,
    leakpro_rmia,
    lira,
    loss_trace,
    population,
    privacy_meter,
    quantile,
    reference,
    risk_score,
    rmia,
    song_mittal_2021,
    tf_privacy,
    threshold_attacks,
)
from pryproof.attacks.attack import Attack
from pryproof.attacks.scores import Signals, confidence, correctness, entropy, modified_entropy

__all__ = ["ATTACKS", "FIXED_CUTS", "THRESHOLD_ATTACKS", "Attack"]

ATTACKS: dict[str, Attack] = {
    **threshold_attacks.TABLE,
    **risk_score.TABLE,
    **lira.TABLE,
    **rmia.TABLE,
    **population.TABLE,
    **reference.TABLE,
    **label_only.TABLE,
    **augmentation_aware.TABLE,
    **loss_trace.TABLE,
    **quantile.TABLE,
    **song_mittal_2021.TABLE,
    **carlini_2022.TABLE,
    **tf_privacy.TABLE,
    **leakpro.TABLE,
    **leakpro_rmia.TABLE,
    **amulet.TABLE,
    **privacy_meter.TABLE,
}

# one run's signals -> scores; needs a threshold (attacks.threshold)
THRESHOLD_ATTACKS: dict[str, Callable[[Signals], Float[np.ndarray, " samples"]]] = {
    "correctness": correctness,
    "confidence": confidence,
    "entropy": entropy,
    "modified_entropy": modified_entropy,
}

# scores whose cut is part of their definition and is never fitted (attacks.threshold.constant)
FIXED_CUTS: dict[str, float] = {"correctness": 0.5}
