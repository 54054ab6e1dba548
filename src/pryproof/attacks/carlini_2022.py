"""LiRA as the script of its authors has it: tensorflow/privacy, research/mi_lira_2021, plot.py.

What a reader of the paper would not expect, and is kept: of every sample only as many IN (and OUT)
models are used as the sample with the fewest has, the first in the order of the files; the centre
is the median while the spread is that about the mean; the fixed spread is that of all IN scores,
differences between samples included, and serves for OUT too; 1e-30 is added to every spread; the
offline score is minus the log-density, so a confidence far below what OUT models say counts as
that of a member.
"""

from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.dialects import each_target, odds, over_queries, statistic
from pryproof.attacks.normal import log_density
from pryproof.attacks.side_fits import Fit, Shadows, fits
from pryproof.checks import DataError
from pryproof.records import Evidence

ADDED = 1e-30  # to a spread of 0


def truncated(
    values: Float[np.ndarray, "runs queries samples"],
    member: Bool[np.ndarray, "runs samples"],
    group: Int64[np.ndarray, " runs"],
    targets: Int64[np.ndarray, " targets"],
    *,
    online: bool,
    fixed: bool,
    shared: bool = True,
) -> Float[np.ndarray, "targets samples"]:
    """Score targets (nats, higher = more likely a member), shadows in the order of the runs.

    ``shared``: the fixed spread of the IN scores serves for OUT too.

    >>> values = np.array([[[3.5]], [[3.0]], [[4.0]], [[5.0]], [[1.0]], [[3.0]], [[-1.0]]])
    >>> member = np.array([[1], [1], [1], [1], [0], [0], [0]]) > 0
    >>> own = np.array([0])
    >>> truncated(values, member, np.arange(7), own, online=True, fixed=False).round(6)
    array([[1.677522]])
    """

    def score(
        said: Float[np.ndarray, "queries samples"], others: Int64[np.ndarray, " others"]
    ) -> Float[np.ndarray, " samples"]:
        shadows = Shadows(
            values=values,
            member=member,
            runs=others,
            centre="median",
            pooled="values" if fixed else "no",
            truncate=True,
        )
        found = fits(shadows, (False, True) if online else (False,))
        if not all(fit.count.all() for fit in found.values()):
            raise _without_shadows(found, member[others])
        spread = {side: (fit.pooled if fixed else fit.spread) for side, fit in found.items()}
        if fixed and online and shared:
            spread[False] = spread[True]
        density = {
            side: log_density(said, fit.centre, spread[side] + ADDED) for side, fit in found.items()
        }
        return over_queries(density[True] - density[False] if online else -density[False])

    return each_target(values, group, targets, score)


def _without_shadows(
    found: dict[bool, Fit], member: Bool[np.ndarray, "others samples"]
) -> DataError:
    side = next(side for side, fit in found.items() if not fit.count.all())
    missing = ~(member == side).any(axis=0)
    return DataError(
        "E056",
        f"this dialect uses as many {'IN' if side else 'OUT'} shadows of every sample as the one "
        f"with the fewest has, and {missing.sum()} of {missing.size} samples have none",
        where=f"sample {np.flatnonzero(missing)[0]}",
        fix="Leave these samples out, add shadow runs, or take lira.",
    )


def _attack(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - samples apart tell nothing of these
    options: Options,  # noqa: ARG001 - there are none
    online: bool,
    fixed: bool,
) -> Float[np.ndarray, "targets samples"]:
    values = statistic(evidence, attack="lira@carlini_2022", of={"logits": odds})
    return truncated(values, evidence.member, evidence.group, targets, online=online, fixed=fixed)


def _global(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,  # noqa: ARG001 - no sample is needed but the judged
    options: Options,  # noqa: ARG001 - there are none
) -> Float[np.ndarray, "targets samples"]:
    """Score the mean of the statistic over the queries."""
    values = statistic(evidence, attack="lira@carlini_2022", of={"logits": odds})
    return np.array([over_queries(values[target]) for target in targets], dtype=np.float64)


_SOURCE = "tensorflow/privacy, research/mi_lira_2021, plot.py"
_TRUNCATED = (
    "of every sample as many shadows a side as the sample with the fewest has, the first in the "
    "order of the runs; centre the median; "
)
_DIFFERS = {
    "online": _TRUNCATED + "spread each sample's own, about the mean",
    "online_fixed": _TRUNCATED + "one spread for IN and OUT: that of all IN scores about their one "
    "mean, differences between samples included",
    "offline": _TRUNCATED + "minus the log-density of OUT: also a value far below is a member's",
    "offline_fixed": _TRUNCATED + "minus the log-density of OUT, with the one spread of all OUT "
    "scores: also a value far below is a member's",
}

TABLE: dict[str, Attack] = {
    f"lira@carlini_2022/{variant}": Attack(
        score=partial(
            _attack, online=variant.startswith("online"), fixed=variant.endswith("fixed")
        ),
        source=_SOURCE,
        differs=differs,
    )
    for variant, differs in _DIFFERS.items()
} | {
    "lira@carlini_2022/global": Attack(
        score=_global,
        source=_SOURCE,
        differs="no shadows, so neither their number nor their order matters: the statistic itself",
        calibrates="runs",
    )
}
