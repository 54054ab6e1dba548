"""attack: judge stored outputs of any model, without training."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

import pryproof
from pryproof.checks import ConfigurationError
from pryproof.cli.console import Console

Outputs = Annotated[
    Path | None,
    typer.Argument(
        metavar="OUTPUTS",
        help=".npz, .safetensors or .parquet with what models said, or a peer's folder.",
    ),
]
Reference = Annotated[
    Path | None, typer.Option(help="Outputs whose membership the attacker knows: cuts are fitted.")
]
Names = Annotated[
    str | None,
    typer.Option("--attacks", help="Names, by commas; see --list. Default: all of ours."),
]
Target = Annotated[
    int | None, typer.Option(help="Run to attack, negative from the end. Default: each in turn.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", "-s", help="An attack's option, as rmia.offline_a=0.3.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for attack.json and scores.safetensors.")]
Export = Annotated[
    str | None,
    typer.Option(
        help="Also write the outputs for a peer under --out: lira, privacy_meter, tf_privacy."
    ),
]
Listed = Annotated[
    bool, typer.Option("--list", help="Print every attack, its source, what differs.")
]
Seed = Annotated[int, typer.Option(help="Seed of the intervals' draws.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def attack(
    outputs: Outputs = None,
    reference: Reference = None,
    attacks: Names = None,
    target: Target = None,
    set_: Set = None,
    out: Out = None,
    export: Export = None,
    list_: Listed = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Attack a model in any framework through its stored outputs; trains nothing."""
    console = Console(json=json)
    if list_:
        console.table(*pryproof.Audit.listed())
        return
    if outputs is None:
        raise ConfigurationError(
            "E041", "name the outputs to attack, or --list", fix="pryproof attack outputs.npz"
        )
    if export is not None and out is None:
        raise ConfigurationError("E046", "--export needs --out", fix="Add --out FOLDER.")
    found = pryproof.attack(
        outputs,
        reference=reference,
        attacks=None if attacks is None else [name.strip() for name in attacks.split(",")],
        target=target,
        options=dict(_option(text) for text in set_ or []),
        seed=seed,
    )
    files = found.write(out, export=export) if out is not None else {}
    if json:
        console.text(found.json())
        return
    # a folder of exported files once, not each file of every run
    places = [] if out is None else [out / each for each in _first_parts(files)]
    console.table(*found.table(), notes=[*found.notes(), *map(str, places)])


def _first_parts(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.partition("/")[0] for name in names))


def _option(text: str) -> tuple[str, float | None]:
    """Split ``NAME.OPTION=VALUE``; "none" leaves the choice to the attack."""
    key, equals, value = text.partition("=")
    try:
        return key.strip(), None if value.strip().lower() == "none" else float(value)
    except ValueError:
        what = "a number or none" if equals else "NAME.OPTION=VALUE"
        raise ConfigurationError(
            "E042", f"an option is {what}, got {text!r}", fix="Write rmia.offline_a=0.3."
        ) from None
