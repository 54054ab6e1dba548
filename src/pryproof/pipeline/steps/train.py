"""train: one classifier on one training set; what it says is kept as signals, not as logits."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from pryproof.attacks.signals import signals
from pryproof.defenses.fakes import SOURCES
from pryproof.defenses.fit import Fit, Fitted, Given
from pryproof.defenses.table import DEFENSES
from pryproof.models.resolve import build
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.sets import training_set
from pryproof.training.predict import predict, weights_of
from pryproof.training.recipe import Recipe


def train(call: Call) -> Result:
    """Return weights, the signals of every real sample, and of the fakes where they were seen."""
    settings = call.settings
    data = Loaded.of(call.inputs["load"])
    given = given_to(call, data)
    alpha = call.inputs["alpha"].facts["alpha"] if "alpha" in call.inputs else None
    fitted = defense_of(settings, alpha=alpha)(given)
    arrays = {f"weight.{name}": value for name, value in weights_of(fitted.model).items()}
    # never compiled: what is stored must not depend on an extra
    answers = fitted.answer(predict(fitted.model, data.images))
    said = signals(answers, data.labels, accelerate=False)
    arrays |= {f"signal.{name}": value for name, value in said.items()}
    if settings["trains_on"] == "fakes":
        arrays |= _said_of_fakes(fitted, call)
    if settings["keeps_safer"]:
        arrays |= _said_of_moved(fitted, call, data)
    arrays["batch_loss"] = fitted.history.batch_loss
    arrays["batch_accuracy"] = fitted.history.batch_accuracy
    return Result(arrays, _facts(call, fitted, rows=len(given.labels)))


def given_to(call: Call, data: Loaded) -> Given:
    """Return what a defense is given to train with."""
    settings, made = call.settings, training_set(call)
    return Given(
        make=partial(_network, settings["model"], len(data.classes), data.shape, call.device),
        images=made.images,
        labels=made.labels,
        classes=len(data.classes),
        recipe=_recipe(settings, members=data.fold_size(settings["fold"]), rows=len(made)),
        seed=settings["seed"],
        source=made.source,
        reference=reference(data) if settings["reference"] else None,
        progress=call.progress,
        keep=call.keep,
    )


def defense_of(settings: Mapping[str, Any], *, alpha: float | None) -> Fit:
    """Return a training task's defense; ``alpha`` is RelaxLoss's target where one is chosen."""
    chosen = {} if alpha is None else {"alpha": alpha}
    return DEFENSES[settings["defense"]](**settings["options"], **chosen)


def _network(
    model: str, classes: int, shape: tuple[int, int, int], device: str, seed: int
) -> nn.Module:
    """Build on the CPU, so that every device starts from the same bytes."""
    return build(model, classes=classes, shape=shape, seed=seed).to(device)


def reference(data: Loaded) -> tuple[np.ndarray, np.ndarray]:
    """Return the images beside the members that a defender owns, and their labels."""
    owned = data.defenders()
    return data.images[owned], data.labels[owned]


def _recipe(settings: Mapping[str, Any], *, members: int, rows: int) -> Recipe:
    """Return the recipe; at equal steps with as many epochs as come nearest to the plain row's."""
    recipe = Recipe(**settings["recipe"])
    if not settings["equal_steps"]:
        return recipe
    rows *= settings["options"].get("copies", 1)
    plain, own = (max(1, round(count / recipe.batch)) for count in (members, rows))
    return replace(recipe, epochs=max(1, round(recipe.epochs * plain / own)))


def _said_of_fakes(fitted: Fitted, call: Call) -> dict[str, np.ndarray]:
    generated = call.inputs["generate"].arrays
    return _said_of(
        fitted,
        {
            name: (generated[name], generated[f"{name}_labels"])
            for name in ("fakes", "unseen_fakes")
        },
    )


def _said_of_moved(fitted: Fitted, call: Call, data: Loaded) -> dict[str, np.ndarray]:
    """Ask about members, images outside and evaluation images, all as G_r2s shows them.

    A member voted safe is trained on as it is, so its transform was not seen: see ``protect``.
    """
    moved = call.inputs["transform"].arrays
    places = {
        "moved": ("safer_reals", data.fold(call.settings["fold"])),
        "moved_outside": ("safer_outside", data.parts["outside"]),
        "moved_unseen": ("safer_evaluation", data.parts["evaluation"]),
    }
    return _said_of(
        fitted, {name: (moved[made], data.labels[part]) for name, (made, part) in places.items()}
    )


def _said_of(
    fitted: Fitted, asked: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for name, (images, labels) in asked.items():
        said = signals(fitted.answer(predict(fitted.model, images)), labels, accelerate=False)
        arrays |= {f"{name}.{key}": value for key, value in said.items()}
        arrays[f"{name}.label"] = labels
    return arrays


def _with_choice(facts: Mapping[str, Any], choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the target that was chosen, and what it or the training warns of."""
    warnings = [each["warning"] for each in (choice, facts) if "warning" in each]
    return {"alpha": choice["alpha"]} | ({"warning": " ".join(warnings)} if warnings else {})


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
    if "alpha" in call.inputs:
        facts |= _with_choice(facts, call.inputs["alpha"].facts)
    losses = history.source_loss[-1].tolist()
    for name, loss in zip(SOURCES, losses, strict=False):
        if not np.isnan(loss):
            facts[f"last_loss_of_{name}"] = loss
    return facts
