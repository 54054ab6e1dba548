"""A claim of the paper as data, and what a measurement says of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pryproof.records import Estimate

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence that can turn out false.

    It says that ``quantity`` lies ``side`` of ``bar``; a difference has bar 0. ``printed`` is the
    paper's own number where it prints one, shown beside ours and judged by nobody: sizes differ.
    """

    name: str
    sentence: str
    quantity: str
    side: Literal["above", "below"]
    bar: float = 0.0
    printed: float | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A claim beside its measurement; ``verdict`` is HOLDS, FAILS or UNKNOWN."""

    claim: Claim
    estimate: Estimate
    verdict: str


def check(claim: Claim, estimate: Estimate) -> Checked:
    """Compare the whole interval with the bar: a claim holds only if all of it lies on its side.

    It does not hold if all of it lies on the other side, and otherwise nobody can tell at this
    size. What could not be measured cannot be told either.

    >>> less = Claim(name="a", sentence="A falls.", quantity="change of A", side="below")
    >>> check(less, Estimate(value=-0.2, low=-0.3, high=-0.1, n=90)).verdict
    'holds'
    >>> check(less, Estimate(value=-0.2, low=-0.5, high=0.1, n=9)).verdict
    'cannot tell'
    """
    return Checked(claim=claim, estimate=estimate, verdict=_verdict(claim, estimate))


def _verdict(claim: Claim, found: Estimate) -> str:
    if np.isnan([found.value, found.low, found.high]).any():
        return UNKNOWN
    above, below = found.low > claim.bar, found.high < claim.bar
    if not (above or below):
        return UNKNOWN
    return HOLDS if above == (claim.side == "above") else FAILS
