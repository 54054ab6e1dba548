"""Three sizes of the paper's experiments; a size changes sizes only, never what is compared."""

from dataclasses import dataclass
from typing import Literal

from pryproof.pipeline.settings import Settings

SizeName = Literal["tiny", "small", "paper"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a size affords.

    ``base`` is the study every recipe varies. ``runs`` are those of a histogram over runs (the
    paper's 40), ``ensemble`` those of an agreement (its 5), ``judged`` those of a comparison and
    ``shadows`` its shadow runs a fold. ``models`` are the networks of the paper by their place in
    it: the small one of most figures, the large one, and the transformer. ``quantities`` are the
    largest multiples of the members that added fakes reach.
    """

    name: SizeName
    base: Settings
    runs: int
    ensemble: int
    judged: int
    shadows: int
    models: tuple[str, str, str]
    quantities: tuple[int, ...]


def changed(settings: Settings, *overrides: str) -> Settings:
    """Return settings with ``key.path=value`` on top, as on the command line."""
    return settings.changed(overrides)
