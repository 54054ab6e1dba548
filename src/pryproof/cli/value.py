"""value: value a study's members, or samples by the stored outputs of any model."""

from json import dumps  # a JSON value is a TOML value
from pathlib import Path
from typing import Annotated

import typer

import pryproof
from pryproof.checks import ConfigurationError
from pryproof.cli.console import Console

Outputs = Annotated[
    Path | None,
    typer.Option(help="Outputs of ready-made models (.npz, .safetensors, .parquet); no training."),
]
Margin = Annotated[
    str | None,
    typer.Option(
        help="signed (default), abs, abs_log, percentile, risk_score, excess, excess_loss or lira."
    ),
]
Rule = Annotated[
    str | None, typer.Option(help="unanimous (default), m_of_k, mean_rank or risk_score.")
]
AtLeast = Annotated[int | None, typer.Option(help="Runs that must agree, with --rule m_of_k.")]
Share = Annotated[float | None, typer.Option(help="Safest and riskiest share of every run.")]
ByClass = Annotated[bool, typer.Option("--by-class", help="Rank within classes.")]
Seed = Annotated[int, typer.Option(help="Seed that breaks ties.")]
Out = Annotated[Path | None, typer.Option(help="Folder for samples.parquet, with --outputs.")]
InParts = Annotated[
    bool, typer.Option("--in-parts", help="With --out: write the table by parts, in less memory.")
]
Explain = Annotated[str | None, typer.Option(help="Id of a sample whose verdict to explain.")]


Chosen = dict[str, str | int | float | bool]


def chosen(
    margin: str | None,
    rule: str | None,
    at_least: int | None,
    share: float | None,
    *,
    by_class: bool,
) -> Chosen:
    """Return what was asked for by option, and nothing of what was left out."""
    given = {"margin": margin, "rule": rule, "at_least": at_least, "share": share}
    said: Chosen = {name: value for name, value in given.items() if value is not None}
    return said | ({"by_class": True} if by_class else {})


def overrides(said: Chosen) -> list[str]:
    """Return the options as settings of a study."""
    return [f"value.{name}={dumps(value)}" for name, value in said.items()]


def value_outputs(
    outputs: Path,
    said: Chosen,
    console: Console,
    *,
    out: Path | None,
    explain: str | None,
    seed: int,
    in_parts: bool = False,
) -> None:
    """Value stored outputs and say what came of it."""
    if in_parts and out is None:
        raise ConfigurationError(
            "E046", "--in-parts needs --out", fix="Name the folder for samples.parquet."
        )
    how = pryproof.Vote(**said)  # type: ignore[arg-type]
    found = pryproof.value(outputs, how=how, seed=seed, folder=out if in_parts else None)
    place = found.write(out) if out is not None and found.path is None else found.path
    files = [] if place is None else [str(place)]
    if explain is not None:
        console.text(found.explain(explain) + "\n")
        return
    heads, rows, notes = found.summary()
    plan = found.plan_lines(seed=seed)
    console.table(heads, rows, notes=[*notes, *plan, f"seed {seed}", *files])


def refuse_both(**given: object) -> None:
    """Refuse what only means something for a study, beside --outputs."""
    for name, value in given.items():
        if value:
            raise ConfigurationError(
                "E046",
                f"--outputs excludes {NAMES[name]}",
                fix="Outputs are valued as they are, without a study: leave it out.",
            )


NAMES = {
    "study": "a study file",
    "data": "--data",
    "model": "--model",
    "workspace": "--workspace; files go to --out",
    "set_": "--set",
}
