"""reproduce: measure figures of the paper anew, and check what it claims of them."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

import pryproof
from pryproof.checks import ConfigurationError, TrainingError
from pryproof.cli.console import Console
from pryproof.cli.progress import watch
from pryproof.pipeline.failures import FIX

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="Figures, as fig1a table2, or all; see --list."),
]
Sized = Annotated[str, typer.Option("--size", help="tiny, small or paper.")]
Data = Annotated[
    str | None, typer.Option(help="Images; tiny has its own, small and paper want CIFAR-100.")
]
Label = Annotated[
    str | None, typer.Option(help="Label column, unless it is the size's own of CIFAR-100.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder for runs and pages; unless named, reproduce-SIZE."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="Override, as train.epochs=3; runs=4 for histograms."),
]
Workers = Annotated[
    int, typer.Option(min=0, help="Worker processes, one core each; 0: this process.")
]
Device = Annotated[
    str, typer.Option(help="Where to train: auto, cpu, cuda, or some, as cuda:0,cuda:1.")
]
Listed = Annotated[
    bool, typer.Option("--list", help="Print every figure and what it needs at the size.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
PaperFigures = Annotated[
    bool, typer.Option("--paper-figures", help="Also draw every panel as SVG and PNG.")
]


def reproduce(
    names: Names = None,
    size: Sized = "tiny",
    data: Data = None,
    label: Label = None,
    out: Out = None,
    workers: Workers = 2,
    device: Device = "auto",
    set_: Set = None,
    list_: Listed = False,
    json: Json = False,
    paper_figures: PaperFigures = False,
) -> None:
    """Measure figures of the paper anew and check its claims. Running it again continues."""
    console = Console(json=json)
    changes = set_ or []
    recipes: Any = importlib.import_module("pryproof.recipes.reproduce")  # plotly takes a second
    if list_:
        columns, rows, notes = recipes.listed(names or "all", size=size, overrides=changes)
        console.table(columns, rows, notes=notes)
        return
    if not names:
        raise ConfigurationError(
            "E041", "name a figure, all, or --list", fix="pryproof reproduce fig1a"
        )
    if paper_figures:
        recipes.require_paper()
    folder = out or recipes.default_folder(size)
    machine = pryproof.Machine.parse({"workers": workers, "device": device}, where="--device")
    with watch(console) as on_event:
        found = pryproof.reproduce(
            names,
            size=size,
            data=data,
            label=label,
            folder=folder,
            overrides=changes,
            machine=machine,
            on_event=on_event,
        )
    files = found.write(folder, paper_figures=paper_figures)
    if json:
        console.text(found.json())
    else:
        page = files["reproduce.html"].resolve()
        console.table(*found.table(), notes=[*found.notes(), str(page)])
    if found.missing:
        raise TrainingError("E073", f"not made: {', '.join(found.missing)}", fix=FIX)
