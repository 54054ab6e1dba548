"""Where there is nothing to find, an attack must find nothing: a check of the measuring."""

from collections.abc import Sequence
from dataclasses import dataclass

from pryproof.checks import ConfigurationError
from pryproof.records import Estimate

CHANCE = 0.5


@dataclass(frozen=True, kw_only=True)
class SelfTestLine:
    """One attack on samples its run never saw; ``holds`` = its interval has the value of chance."""

    label: str
    estimate: Estimate
    holds: bool


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """All lines, the confidence each is judged at, and whether every one of them holds."""

    lines: tuple[SelfTestLine, ...]
    confidence: float
    passed: bool


def corrected_confidence(comparisons: int, *, level: float = 0.05) -> float:
    """Return each interval's confidence for all to hold together with 1 - level (Bonferroni).

    >>> corrected_confidence(10)
    0.995
    """
    if comparisons < 1:
        raise ConfigurationError(
            "E043", f"a self-test needs a comparison, got {comparisons}", fix="Give at least one."
        )
    return 1 - level / comparisons


def self_test(
    comparisons: Sequence[tuple[str, Estimate]], *, chance: float = CHANCE, level: float = 0.05
) -> SelfTest:
    """Judge attacks on samples that no run trained on; all intervals at ``corrected_confidence``.

    A line that is not measured (NaN) does not hold. A sound study fails with probability ``level``
    at most, whatever the number of comparisons.

    >>> fair = Estimate(value=0.51, low=0.48, high=0.54, n=1000, confidence=0.95)
    >>> self_test([("confidence", fair)]).passed
    True
    """
    needed = corrected_confidence(len(comparisons), level=level)
    for label, estimate in comparisons:
        if abs(estimate.confidence - needed) > 1e-12:  # rounding of 1 - level / comparisons
            raise ConfigurationError(
                "E046",
                f"{len(comparisons)} comparisons need intervals of confidence {needed:.6f}, "
                f"got {estimate.confidence:.6f}",
                where=label,
                fix="Estimate with confidence=corrected_confidence(number of comparisons).",
            )
    lines = tuple(
        SelfTestLine(label=label, estimate=estimate, holds=estimate.contains(chance))
        for label, estimate in comparisons
    )
    return SelfTest(lines=lines, confidence=needed, passed=all(line.holds for line in lines))
