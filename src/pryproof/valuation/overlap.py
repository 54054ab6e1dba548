"""Do independent runs agree on who is safe? The paper's Eq. 1, beside its chance level."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from pryproof.checks import ConfigurationError, DataError
from pryproof.intervals import wilson
from pryproof.records import Estimate


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Share of a bin of the rank order that all runs have in common.

    ``common`` of ``size`` samples; ``chance`` is what independent orders would share on average.
    """

    ratio: Estimate
    chance: float
    common: int
    size: int


def overlap(
    ranks: Int64[np.ndarray, "runs samples"],
    start: float,
    end: float,
    *,
    confidence: float = 0.95,
) -> Overlap:
    """Compare the bin from ``start`` to ``end`` (shares of the rank order) over all runs.

    The interval is Wilson's on common out of size. It is about which samples were drawn, for these
    runs: another number of runs has another ratio. Every run's bin has a fixed size, so the true
    spread is smaller (for two independent orders by the factor 1 - end + start): the interval errs
    on the wide side. The chance level is exact: (size / samples) ** (runs - 1).

    >>> same = np.tile(np.arange(1, 9), (3, 1))
    >>> found = overlap(same, 0.0, 0.25)
    >>> found.common, found.size, found.chance, str(found.ratio)
    (2, 2, 0.0625, '1.000 [0.342, 1.000]')
    """
    runs, samples = ranks.shape
    if not 0 <= start < end <= 1:
        raise ConfigurationError(
            "E044",
            f"a bin must have 0 <= start < end <= 1, got {start} to {end}",
            fix="Give shares of the rank order.",
        )
    size = _nearest(samples * (end - start))
    if runs < 2 or size < 1:
        raise DataError(
            "E045",
            f"an overlap needs 2 runs and 1 sample in the bin, got {runs} runs and {size} samples",
            fix="Train more runs, or widen the bin.",
        )
    first = min(_nearest(samples * start), samples - size)
    common = int(np.sum(np.all((ranks > first) & (ranks <= first + size), axis=0)))
    low, high = wilson(common, size, confidence=confidence)
    ratio = Estimate(
        value=common / size,
        low=float(low),
        high=float(high),
        n=size,
        runs=runs,
        confidence=confidence,
        method="Wilson over samples, runs as given",
    )
    return Overlap(ratio=ratio, chance=(size / samples) ** (runs - 1), common=common, size=size)


def chance_corrected(found: Overlap) -> Estimate:
    """Rescale the ratio so that 0 is what chance gives and 1 is full agreement.

    NaN where the bin holds every sample: agreement is then certain.

    >>> same = np.tile(np.arange(1, 9), (3, 1))
    >>> str(chance_corrected(overlap(same, 0.0, 0.25)))
    '1.000 [0.299, 1.000]'
    """
    ratio, chance = found.ratio, found.chance
    if chance == 1:
        return replace(
            ratio, value=np.nan, low=np.nan, high=np.nan, method="the bin holds every sample"
        )
    return replace(
        ratio,
        value=(ratio.value - chance) / (1 - chance),
        low=(ratio.low - chance) / (1 - chance),
        high=(ratio.high - chance) / (1 - chance),
    )


def _nearest(count: float) -> int:
    """Round half up, the same for odd and even."""
    return int(np.floor(count + 0.5))
