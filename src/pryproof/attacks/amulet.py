"""LiRA as ssg-research/amulet has it: membership_inference/attacks/lira.py.

The official script (``carlini_2022``) with two differences: in the fixed variants each side has the
spread of its own scores, and the statistic's probabilities are raised to 1e-45 where they are
less, in place of adding it. Amulet itself asks one query of each model, and reports the variants
without a fixed spread.
"""

from functools import partial

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.carlini_2022 import truncated
from pryproof.attacks.dialects import SMALL, label_and_rest, softmax, statistic
from pryproof.records import Evidence


def clipped_odds(
    logits: Float[np.ndarray, "samples classes"], labels: Int64[np.ndarray, " samples"]
) -> Float[np.ndarray, " samples"]:
    """Return log max(p, 1e-45) - log max(rest, 1e-45).

    >>> clipped_odds(np.array([[0.0, 200.0]]), np.array([0])).round(3)
    array([-103.616])
    """
    own, rest = label_and_rest(softmax(logits, np.float64), labels)
    return np.log(np.maximum(own, SMALL)) - np.log(np.maximum(rest, SMALL))


def _attack(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - samples apart tell nothing of these
    options: Options,  # noqa: ARG001 - there are none
    online: bool,
    fixed: bool,
) -> Float[np.ndarray, "targets samples"]:
    return truncated(
        statistic(evidence, attack="lira@amulet", of={"logits": clipped_odds}),
        evidence.member,
        evidence.group,
        targets,
        online=online,
        fixed=fixed,
        shared=False,
    )


_TRUNCATED = (
    "of every sample as many shadows a side as the sample with the fewest has, the first in the "
    "order of the runs; centre the median; "
)
_DIFFERS = {
    "online": "spread each sample's own, about the mean",
    "online_fixed": "two spreads: that of all IN, and that of all OUT scores, each about their one "
    "mean, differences between samples included",
    "offline": "minus the log-density of OUT: also a value far below is a member's",
    "offline_fixed": "minus the log-density of OUT, with the one spread of all OUT scores: also a "
    "value far below is a member's",
}

TABLE: dict[str, Attack] = {
    f"lira@amulet/{variant}": Attack(
        score=partial(
            _attack, online=variant.startswith("online"), fixed=variant.endswith("fixed")
        ),
        source="ssg-research/amulet, membership_inference/attacks/lira.py",
        differs=_TRUNCATED + differs,
    )
    for variant, differs in _DIFFERS.items()
}
