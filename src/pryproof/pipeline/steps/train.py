"""train: one classifier on one training set; what it says is kept as signals, not as logits."""

from functools import partial
from typing import Any

import numpy as np
from torch import nn

from pryproof.attacks.signals import signals
from pryproof.defenses.fakes import FAKE, REAL, TrainingSet, real_and_fake
from pryproof.defenses.fit import Fitted, Given
from pryproof.defenses.table import DEFENSES
from pryproof.models.resolve import build
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.training.predict import predict, weights_of
from pryproof.training.recipe import Recipe


def train(call: Call) -> Result:
    """Return weights, the signals of every real sample, and of the fakes where they were seen."""
    settings = call.settings
    data = Loaded.of(call.inputs["load"])
    images, labels, source = _training_set(call, data)
    given = Given(
        make=partial(_network, settings["model"], len(data.classes), data.shape),
        images=images,
        labels=labels,
        classes=len(data.classes),
        recipe=Recipe(**settings["recipe"]),
        seed=settings["seed"],
        source=source,
        reference=_reference(data) if settings["reference"] else None,
        progress=call.progress,
        keep=call.keep,
    )
    fitted = DEFENSES[settings["defense"]](**settings["options"])(given)
    arrays = {f"weight.{name}": value for name, value in weights_of(fitted.model).items()}
    # never compiled: what is stored must not depend on an extra
    answers = fitted.answer(predict(fitted.model, data.images))
    said = signals(answers, data.labels, accelerate=False)
    arrays |= {f"signal.{name}": value for name, value in said.items()}
    if settings["trains_on"] == "fakes":
        arrays |= _said_of_fakes(fitted, call)
    arrays["batch_loss"] = fitted.history.batch_loss
    return Result(arrays, _facts(call, fitted, rows=len(labels)))


def _network(model: str, classes: int, shape: tuple[int, int, int], seed: int) -> nn.Module:
    return build(model, classes=classes, shape=shape, seed=seed)


def _reference(data: Loaded) -> tuple[np.ndarray, np.ndarray]:
    owned = data.defenders()
    return data.images[owned], data.labels[owned]


def _training_set(call: Call, data: Loaded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images, labels and whether each is real or fake."""
    part = data.fold(call.settings["fold"])
    real, labels = data.images[part], data.labels[part]
    if call.settings["trains_on"] == "real":
        return real, labels, np.full(len(labels), REAL)
    if call.settings["trains_on"] == "protected":
        protected = call.inputs["protect"].arrays
        return protected["images"], protected["labels"], protected["source"]
    both = fakes_and_reals(real, labels, call)
    return both.images, both.labels, both.source


def fakes_and_reals(real: np.ndarray, labels: np.ndarray, call: Call) -> TrainingSet:
    """Join a fold's reals with its generator's fakes."""
    generated = call.inputs["generate"].arrays
    return real_and_fake(real, labels, generated["fakes"], generated["fakes_labels"])


def _said_of_fakes(fitted: Fitted, call: Call) -> dict[str, np.ndarray]:
    generated = call.inputs["generate"].arrays
    arrays: dict[str, np.ndarray] = {}
    for name in ("fakes", "unseen_fakes"):
        answers = fitted.answer(predict(fitted.model, generated[name]))
        said = signals(answers, generated[f"{name}_labels"], accelerate=False)
        arrays |= {f"{name}.{key}": value for key, value in said.items()}
        arrays[f"{name}.label"] = generated[f"{name}_labels"]
    return arrays


def _facts(call: Call, fitted: Fitted, *, rows: int) -> dict[str, Any]:
    history = fitted.history
    facts: dict[str, Any] = {
        "epochs": len(history.batch_loss),
        "steps": history.steps,
        "trained_on": rows,
        "last_loss": float(history.batch_loss[-1].mean()),
        "rollbacks": history.rollbacks,
        "uses_reference": call.settings["reference"],
        **fitted.facts,
    }
    for name, place in (("reals", REAL), ("fakes", FAKE)):
        if place < history.source_loss.shape[1]:
            facts[f"last_loss_of_{name}"] = float(history.source_loss[-1, place])
    return facts
