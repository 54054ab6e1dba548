"""Membership attacks: from what runs say about samples to scores, higher = more likely a member."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.lira import lira as lira_online
from pryproof.attacks.lira import lira_offline
from pryproof.attacks.scores import Signals, confidence, correctness, entropy, modified_entropy

# one run's signals -> scores; needs a threshold (attacks.threshold)
THRESHOLD_ATTACKS: dict[str, Callable[[Signals], Float[np.ndarray, " samples"]]] = {
    "correctness": correctness,
    "confidence": confidence,
    "entropy": entropy,
    "modified_entropy": modified_entropy,
}

# scores whose cut is part of their definition and is never fitted (attacks.threshold.constant)
FIXED_CUTS: dict[str, float] = {"correctness": 0.5}

# phi, member, group of many runs -> scores of every run, the others being its shadows
SHADOW_ATTACKS: dict[
    str,
    Callable[
        [
            Float[np.ndarray, "runs samples"],
            Bool[np.ndarray, "runs samples"],
            Int64[np.ndarray, " runs"],
        ],
        Float[np.ndarray, "runs samples"],
    ],
] = {"lira_offline": lira_offline, "lira": lira_online}
