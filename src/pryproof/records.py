"""What passes between rooms: frozen records of arrays, and the one form a reported number has."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped, UInt8


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

    ``signals`` holds float64 arrays ``[runs, queries, samples]`` by the names of
    ``attacks.signals``: all of them from logits or probabilities, fewer from less.
    ``raw`` holds what was given, in its own float type, the runs first: "logits" or
    "probabilities" ``[runs, queries, samples, classes]``, "p" (the label's probability)
    ``[runs, queries, samples]``, "loss_trace" ``[runs, epochs, samples]``, and "features"
    ``[samples, width]``. ``labels`` is None where nobody gave any. Runs of one ``group`` share
    a training set: they are never each other's shadows. ``population`` is what the same runs
    say about samples that none of them trained on.
    """

    signals: dict[str, Float[np.ndarray, "runs queries samples"]]
    member: Bool[np.ndarray, "runs samples"]
    group: Int64[np.ndarray, " runs"]
    labels: Int64[np.ndarray, " samples"] | None = None
    raw: dict[str, Shaped[np.ndarray, "..."]] = field(default_factory=dict)
    population: "Evidence | None" = None


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
        return bool(self.low <= truth <= self.high)
