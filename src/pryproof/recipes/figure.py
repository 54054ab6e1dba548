"""What a recipe returns: panels as the paper draws them, and the claims beside their numbers."""

from dataclasses import dataclass

from pryproof.recipes.claims import Checked
from pryproof.reporting.panels import Panel


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure or table of the paper, measured. ``notes`` say what stands in its way."""

    panels: tuple[Panel, ...]
    claims: tuple[Checked, ...]
    notes: tuple[str, ...] = ()
