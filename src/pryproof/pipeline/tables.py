"""The files a user keeps: one row a sample, a run, an image of the protected set."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from pryproof.defenses.fakes import MADE_BY
from pryproof.pipeline.failures import FAILED, why
from pryproof.pipeline.run import Keyed
from pryproof.pipeline.steps.call import Loaded, Part
from pryproof.pipeline.verdict_table import Columns, columns
from pryproof.store.workspace import Stored, Workspace
from pryproof.valuation.votes import Votes

FACTS = ("epochs", "steps", "trained_on", "last_loss", "binds")  # of a run, in runs.parquet


def samples(
    load: Stored,
    value: Stored,
    value_fake: Stored | None,
    fakes: Stored | None,
    *,
    judged: Stored | None = None,
) -> dict[str, Any]:
    """Return the verdict table: members, held-out images, then fakes where they were valued.

    The columns are those of ``verdict_table.columns``, and ``class``. ``lira`` is the offline
    score under the rows' RelaxLoss runs, where these were judged.
    """
    data = Loaded.of(load)
    members, held = data.parts["members"], data.parts["evaluation"]
    ids = [*data.ids[members], *data.ids[held]]
    labels = np.concatenate([data.labels[members], data.labels[held]])
    lira = np.full(len(ids), np.nan)
    if judged is not None and "lira.relax_loss" in judged.arrays:
        lira = np.sort(judged.arrays["lira.relax_loss"], axis=0).mean(axis=0)
    real = _rows(value, ids, labels, data.classes, source="real", lira=lira)
    if value_fake is None or fakes is None:
        return real
    made = [fakes.arrays["fakes_labels"], fakes.arrays["unseen_fakes_labels"]]
    ids = [f"fake/{i:06d}" for i in range(len(made[0]))]
    ids += [f"unseen_fake/{i:06d}" for i in range(len(made[1]))]
    labels = np.concatenate(made)
    empty = np.full(len(ids), np.nan)
    fake = _rows(value_fake, ids, labels, data.classes, source="fake", lira=empty)
    return {name: [*real[name], *fake[name]] for name in real}


def _rows(
    value: Stored,
    ids: list[str],
    labels: np.ndarray,
    classes: list[str],
    *,
    source: str,
    lira: np.ndarray,
) -> dict[str, list[Any]]:
    arrays = value.arrays
    order, held = arrays["rank"], arrays["held_margin"].shape[1]
    runs, samples = order.shape
    strangers = arrays.get("called_unseen", np.zeros((0, samples), dtype=bool))
    inside = np.arange(samples + held) < samples
    margin = np.hstack([arrays["margin"], arrays["held_margin"]])
    excess = np.full(margin.shape, np.nan)
    if "excess" in arrays:
        excess[:, :samples] = arrays["excess"]
    votes = Votes(
        verdict=arrays["verdict"],
        safe_votes=arrays["safe_votes"],
        risky_votes=arrays["risky_votes"],
        runs=np.full(samples, runs),
        mean_rank=arrays["mean_rank"],
        rule=str(value.facts["rule"]),
    )
    # strangers answered for the members only; of the held-out images nothing is claimed
    unasked = np.zeros((len(strangers), held), dtype=bool)
    extra = np.full((len(strangers), samples + held), np.nan)
    found = columns(
        Columns(
            ids=ids,
            labels=labels,
            member=np.vstack([np.tile(inside, (runs, 1)), np.zeros(extra.shape, dtype=bool)]),
            valued=inside,
            runs=np.arange(runs),
            called=np.vstack(
                [
                    np.hstack([arrays["called"], arrays["held_called"]]),
                    np.hstack([strangers, unasked]),
                ]
            ),
            margin=np.vstack([margin, extra]),
            excess=np.vstack([excess, extra]),
            ranks=order,
            votes=votes,
            attacks={"lira": lira, "rmia": np.full(len(ids), np.nan)},
        )
    )
    named = {"class": [classes[label] for label in labels]}
    first = ("id", "label", "class")
    whole = found | named | {"source": [source] * len(ids)}
    listed = {
        name: _plain(whole[name]) for name in [*first, *(key for key in found if key not in first)]
    }
    if not len(strangers):
        listed["unseen_success_rate"] = [float("nan")] * len(ids)
    listed["unseen_success_rate"][samples:] = [float("nan")] * held
    return listed


def _plain(column: Any) -> list[Any]:  # noqa: ANN401 - a list or an array
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def protected(load: Stored, protect: Stored) -> dict[str, Any]:
    """Return the protected training set: lossless image bytes, label, and where each came from.

    ``source_id`` is the member an image is or was made from (``real``), or the fake's number.
    ``made_by`` says what made it of that; ``seed`` is that of the fakes' draw, -1 for reals.
    """
    data = Loaded.of(load)
    arrays = protect.arrays
    ids = data.ids[data.parts["members"]]
    fake = arrays["source"] == 1
    return {
        "image": [png(image) for image in arrays["images"]],
        "label": arrays["labels"].tolist(),
        "class": [data.classes[label] for label in arrays["labels"]],
        "source": np.where(fake, "fake", "real").tolist(),
        "source_id": [
            f"fake/{i:06d}" if made else ids[i]
            for i, made in zip(arrays["index"].tolist(), fake.tolist(), strict=True)
        ],
        "transformed": arrays["transformed"].tolist(),
        "made_by": [MADE_BY[code] for code in arrays["made_by"].tolist()],
        "seed": arrays["seed"].tolist(),
    }


def runs(tasks: Sequence[Keyed], workspace: Workspace) -> dict[str, list[Any]]:
    """Return one row a training run that is stored: what it was, what it cost, how well it did.

    Accuracies are on the fold's own training images, un-augmented, and on the evaluation images.
    Of a run that ``failed`` (why; null of all others) there is no more than its name and cost.
    """
    data = Loaded.of(workspace.get(next(item.key for item in tasks if item.task.step == "load")))
    columns: dict[str, list[Any]] = {}
    for item in tasks:
        if item.task.step != "train" or not workspace.has(item.key):
            continue
        stored = workspace.get(item.key, names=[])
        failed = FAILED in stored.facts
        said = {} if failed else workspace.get(item.key, names=["signal.correct"]).arrays
        _, fold, row, run = item.task.name.split("/")
        correct = said.get("signal.correct")
        values = {
            "fold": fold,
            "row": row,
            "run": int(run),
            "seed": item.task.settings["seed"],
            **{name: stored.facts.get(name) for name in FACTS},
            "train_accuracy": _mean(correct, data.fold(fold)),
            "evaluation_accuracy": _mean(correct, data.parts["evaluation"]),
            "failed": why(stored.facts) if failed else None,
            "seconds": stored.record["seconds"],
            "key": item.key,
        }
        for name, value in values.items():
            columns.setdefault(name, []).append(value)
    return columns


def _mean(correct: np.ndarray | None, part: Part) -> float:
    return float("nan") if correct is None else float(correct[part].mean())


def png(image: np.ndarray) -> bytes:
    """Encode one uint8 image without loss."""
    sink = BytesIO()
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(sink, format="PNG")
    return sink.getvalue()
