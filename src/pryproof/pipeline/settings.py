"""The settings of a study, all of which may change a number; and of a machine, none of which may.

``study.toml`` maps one to one on ``Settings``. Every error names the key and the way out.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from pryproof.checks import ConfigurationError, nearest
from pryproof.pipeline.canary_settings import Canaries
from pryproof.pipeline.defense_settings import Defenses, RelaxLoss
from pryproof.pipeline.part import Part
from pryproof.pipeline.row_name import RowName, once_each
from pryproof.pipeline.rows import PLAIN_ROWS

MarginName = Literal[
    "signed", "abs", "abs_log", "percentile", "risk_score", "excess", "excess_loss", "lira"
]


DEFAULT_ROWS: tuple[RowName, ...] = tuple(PLAIN_ROWS)[:6]


def _passes(passes: int, members: int, batch: int) -> int:
    return max(50, round(passes * members / batch))


class Data(Part):
    """What the images are, and how many go where (``None``: as many as the data set affords)."""

    source: str = "embedded:fashion-mnist"
    label: str | None = None  # label column of a Parquet source
    resize: int | None = Field(None, ge=8)
    on_bad_image: Literal["fail", "skip"] = "fail"
    members: int | None = Field(None, ge=4)
    evaluation: int | None = Field(None, ge=4)


class Train(Part):
    """The classifier and its recipe (see ``training.recipe``)."""

    model: str = "small_cnn"
    epochs: int = Field(30, ge=1)
    batch: int = Field(64, ge=2)
    learning_rate: float = Field(0.1, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(5e-4, ge=0)
    optimizer: Literal["sgd", "adamw"] = "sgd"
    schedule: Literal["one_cycle", "cosine", "steps"] = "one_cycle"
    drops: tuple[float, ...] = ()  # of the schedule "steps": shares of the run
    drop_by: float = Field(0.1, gt=0, lt=1)
    nesterov: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    padding: int = Field(4, ge=0)  # pixels of the random crop
    early_share: float = Field(0.4, gt=0, le=1)  # of the epochs, in the early-stopped row


class Value(Part):
    """The valuation ensemble and its vote (methods 2; A4, A5, A6, A7)."""

    runs: int = Field(5, ge=2)
    margin: MarginName = "signed"  # what exposed means; the fakes' is signed where unseen runs lack
    rule: Literal["unanimous", "m_of_k", "mean_rank"] = "unanimous"
    at_least: int | None = Field(None, ge=1)  # of m_of_k; None: more than half of the runs
    by_class: bool = False  # rank within classes
    fake_runs: int = Field(3, ge=2)  # runs on real + fake, which value the fakes (A10)
    share: float = Field(0.5, gt=0, le=0.5)  # safest and riskiest share of every run
    minimum: float = Field(0.1, ge=0, lt=0.5)  # below this share a domain falls back to mean rank


class Generate(Part):
    """TAC-GAN (methods 6): small by default, and how many fakes it makes for each member."""

    amount: float = Field(1.0, gt=0)
    network: Literal["small", "medium", "published"] = "small"
    channels: int = Field(16, ge=4)
    latent: int = Field(64, ge=2)
    steps: int | None = Field(None, ge=1)  # None: 15 passes over the members, at least 50
    discriminator_steps: int = Field(1, ge=1)
    batch: int = Field(32, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    classifier_weight: float = Field(2.0, ge=0)
    ema: float = Field(0.99, ge=0, lt=1)
    ema_start: int = Field(50, ge=0)
    diff_augment: bool = True
    cutout: bool = True
    standing_batches: int = Field(20, ge=1)
    precision: Literal["float32", "bfloat16"] = "float32"

    def steps_for(self, members: int) -> int:
        """Return the generator's steps for so many members."""
        return self.steps or _passes(15, members, self.batch)


