"""The name of a row as a setting: a key of ``rows.ROWS``, or refused with the nearest."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from pryproof.pipeline.rows import ROWS


def _row(name: str) -> str:
    if name not in ROWS:
        known = {"expected": ", ".join(f"'{each}'" for each in ROWS)}
        raise PydanticCustomError("literal_error", "There is no such row", known)
    return name


RowName = Annotated[str, AfterValidator(_row)]


def once_each(rows: tuple[RowName, ...]) -> tuple[RowName, ...]:
    """Refuse a row that is named twice."""
    if len(set(rows)) < len(rows):
        raise ValueError("each row is named once")
    return rows
