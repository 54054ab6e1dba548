"""check-fakes: look for traces of real images in synthetic ones."""

from pathlib import Path
from typing import Annotated

import typer

import pryproof
from pryproof.cli.console import Console

GATE = 10  # the exit code of a bound that is broken

Fakes = Annotated[str, typer.Argument(help="Synthetic images: folder, .parquet or .npz.")]
Real = Annotated[str, typer.Argument(help="The images they were learned from.")]
Holdout = Annotated[str, typer.Argument(help="Images of the same kind that nobody learned from.")]
Reference = Annotated[
    str | None, typer.Option(help="Fakes of another generator, trained on neither.")
]
Spaces = Annotated[str, typer.Option(help="Feature spaces, by commas: pixels, gradients.")]
Inception = Annotated[
    Path | None, typer.Option(help="File of Inception's weights: adds its features, and FID.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for fakes.html, fakes.md and fakes.json.")]
Gate = Annotated[bool, typer.Option("--gate", help=f"Exit with {GATE} if there is an alarm.")]
Seed = Annotated[int, typer.Option(help="Seed of the draws and of the judge of classes.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def check_fakes(
    fakes: Fakes,
    real: Real,
    holdout: Holdout,
    reference: Reference = None,
    spaces: Spaces = "pixels,gradients",
    inception: Inception = None,
    out: Out = None,
    gate: Gate = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Look for copies and other traces of real images in fakes; needs no study, trains no GAN."""
    console = Console(json=json)
    found = pryproof.check_fakes(
        fakes,
        real,
        holdout,
        reference=reference,
        spaces=[name.strip() for name in spaces.split(",")],
        inception=inception,
        seed=seed,
    )
    files = found.write(out) if out is not None else {}
    if json:
        console.text(found.json())
    else:
        console.table(*found.table(), notes=[*found.notes(), *map(str, files.values())])
    if gate and found.alarms:
        raise typer.Exit(GATE)
