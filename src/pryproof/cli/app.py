"""The verbs. Each builds a study, calls one method, and says what came of it."""

import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from json import dumps  # a JSON string is a TOML string
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

import pryproof
from pryproof.checks import ConfigurationError, PryproofError
from pryproof.cli import doctor as doctoring
from pryproof.cli import export as exporting
from pryproof.cli import value as valuing
from pryproof.cli.attack import attack
from pryproof.cli.check_fakes import check_fakes
from pryproof.cli.console import Console
from pryproof.cli.progress import watch
from pryproof.cli.reproduce import reproduce

app = typer.Typer(
    name="pryproof",
    help="Find the images a classifier gives away, shield them, prove what that bought.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

StudyFile = Annotated[Path | None, typer.Argument(metavar="[STUDY.toml]", help="The study file.")]
Data = Annotated[
    str | None, typer.Option(help="Images, instead of a study file: folder, .parquet, .npz.")
]
Model = Annotated[
    str | None, typer.Option(help="Network: a built-in name or package.module:function.")
]
Where = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Folder that keeps the results.")
]
Set = Annotated[list[str] | None, typer.Option("--set", "-s", help="Override, as train.epochs=3.")]
Workers = Annotated[
    int, typer.Option(min=0, help="Worker processes, one core each; 0: this process.")
]
Device = Annotated[
    str, typer.Option(help="Where to train: auto, cpu, cuda, or some, as cuda:0,cuda:1.")
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Train runs that diverged again, and what rests on them."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def _study(
    file: Path | None,
    data: str | None,
    model: str | None,
    where: Path | None,
    *,
    overrides: list[str] | None,
    workers: int = 0,
    device: str = "auto",
) -> "pryproof.Study":
    """Build the study that the options name."""
    overrides = list(overrides or [])
    machine = _machine(workers, device)
    if model is not None:
        overrides.append(f"train.model={dumps(model)}")
    if file is not None:
        if data is not None:
            overrides.append(f"data.source={dumps(data)}")
        return pryproof.Study.from_toml(file, workspace=where, overrides=overrides, machine=machine)
    if data is None:
        raise ConfigurationError(
            "E041", "name a study file or --data", fix="pryproof run study.toml, or --data FOLDER."
        )
    overrides.append(f"data.source={dumps(data)}")
    settings = pryproof.Settings.from_overrides(overrides)
    return pryproof.Study(where or Path("runs") / settings.name, settings=settings, machine=machine)


def _machine(workers: int, device: str) -> "pryproof.Machine":
    return pryproof.Machine.parse({"workers": workers, "device": device}, where="--device")


def _stage(stage: str, *, help: str) -> Callable[..., None]:  # noqa: A002 - typer's word
    """Make the verb that runs a study up to ``stage``."""

    def verb(
        study: StudyFile = None,
        data: Data = None,
        model: Model = None,
        workspace: Where = None,
        set_: Set = None,
        workers: Workers = 2,
        device: Device = "auto",
        retry_failed: RetryFailed = False,
        json: Json = False,
    ) -> None:
        console = Console(json=json)
        named = (study, data, model, workspace)
        chosen = _study(*named, workers=workers, device=device, overrides=set_)
        _run(chosen, stage, console, retry_failed=retry_failed)

    verb.__doc__ = help
    return verb


def _run(
    study: "pryproof.Study", stage: str, console: Console, *, retry_failed: bool = False
) -> None:
    with watch(console) as on_event:
        files = study.run(stage, on_event=on_event, retry_failed=retry_failed)
    console.result(study.summary(stage), files)


VERBS = {
    "run": ("report", "Do the whole study and write the report. Running it again continues."),
    "generate": ("generate", "Train the generator and draw fakes."),
    "transform": ("transform", "Train the transform between the privacy domains."),
    "protect": ("protect", "Compose the protected training set. Writes protected.parquet."),
    "evaluate": ("evaluate", "Train and attack every row of the comparison. Writes metrics.json."),
    "report": ("report", "Do what is left and write report.html."),
}
for word, (stage, text) in VERBS.items():
    app.command(word, help=text)(_stage(stage, help=text))


app.command()(attack)
app.command("check-fakes")(check_fakes)
app.command()(reproduce)


