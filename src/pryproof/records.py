"""What passes between rooms: frozen records of arrays, and the one form a reported number has."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Labelled images at rest: uint8, channels last."""

    images: UInt8[np.ndarray, "samples height width channels"]
    labels: Int64[np.ndarray, " samples"]
    ids: tuple[str, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What runs say about samples, and which run trained on which sample.

    ``signals`` holds one float64 array ``[runs, samples]`` per signal name (``attacks.signals``).
    """

    signals: dict[str, Float[np.ndarray, "runs samples"]]
    member: Bool[np.ndarray, "runs samples"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval: the only form in which pryproof reports one.

    ``n`` is the number of samples the value rests on, ``runs`` that of training runs, ``method``
    names the interval. NaN as value means "not measured"; then ``method`` says why.
    """

    value: float
    low: float
    high: float
    n: int
    runs: int = 1
    confidence: float = 0.95
    method: str = ""

    def __str__(self) -> str:
        """Write value and interval.

        >>> str(Estimate(value=0.1, low=0.0552, high=0.1744, n=100))
        '0.100 [0.055, 0.174]'
        """
        if np.isnan(self.value):
            return f"not estimable ({self.method})"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def contains(self, truth: float) -> bool:
        """Say whether the interval holds ``truth``."""
        return self.low <= truth <= self.high
