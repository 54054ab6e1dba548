"""The files a user keeps: one row a sample, a run, an image of the protected set."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from pryproof.pipeline.run import Keyed
from pryproof.pipeline.steps.call import Loaded
from pryproof.store.workspace import Stored, Workspace
from pryproof.valuation.success import success_rate

WORDS = np.array(["safe", "vague", "risky"])


def samples(
    load: Stored, value: Stored, value_fake: Stored | None, fakes: Stored | None
) -> dict[str, Any]:
    """Return the verdict table: members first, then fakes where they were valued.

    Columns: ``id``, ``source``, ``label``, ``class``, ``verdict``, ``safe_votes``, ``risky_votes``
    (runs), ``mean_rank`` (1 = safest), ``success_rate`` with its 95% Wilson interval (share of
    runs in which the M-entropy attack calls the sample a member), ``unseen_success_rate`` (the
    same for runs that never saw it), ``excess_margin`` (nats over those runs, mean), ``margins``
    and ``ranks`` per run.
    """
    data = Loaded.of(load)
    members = data.parts["members"]
    real = _rows(value, data.ids[members], data.labels[members], data.classes, source="real")
    if value_fake is None or fakes is None:
        return real
    labels = fakes.arrays["fakes_labels"]
    ids = [f"fake/{i:06d}" for i in range(len(labels))]
    fake = _rows(value_fake, ids, labels, data.classes, source="fake")
    return {name: [*real[name], *fake[name]] for name in real}


def _rows(
    value: Stored, ids: list[str], labels: np.ndarray, classes: list[str], *, source: str
) -> dict[str, list[Any]]:
    arrays = value.arrays
    rate, low, high = success_rate(arrays["called"])
    unmeasured = np.full(len(ids), np.nan)
    unseen = arrays["called_unseen"].mean(axis=0) if "called_unseen" in arrays else unmeasured
    excess = arrays["excess"].mean(axis=0) if "excess" in arrays else unmeasured
    return {
        "id": list(ids),
        "source": [source] * len(ids),
        "label": labels.tolist(),
        "class": [classes[label] for label in labels],
        "verdict": WORDS[arrays["verdict"]].tolist(),
        "safe_votes": arrays["safe_votes"].tolist(),
        "risky_votes": arrays["risky_votes"].tolist(),
        "mean_rank": arrays["mean_rank"].tolist(),
        "success_rate": rate.tolist(),
        "success_low": low.tolist(),
        "success_high": high.tolist(),
        "unseen_success_rate": unseen.tolist(),
        "excess_margin": excess.tolist(),
        "margins": arrays["margin"].T.tolist(),
        "ranks": arrays["rank"].T.tolist(),
    }


def protected(load: Stored, protect: Stored) -> dict[str, Any]:
    """Return the protected training set: lossless image bytes, label, and where each came from.

    ``source_id`` is the member an image is or was made from (``real``), or the fake's number.
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
    }


def runs(tasks: Sequence[Keyed], workspace: Workspace) -> dict[str, list[Any]]:
    """Return one row a training run that is stored: what it was, what it cost, how well it did.

    Accuracies are on the fold's own training images, un-augmented, and on the evaluation images.
    """
    data = Loaded.of(workspace.get(next(item.key for item in tasks if item.task.step == "load")))
    columns: dict[str, list[Any]] = {}
    for item in tasks:
        if item.task.step != "train" or not workspace.has(item.key):
            continue
        stored = workspace.get(item.key, names=["signal.correct"])
        _, fold, row, run = item.task.name.split("/")
        correct = stored.arrays["signal.correct"]
        values = {
            "fold": fold,
            "row": row,
            "run": int(run),
            "seed": item.task.settings["seed"],
            "epochs": stored.facts["epochs"],
            "steps": stored.facts["steps"],
            "trained_on": stored.facts["trained_on"],
            "last_loss": stored.facts["last_loss"],
            "binds": stored.facts.get("binds"),
            "train_accuracy": float(correct[data.fold(fold)].mean()),
            "evaluation_accuracy": float(correct[data.parts["evaluation"]].mean()),
            "seconds": stored.record["seconds"],
            "key": item.key,
        }
        for name, value in values.items():
            columns.setdefault(name, []).append(value)
    return columns


def png(image: np.ndarray) -> bytes:
    """Encode one uint8 image without loss."""
    sink = BytesIO()
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(sink, format="PNG")
    return sink.getvalue()
