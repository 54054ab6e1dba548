"""train: one classifier on one training set; what it says is kept as signals, not as logits."""

import numpy as np

from pryproof.attacks.signals import signals
from pryproof.defenses.fakes import TrainingSet, real_and_fake
from pryproof.defenses.table import DEFENSES, Strength
from pryproof.models.resolve import build
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.training.loop import Recipe
from pryproof.training.loop import train as fit
from pryproof.training.predict import predict, weights_of


def train(call: Call) -> Result:
    """Return weights, the signals of every real sample, and of the fakes where they were seen."""
    settings = call.settings
    data = Loaded.of(call.inputs["load"])
    images, labels = _training_set(call, data)
    model = build(
        settings["model"], classes=len(data.classes), shape=data.shape, seed=settings["seed"]
    )
    strength = Strength(**(settings["strength"] or {"padding": 0, "alpha": 0.0}))
    history = fit(
        model,
        images,
        labels,
        defense=DEFENSES[settings["defense"]](strength),
        recipe=Recipe(**settings["recipe"]),
        seed=settings["seed"],
        progress=call.progress,
    )
    arrays = {f"weight.{name}": value for name, value in weights_of(model).items()}
    # never compiled: what is stored must not depend on an extra
    said = signals(predict(model, data.images), data.labels, accelerate=False)
    arrays |= {f"signal.{name}": value for name, value in said.items()}
    if settings["trains_on"] == "fakes":
        generated = call.inputs["generate"].arrays
        for name in ("fakes", "unseen_fakes"):
            answers, classes = predict(model, generated[name]), generated[f"{name}_labels"]
            said = signals(answers, classes, accelerate=False)
            arrays |= {f"{name}.{key}": value for key, value in said.items()}
            arrays[f"{name}.label"] = generated[f"{name}_labels"]
    arrays["batch_loss"] = history.batch_loss
    return Result(arrays, _facts(call, history.batch_loss, rows=len(labels)))


def _training_set(call: Call, data: Loaded) -> tuple[np.ndarray, np.ndarray]:
    part = data.fold(call.settings["fold"])
    real, labels = data.images[part], data.labels[part]
    if call.settings["trains_on"] == "real":
        return real, labels
    if call.settings["trains_on"] == "protected":
        protected = call.inputs["protect"].arrays
        return protected["images"], protected["labels"]
    both = fakes_and_reals(real, labels, call)
    return both.images, both.labels


def fakes_and_reals(real: np.ndarray, labels: np.ndarray, call: Call) -> TrainingSet:
    """Join a fold's reals with its generator's fakes."""
    generated = call.inputs["generate"].arrays
    return real_and_fake(real, labels, generated["fakes"], generated["fakes_labels"])


def _facts(call: Call, batch_loss: np.ndarray, *, rows: int) -> dict[str, object]:
    facts: dict[str, object] = {
        "epochs": len(batch_loss),
        "steps": batch_loss.size,
        "trained_on": rows,
        "last_loss": float(batch_loss[-1].mean()),
    }
    if call.settings["defense"] == "relax_loss":
        last = batch_loss[-max(2, len(batch_loss) // 4) :]
        facts["binds"] = float((last < call.settings["strength"]["alpha"]).mean())
    return facts
