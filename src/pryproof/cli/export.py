"""export: what is written, in which form, and the words that do not go together."""

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from pryproof.checks import ConfigurationError

GENERATOR = "generator"
FORM, MIXTURE = "parquet", "replacement"
NOTES = [
    ("not anonymised", "it shows training images or was learned from them; README.md says more")
]

Out = Annotated[Path, typer.Option(help="Folder to write; it must be empty or not there.")]
What = Annotated[
    str, typer.Option(help=f"all, reals, fakes or transformed of the set; or {GENERATOR}.")
]
Form = Annotated[str | None, typer.Option(help=f"{FORM} (unless told), folder, webdataset or npz.")]
Mixture = Annotated[
    str | None,
    typer.Option(help=f"Which set: {MIXTURE} (unless told), or that of a row, as additive."),
]


class OfSet(TypedDict):
    """What to write of a training set: see ``Study.export``."""

    what: str
    form: str
    mixture: str


def chosen(what: str, form: str | None, mixture: str | None) -> OfSet | None:
    """Return what of a set is asked for; None is the generator, of which there is one form."""
    if what != GENERATOR:
        return {"what": what, "form": form or FORM, "mixture": mixture or MIXTURE}
    given = [f"--{word}" for word, value in (("form", form), ("mixture", mixture)) if value]
    if given:
        raise ConfigurationError(
            "E046",
            f"{given[0]} is about a training set, and --what {GENERATOR} asks for none",
            fix=f"Leave {' and '.join(given)} out.",
        )
    return None
