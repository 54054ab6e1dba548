"""What the page on reproduced figures says, as frozen records; recipes fill them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pryproof.records import Estimate
from pryproof.reporting.panels import Panel

Verdict = Literal["holds", "does not hold", "cannot tell"]


@dataclass(frozen=True, kw_only=True)
class ClaimLine:
    """A claim of the paper beside its measurement.

    It says that ``quantity`` lies ``side`` of ``bar``. ``printed`` is the paper's own number, None
    where it prints none; it is shown and not judged.
    """

    sentence: str
    quantity: str
    side: Literal["above", "below"]
    bar: float
    printed: float | None
    estimate: Estimate
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class FigureContent:
    """One figure or table of the paper, measured; ``seconds`` is the sum over its ``tasks``."""

    name: str
    title: str
    source: str
    panels: tuple[Panel, ...]
    claims: tuple[ClaimLine, ...]
    notes: tuple[str, ...]
    seconds: float
    tasks: int


@dataclass(frozen=True, kw_only=True)
class ReproduceContent:
    """Everything on the page; ``facts`` name its size, data, machine and seeds."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    figures: tuple[FigureContent, ...]
    limits: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]


def file_name(figure: str, place: int, suffix: str) -> str:
    """Name the file of a figure's panel, counted from 0; names of recipes are plain.

    >>> file_name("fig3a", 0, "csv")
    'fig3a-1.csv'
    """
    return f"{figure}-{place + 1}.{suffix}"


def summary(claims: Sequence[ClaimLine]) -> str:
    """Count the verdicts in one sentence.

    >>> summary(())
    'No claim was checked.'
    """
    if not claims:
        return "No claim was checked."
    verdicts = [claim.verdict for claim in claims]
    held, failed = verdicts.count("holds"), verdicts.count("does not hold")
    unknown = len(verdicts) - held - failed
    checked = (
        "1 claim was checked" if len(verdicts) == 1 else f"{len(verdicts)} claims were checked"
    )
    return (
        f"{checked}: {held} held, {failed} did not hold, {unknown} could not be told at this size."
    )