class Transform(Part):
    """CycleGAN between the privacy domains (methods 7): small by default."""

    channels: int = Field(8, ge=2)
    blocks: int = Field(2, ge=0)
    downs: int = Field(1, ge=0)
    stem: int = Field(3, ge=1)
    skip: bool = True
    discriminator_channels: int = Field(16, ge=2)
    discriminator_layers: int = Field(2, ge=1)
    steps: int | None = Field(None, ge=2)  # None: 3 passes over the members, at least 50
    batch: int = Field(16, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    cycle_weight: float = Field(10.0, ge=0)
    identity_weight: float = Field(0.0, ge=0)
    adversarial: Literal["lsgan", "source_negatives", "literal"] = "lsgan"
    source_negatives: float = Field(0.0, ge=0)
    conditional: bool = False  # G(x, y): the transform is told the label
    pool: int = Field(50, ge=0)
    stratified: bool = True
    precision: Literal["float32", "bfloat16"] = "float32"

    def steps_for(self, members: int) -> int:
        """Return the number of steps for so many members."""
        return self.steps or _passes(3, members, self.batch)


class Evaluate(Part):
    """The comparison: which rows, how many runs of each, and the shadows that judge them."""

    rows: tuple[RowName, ...] = Field(DEFAULT_ROWS, min_length=1)
    runs: int = Field(3, ge=1)
    shadows: int = Field(2, ge=2)  # runs of each row in every shadow fold
    shadow_folds: int = Field(1, ge=1)

    @field_validator("rows")
    @classmethod
    def _once_each(cls, rows: tuple[RowName, ...]) -> tuple[RowName, ...]:
        return once_each(rows)


class Settings(Part):
    """A study: everything that may change a number, and nothing else.

    >>> Settings(train={"epochs": 3}).train.epochs
    3
    """

    name: str = Field("study", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$")
    seed: int = Field(0, ge=0, lt=2**31)
    data: Data = Data()
    train: Train = Train()
    relax_loss: RelaxLoss = RelaxLoss()
    defenses: Defenses = Defenses()
    value: Value = Value()
    generate: Generate = Generate()
    transform: Transform = Transform()
    evaluate: Evaluate = Evaluate()
    canaries: Canaries = Canaries()

    def options(self, defense: str) -> dict[str, Any]:
        """Return the settings of a defense's own."""
        if defense == "relax_loss":
            return self.relax_loss.model_dump()
        options = self.defenses.of(defense)
        if defense == "crl" and options["alpha"] is None:  # it relaxes the same loss
            options["alpha"] = self.relax_loss.alpha
        return options

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str) -> "Settings":
        """Check plain values; the first thing wrong becomes one clear error."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise _explained(cls, error, where=where) from None

    @classmethod
    def from_toml(cls, path: Path, overrides: Iterable[str] = ()) -> "Settings":
        """Read a study file and put ``key.path=value`` overrides on top."""
        if not path.is_file():
            raise ConfigurationError(
                "E001", f"no such study file: {path}", fix=_neighbours(path, ".toml")
            )
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                "E047", f"not valid TOML: {error}", where=str(path), fix="Mend that line."
            ) from error
        data = values.get("data")
        source = data.get("source") if isinstance(data, dict) else None
        if (
            isinstance(data, dict)
            and isinstance(source, str)
            and not source.startswith("embedded:")
        ):
            data["source"] = str((path.parent / source).resolve())  # from the file's folder
        values = with_overrides(values, overrides)
        return cls.parse(values, where=str(path))

    @classmethod
    def from_overrides(cls, overrides: Iterable[str]) -> "Settings":
        """Build settings from ``key.path=value`` alone."""
        return cls.parse(with_overrides({}, overrides), where="--set")

    def changed(self, overrides: Iterable[str]) -> "Settings":
        """Return these settings with ``key.path=value`` on top."""
        return self.parse(with_overrides(self.model_dump(), overrides), where="--set")


class Machine(Part):
    """What only changes speed; never part of a key.

    ``device`` is where trainings are computed: "auto" (every CUDA device there is, else the CPU),
    "cpu", "cuda" (every one), or some, as "cuda:0,cuda:1"; workers are dealt over them.
    """

    workers: int = Field(2, ge=0)
    device: str = "auto"

    @field_validator("device")
    @classmethod
    def _known(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda|cuda:\d+(,cuda:\d+)*", device):
            raise ValueError("must be auto, cpu, cuda or devices such as cuda:0,cuda:1")
        return device

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str) -> "Machine":
        """Check plain values; the first thing wrong becomes one clear error."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise _explained(cls, error, where=where) from None


def with_overrides(values: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return ``values`` with dotted ``key=value`` settings on top; a value is read as TOML.

    >>> with_overrides({"train": {"epochs": 1}}, ["train.epochs=3", "name=trial"])
    {'train': {'epochs': 3}, 'name': 'trial'}
    """
    merged = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}
    for override in overrides:
        dotted, equals, text = override.partition("=")
        if not equals or not dotted:
            raise ConfigurationError(
                "E041", f"an override is key=value, got {override!r}", fix="Write train.epochs=3."
            )
        *parents, last = dotted.strip().split(".")
        place = merged
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ConfigurationError(
                    "E041", f"{parent!r} is a value", where=dotted, fix="Remove the dot."
                )
        try:
            place[last] = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            place[last] = text.strip()
    return merged


def _explained(model: type[BaseModel], error: ValidationError, *, where: str) -> ConfigurationError:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        known = _fields(model, path[:-1])
        return ConfigurationError(
            "E041", f"unknown key {key}", where=where, fix=nearest(path[-1], known)
        )
    came = repr(first["input"])
    message = first["msg"].removeprefix("Value error, ")
    fix = f"Change {key}."
    if first["type"] == "literal_error":
        fix = nearest(str(first["input"]), re.findall(r"'([^']*)'", first["ctx"]["expected"]))
    return ConfigurationError(
        "E042" if first["type"].endswith(("type", "parsing")) else "E043",
        f"{key}: {message[:1].lower()}{message[1:]}, got {came[:60]}",
        where=where,
        fix=fix,
    )


def _fields(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _neighbours(path: Path, suffix: str) -> str:
    folder = path.parent
    names = [p.name for p in folder.iterdir() if p.suffix == suffix] if folder.is_dir() else []
    return nearest(path.name, names) if names else "Check the path."
