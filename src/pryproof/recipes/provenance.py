"""Where a reproduction's numbers come from: size, images, machine, version."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pryproof.pipeline.settings import Settings
from pryproof.recipes.sizes import Size, of_network
from pryproof.reporting.cells import count, duration

SHOWN = 16  # digits of a digest
LIMITS: dict[str, str] = {
    "tiny": """\
Tiny is small networks on 1,000 gray images that are easy to tell apart. It shows that all of it \
runs, and which way a large effect points; it is no evidence for or against the paper.
Generators this small, trained this briefly, draw fakes far from the images: what fakes do here \
says little about good ones.""",
    "small": """\
Small is CIFAR-100 under its 20 coarse labels, 5,000 members and a small ResNet: of the paper's \
kind, at a tenth of its members. An order that holds here may turn at the paper's size.""",
    "paper": """\
CIFAR-100 has 600 images a class: 170 train, 170 are the shadow fold's, 170 set cuts and 80 are \
judged. The paper trains on more of them and does not say what it judges by.""",
}
EVERYWHERE = """\
Intervals hold for these images, this split and these networks. They are not corrected for the \
number of claims: of forty true zeros, two will seem to hold or to fail.
"Holds" says that an effect has the claimed sign, not that it has the paper's size. "Cannot tell" \
is what too few runs or images give; it is no failure of the claim.
The paper leaves choices open; docs/method.md lists ours."""


def limits(size: Size) -> tuple[str, ...]:
    """Return what a size is too small to show, a sentence or two each."""
    return (*LIMITS[size.name].splitlines(), *EVERYWHERE.splitlines())


def facts(
    size: Size, digest: str, changes: Sequence[str], records: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Yield what was asked for, and which networks that took: sizes, images, training, seed."""
    base = size.base
    yield "Size", size.name
    yield (
        "Runs",
        f"{size.runs} a histogram, {size.ensemble} an agreement, {size.judged} a comparison",
    )
    yield "Shadow runs a fold", str(size.shadows)
    yield "Images", images(base)
    yield "Content of the images", digest[:SHOWN]
    yield "Members (trained on)", _number(base.data.members)
    yield "Non-members judged", _number(base.data.evaluation)
    trained = {record["settings"]["model"] for record in records if record["step"] == "train"}
    yield "Networks", ", ".join(sorted(trained)) or "none trained"
    yield "Training", _training(base)
    for place, model in enumerate(size.models):
        if size.training[place] and model in trained:
            yield f"Training of {model}", _training(of_network(size, place))
    yield "Seed", str(base.seed)
    if changes:
        yield "Settings changed", ", ".join(changes)


def _training(settings: Settings) -> str:
    train = settings.train
    return (
        f"{train.epochs} epochs, batch {train.batch}, {train.optimizer}, {train.schedule}, rate "
        f"{train.learning_rate:g}, weight decay {train.weight_decay:g}, {train.precision}, "
        f"RelaxLoss alpha {settings.relax_loss.alpha}"
    )


def images(settings: Settings) -> str:
    """Name the images without the folders they lie in.

    >>> images(Settings(data={"source": "/home/me/cifar-100"}))
    'cifar-100'
    """
    source = settings.data.source
    return source if source.startswith("embedded:") else Path(source).name


def provenance(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield version, commit, machines and cost of results, each counted once."""
    yield "pryproof", version("pryproof")
    yield "Commit", commit() or "not known: not run from a checkout"
    prints = Counter(
        ", ".join(f"{name} {value}" for name, value in sorted(record["fingerprint"].items()))
        for record in records
    )
    for said, results in prints.items():
        yield f"Fingerprint of {count(results)} results", said
    yield "Cost in all", cost(records)


def cost(records: Sequence[Mapping[str, Any]]) -> str:
    """Say what results took together.

    >>> cost([{"seconds": 75.0}])
    '1 min 15 s of one core for 1 task'
    """
    seconds = sum(float(record["seconds"]) for record in records)
    tasks = "1 task" if len(records) == 1 else f"{count(len(records))} tasks"
    return f"{duration(seconds)} of one core for {tasks}"


def commit(inside: Path = Path(__file__)) -> str:
    """Return the commit of the checkout a file lies in, by default this one; "" for none.

    Changes that are not committed are not seen.
    """
    git = next((p / ".git" for p in inside.parents if (p / ".git" / "HEAD").is_file()), None)
    if git is None:
        return ""
    head = (git / "HEAD").read_text().strip()
    name = head.removeprefix("ref: ")
    if name == head:
        return head
    if (git / name).is_file():
        return (git / name).read_text().strip()
    packed = (git / "packed-refs").read_text() if (git / "packed-refs").is_file() else ""
    lines = (line.split() for line in packed.splitlines())
    return next((line[0] for line in lines if line[1:] == [name]), "")


def _number(members: int | None) -> str:
    return "as many as there are" if members is None else count(members)
