"""generate, transform, protect: fakes, the move between the privacy domains, the protected set."""

import numpy as np

from pryproof.defenses.fakes import replacement
from pryproof.generation.domains import PremiseSettings, domain_premise
from pryproof.generation.fit_cycle_gan import fit_cycle_gan
from pryproof.generation.fit_tac_gan import fit_tac_gan
from pryproof.generation.sample import sample_tac_gan, uniform_labels
from pryproof.generation.settings import CycleGanSettings, TacGanSettings
from pryproof.generation.transform import transform
from pryproof.models.resolve import build
from pryproof.pipeline.settings import Generate, Transform
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.train import fakes_and_reals
from pryproof.pipeline.steps.value import picked
from pryproof.training.predict import predict, with_weights
from pryproof.valuation.votes import RISKY, SAFE


def generate(call: Call) -> Result:
    """Train TAC-GAN on the fold's images; draw fakes, and as many that nothing trains on."""
    data = Loaded.of(call.inputs["load"])
    part = data.fold(call.settings["fold"])
    images, labels = data.images[part], data.labels[part]
    chosen, seed, classes = (
        Generate(**call.settings["gan"]),
        call.settings["seed"],
        len(data.classes),
    )
    steps = chosen.steps_for(len(labels))
    settings = TacGanSettings(**chosen.model_dump(exclude={"amount"}) | {"steps": steps})
    fitted = fit_tac_gan(
        images, labels, classes=classes, settings=settings, seed=seed, progress=call.progress
    )
    count = round(call.settings["amount"] * len(labels))
    wanted = uniform_labels(count, classes)
    arrays = {f"weight.{name}": value for name, value in fitted.weights.items()}
    arrays |= {f"history.{name}": value for name, value in fitted.history.items()}
    for index, name in enumerate(("fakes", "unseen_fakes")):
        arrays[name] = sample_tac_gan(
            fitted.weights,
            wanted,
            shape=data.shape,
            classes=classes,
            settings=settings,
            seed=seed + 1 + index,
        )
        arrays[f"{name}_labels"] = wanted
    return Result(arrays, dict(fitted.facts))


def _domains(call: Call, data: Loaded) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    part = data.fold(call.settings["fold"])
    verdict = call.inputs["value"].arrays["verdict"]
    images, labels = data.images[part], data.labels[part]
    safe, risky = verdict == SAFE, verdict == RISKY
    return images[safe], images[risky], labels[safe], labels[risky]


def transform_domains(call: Call) -> Result:
    """Train CycleGAN between the voted domains; move every real to safe, every fake to risky."""
    data = Loaded.of(call.inputs["load"])
    safe, risky, safe_labels, risky_labels = _domains(call, data)
    chosen = Transform(**call.settings["gan"])
    steps = chosen.steps_for(data.size("members"))
    settings = CycleGanSettings(**chosen.model_dump() | {"steps": steps})
    fitted = fit_cycle_gan(
        safe,
        risky,
        safe_labels,
        risky_labels,
        settings=settings,
        seed=call.settings["seed"],
        progress=call.progress,
    )
    arrays = {f"weight.{name}": value for name, value in fitted.weights.items()}
    arrays |= {f"history.{name}": value for name, value in fitted.history.items()}
    reals = data.images[data.fold(call.settings["fold"])]
    fakes = call.inputs["generate"].arrays["fakes"]
    shape = data.shape
    arrays["safer_reals"] = transform(
        fitted.weights, reals, direction="r2s", settings=settings, shape=shape
    )
    arrays["riskier_fakes"] = transform(
        fitted.weights, fakes, direction="s2r", settings=settings, shape=shape
    )
    return Result(arrays, dict(fitted.facts))


def protect(call: Call) -> Result:
    """Compose the replacement set (methods A13), with where every image came from."""
    data = Loaded.of(call.inputs["load"])
    part = data.fold(call.settings["fold"])
    plain = fakes_and_reals(data.images[part], data.labels[part], call)
    moved = call.inputs["transform"].arrays
    made = replacement(
        plain,
        safe_reals=call.inputs["value"].arrays["verdict"] == SAFE,
        safer_reals=moved["safer_reals"],
        risky_fakes=call.inputs["value_fake"].arrays["verdict"] == RISKY,
        riskier_fakes=moved["riskier_fakes"],
    )
    counts = {
        f"{name}_{kind}": int(np.sum((made.source == code) & (made.transformed == moved)))
        for code, name in enumerate(("real", "fake"))
        for kind, moved in (("kept", False), ("transformed", True))
    }
    arrays = {
        name: getattr(made, name) for name in ("images", "labels", "source", "index", "transformed")
    }
    return Result(arrays, counts)


def premise(call: Call) -> Result:
    """Ask what the transform rests on: how well safe and risky can be told apart by looking."""
    data = Loaded.of(call.inputs["load"])
    safe, risky, safe_labels, risky_labels = _domains(call, data)
    found = domain_premise(
        safe,
        risky,
        safe_labels,
        risky_labels,
        classes=len(data.classes),
        settings=PremiseSettings(),
        seed=call.settings["seed"],
        progress=call.progress,
    )
    arrays = {f"hits.{view}": values for view, values in found.hits.items()}
    arrays |= {f"weights.{view}": values for view, values in found.weights.items()}
    return Result(arrays, {"classes_within": found.classes_within})


def check_fakes(call: Call) -> Result:
    """Let a classifier that saw none of them name the classes of reals, fakes, moved ones."""
    data = Loaded.of(call.inputs["load"])
    judge = with_weights(
        build(call.settings["model"], classes=len(data.classes), shape=data.shape, seed=0),
        picked(call.inputs["judge"], "weight."),
    )
    made, moved = call.inputs["generate"].arrays, call.inputs["transform"].arrays
    members = data.fold(call.settings["fold"])
    evaluation = data.parts["evaluation"]
    sets = {
        "held_out_reals": (data.images[evaluation], data.labels[evaluation]),
        "reals": (data.images[members], data.labels[members]),
        "safer_reals": (moved["safer_reals"], data.labels[members]),
        "fakes": (made["fakes"], made["fakes_labels"]),
        "riskier_fakes": (moved["riskier_fakes"], made["fakes_labels"]),
    }
    arrays = {
        name: predict(judge, images).argmax(axis=1) == labels
        for name, (images, labels) in sets.items()
    }
    change = np.abs(moved["safer_reals"].astype(np.float64) - data.images[members])
    return Result(arrays, {"mean_change_of_reals": float(change.mean() / 127.5)})
