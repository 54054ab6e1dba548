"""The settings of canaries: how many of which kind, in how many training sets, under which rows."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from pryproof.data.canaries import KINDS
from pryproof.pipeline.part import Part
from pryproof.pipeline.row_name import RowName, once_each
from pryproof.pipeline.rows import ROWS

GeneratorMode = Literal["per_shadow", "per_fold", "shared", "shared_public"]
LEAST = 4  # halves: one pair is judged, another says what runs with and without a canary do


class Canaries(Part):
    """Training sets that each hold all members and half of the canaries (methods 3.6, 11.1).

    ``halves`` is how many sets (0 = none), ``runs`` how many trainings of every row in each.
    ``generator`` says whose generator, fakes' valuation and transform a half uses: its own, one run
    (``per_shadow``) or several (``per_fold``); that of all members and canaries (``shared``); or
    that of a shadow fold, which saw neither (``shared_public``).
    """

    halves: int = Field(0, ge=0)
    runs: int = Field(1, ge=1)
    rows: tuple[RowName, ...] = Field(("ce_crop_flip", "fakes_transformed"), min_length=1)
    clean: int = Field(50, ge=0)
    mislabelled: int = Field(50, ge=0)
    near_duplicate: int = Field(50, ge=0)
    atypical: int = Field(50, ge=0)
    generator: GeneratorMode = "per_fold"

    @property
    def counts(self) -> dict[str, int]:
        """How many canaries of each kind."""
        return {kind: getattr(self, kind) for kind in KINDS}

    @field_validator("halves")
    @classmethod
    def _in_pairs(cls, halves: int) -> int:
        if halves % 2 or 0 < halves < LEAST:
            raise ValueError(f"must be even and at least {LEAST}, or 0 for no canaries")
        return halves

    @field_validator("rows")
    @classmethod
    def _that_halves_can_train(cls, rows: tuple[RowName, ...]) -> tuple[RowName, ...]:
        more = [name for name in rows if ROWS[name].trains_on == "extra"]
        if more:
            raise ValueError(f"a half has no further real images for the row {more[0]}")
        return once_each(rows)

    @model_validator(mode="after")
    def _some(self) -> "Canaries":
        if self.halves and not any(self.counts.values()):
            raise ValueError("must be at least one of some kind, or halves = 0")
        if self.halves and self.generator == "per_shadow" and self.runs > 1:
            raise ValueError(
                "per_shadow gives every run a road of its own, so runs must be 1; per_fold shares "
                "one among the runs of a half"
            )
        return self