@app.command()
def value(
    study: StudyFile = None,
    outputs: valuing.Outputs = None,
    data: Data = None,
    model: Model = None,
    workspace: Where = None,
    margin: valuing.Margin = None,
    rule: valuing.Rule = None,
    at_least: valuing.AtLeast = None,
    share: valuing.Share = None,
    by_class: valuing.ByClass = False,
    set_: Set = None,
    workers: Workers = 2,
    device: Device = "auto",
    retry_failed: RetryFailed = False,
    out: valuing.Out = None,
    in_parts: valuing.InParts = False,
    explain: valuing.Explain = None,
    seed: valuing.Seed = 0,
    json: Json = False,
) -> None:
    """Value every member: safe, vague or risky. Writes samples.parquet."""
    console = Console(json=json)
    chosen = valuing.chosen(margin, rule, at_least, share, by_class=by_class)
    if outputs is not None:
        valuing.refuse_both(study=study, data=data, model=model, workspace=workspace, set_=set_)
        valuing.value_outputs(
            *(outputs, chosen, console), out=out, explain=explain, seed=seed, in_parts=in_parts
        )
        return
    if out is not None or in_parts:
        word = "--in-parts" if in_parts else "--out"
        raise ConfigurationError("E046", f"{word} needs --outputs", fix="A study writes to -w.")
    overrides = [*(set_ or []), *valuing.overrides(chosen)]
    named = (study, data, model, workspace)
    opened = _study(*named, workers=workers, device=device, overrides=overrides)
    if explain is not None:
        console.text(opened.value().explain(explain) + "\n")
        return
    _run(opened, "value", console, retry_failed=retry_failed)


@app.command()
def export(
    out: exporting.Out,
    study: StudyFile = None,
    data: Data = None,
    model: Model = None,
    workspace: Where = None,
    what: exporting.What = "all",
    form: exporting.Form = None,
    mixture: exporting.Mixture = None,
    set_: Set = None,
    workers: Workers = 2,
    device: Device = "auto",
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Write a training set, or the generator, with its card. Does what is left to do for it."""
    console = Console(json=json)
    named = (study, data, model, workspace)
    opened = _study(*named, workers=workers, device=device, overrides=set_)
    chosen = exporting.chosen(what, form, mixture)
    write: Callable[..., Path] = opened.export_generator
    if chosen is not None:
        write = partial(opened.export, **chosen)
    with watch(console) as on_event:
        folder = write(out, on_event=on_event, retry_failed=retry_failed)
    console.result(exporting.NOTES, {"export": folder})


@app.command()
def demo(
    workspace: Where = None,
    set_: Set = None,
    workers: Workers = 2,
    device: Device = "auto",
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Run the whole road on the embedded images and write the report."""
    console = Console(json=json)
    settings = pryproof.demo()
    if set_:
        settings = settings.changed(set_)
    machine = _machine(workers, device)
    study = pryproof.Study(workspace or Path("pryproof-demo"), settings=settings, machine=machine)
    _run(study, "report", console, retry_failed=retry_failed)


@app.command()
def doctor(json: Json = False) -> None:
    """Look at this machine: versions, threads, disk, and whether a worker starts."""
    console = Console(json=json)
    rows = doctoring.examine()
    console.table(["what", "found", "ok"], [[*row[:2], "yes" if row[2] else "no"] for row in rows])
    if not all(row[2] for row in rows):
        raise typer.Exit(4)


@app.command()
def check(
    study: StudyFile = None,
    data: Data = None,
    model: Model = None,
    workspace: Where = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Read images, settings and network, train nothing, and say what a run would use."""
    console = Console(json=json)
    chosen = _study(study, data, model, workspace, overrides=set_)
    console.table(["what", "found"], chosen.check())


@app.command()
def plan(
    study: StudyFile = None,
    data: Data = None,
    model: Model = None,
    workspace: Where = None,
    set_: Set = None,
    workers: Workers = 2,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Print the steps in order, what is stored, and the time a probe predicts for the rest."""
    console = Console(json=json)
    named = (study, data, model, workspace)
    chosen = _study(*named, workers=workers, device=device, overrides=set_)
    columns, rows, notes = chosen.forecast()
    console.table(columns, rows, notes=notes)


@app.command()
def status(
    study: StudyFile = None,
    data: Data = None,
    model: Model = None,
    workspace: Where = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Say how far a study is. Reads only; safe while it runs."""
    console = Console(json=json)
    chosen = _study(study, data, model, workspace, overrides=set_)
    left_out = [f"left out: {name} ({why})" for name, why in chosen.failed_runs().items()]
    console.table(["stage", "tasks", "stored"], chosen.progress(), notes=left_out)


@app.command()
def why(
    step: Annotated[str, typer.Argument(help="A task's name, as plan prints it.")],
    study: StudyFile = None,
    data: Data = None,
    model: Model = None,
    workspace: Where = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Say why a task is or is not stored: what changed against what the workspace holds."""
    console = Console(json=json)
    chosen = _study(study, data, model, workspace, overrides=set_)
    console.table(["what", "was", "is"], chosen.why(step))


STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # what a shell expects, and no code of ours


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    raise SystemExit(128 + number)


def main() -> None:
    """Run the command line; every error is one line on stderr and the documented exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(standalone_mode=True)
    except PryproofError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None
    except SystemExit as ended:
        if ended.code in STOPPED:  # typer ends with this code on Ctrl-C, and without a word
            sys.stderr.write("Stopped. What is finished is kept; the same command continues.\n")
        raise
    except Exception:  # noqa: BLE001 - the one place a bug may end: named as such, exit code 1
        traceback.print_exc()
        sys.stderr.write("This is a bug in pryproof. What is finished is kept.\n")
        raise SystemExit(1) from None
