"""generate, transform, protect: fakes, the move between the privacy domains, the protected set."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pryproof import seeds
from pryproof.defenses.fakes import AS_IS, SOURCES
from pryproof.defenses.mixtures import replacement
from pryproof.generation.domains import PremiseSettings, domain_premise, premise_warnings
from pryproof.generation.fit_cycle_gan import CycleGan, fit_cycle_gan
from pryproof.generation.fit_tac_gan import TacGan, fit_tac_gan
from pryproof.generation.judge_transform import Domains, judge_transform
from pryproof.generation.paired import held_out
from pryproof.generation.sample import sample_tac_gan, uniform_labels
from pryproof.generation.settings import CycleGanSettings, TacGanSettings
from pryproof.generation.transform import Direction, transform
from pryproof.models.resolve import build
from pryproof.pipeline.settings import Generate, Transform
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.sets import ARRAYS, fakes_and_reals, moved
from pryproof.pipeline.steps.value import picked
from pryproof.training.predict import predict, with_weights
from pryproof.valuation.votes import RISKY, SAFE

Weights = Mapping[str, np.ndarray]
Asked = tuple[Direction, np.ndarray, np.ndarray]  # which way, images, labels


def generator(call: Call) -> Result:
    """Train TAC-GAN on the fold's images; one generator serves every amount of fakes."""
    data = Loaded.of(call.inputs["load"])
    part = data.fold(call.settings["fold"])
    images, labels = data.images[part], data.labels[part]
    seed, classes = call.settings["seed"], len(data.classes)
    settings = tac_gan_settings(call.settings["gan"], members=len(labels))
    fitted = fit_tac_gan(
        images,
        labels,
        classes=classes,
        settings=settings,
        seed=seed,
        progress=call.progress,
        keep=call.keep,
        device=call.device,
    )
    arrays = {f"weight.{name}": value for name, value in fitted.weights.items()}
    arrays |= {f"history.{name}": value for name, value in fitted.history.items()}
    return Result(arrays, _told(fitted))


def generate(call: Call) -> Result:
    """Draw fakes, and as many that nothing trains on."""
    data = Loaded.of(call.inputs["load"])
    size, classes = data.fold_size(call.settings["fold"]), len(data.classes)
    wanted = uniform_labels(round(call.settings["amount"] * size), classes)
    seed = call.settings["seed"]
    arrays: dict[str, np.ndarray] = {}
    for index, name in enumerate(("fakes", "unseen_fakes")):
        arrays[name] = sample_tac_gan(
            picked(call.inputs["generator"], "weight."),
            wanted,
            shape=data.shape,
            classes=classes,
            settings=tac_gan_settings(call.settings["gan"], members=size),
            seed=seed + index,
        )
        arrays[f"{name}_labels"] = wanted
    return Result(arrays, {"fakes_seed": seed})


def tac_gan_settings(gan: Mapping[str, Any], *, members: int) -> TacGanSettings:
    """Return what a TAC-GAN on so many members is trained with; ``gan`` is that of the task."""
    chosen = Generate(**gan)
    values = chosen.model_dump(exclude={"amount"})
    return TacGanSettings(**values | {"steps": chosen.steps_for(members)})


def _told(fitted: TacGan | CycleGan) -> dict[str, object]:
    return dict(fitted.facts) | {"warnings": list(fitted.warnings)}


def _domains(call: Call, data: Loaded) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    part = data.fold(call.settings["fold"])
    verdict = call.inputs["value"].arrays["verdict"]
    images, labels = data.images[part], data.labels[part]
    safe, risky = verdict == SAFE, verdict == RISKY
    return images[safe], images[risky], labels[safe], labels[risky]


def transform_domains(call: Call) -> Result:
    """Train CycleGAN between the voted domains; move every real to safe, every fake to risky.

    Images that nothing trains on are moved to safe as well, for moved members to be valued against
    moved non-members: those outside for the cuts, those of the evaluation to be held out from them.
    An independent classifier judges both directions where the settings say ``judged``.
    """
    data = Loaded.of(call.inputs["load"])
    safe, risky, safe_labels, risky_labels = _domains(call, data)
    settings = _cycle_gan_settings(call, data)
    fitted = fit_cycle_gan(
        safe,
        risky,
        safe_labels,
        risky_labels,
        settings=settings,
        seed=call.settings["seed"],
        classes=len(data.classes),
        progress=call.progress,
        keep=call.keep,
        device=call.device,
    )
    arrays = {f"weight.{name}": value for name, value in fitted.weights.items()}
    arrays |= {f"history.{name}": value for name, value in fitted.history.items()}
    arrays |= _moved_images(call, data, fitted.weights, call.inputs["generate"].arrays)
    judged = list(_judged(call, data, fitted, settings)) if call.settings["judged"] else []
    return Result(arrays, _told(fitted) | {"judged": judged})


def move(call: Call) -> Result:
    """Move a fold's images by another fold's finished networks, as ``transform_domains`` does.

    What does not depend on the fold is taken over: fakes, images outside and of the evaluation.
    """
    data, made = Loaded.of(call.inputs["load"]), call.inputs["transform"]
    kept = ("safer_outside", "safer_evaluation", "riskier_fakes")
    asked: dict[str, Asked] = {"safer_reals": _reals_to_safe(call, data)}
    moved = _each_moved(call, data, picked(made, "weight."), asked)
    return Result(moved | {name: made.arrays[name] for name in kept})


def _cycle_gan_settings(call: Call, data: Loaded) -> CycleGanSettings:
    chosen = Transform(**call.settings["gan"])
    steps = chosen.steps_for(data.size("members"))
    return CycleGanSettings(**chosen.model_dump() | {"steps": steps})


def _reals_to_safe(call: Call, data: Loaded) -> Asked:
    part = data.fold(call.settings["fold"])
    return "r2s", data.images[part], data.labels[part]


def _moved_images(
    call: Call, data: Loaded, weights: Weights, made: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    asked: dict[str, Asked] = {"safer_reals": _reals_to_safe(call, data)}
    for name in ("outside", "evaluation"):
        part = data.parts[name]
        asked[f"safer_{name}"] = ("r2s", data.images[part], data.labels[part])
    asked["riskier_fakes"] = ("s2r", made["fakes"], made["fakes_labels"])
    return _each_moved(call, data, weights, asked)


def _each_moved(
    call: Call, data: Loaded, weights: Weights, asked: Mapping[str, Asked]
) -> dict[str, np.ndarray]:
    settings = _cycle_gan_settings(call, data)
    return {
        name: transform(
            weights,
            images,
            direction=direction,
            settings=settings,
            shape=data.shape,
            labels=labels,
        )
        for name, (direction, images, labels) in asked.items()
    }


def _judged(
    call: Call, data: Loaded, fitted: CycleGan, settings: CycleGanSettings
) -> Iterator[dict[str, object]]:
    """Judge each direction on the images of the domain it starts from that never trained it."""
    safe, risky, safe_labels, risky_labels = _domains(call, data)
    sides = {"safe": (safe, safe_labels), "risky": (risky, risky_labels)}
    directions: dict[Direction, tuple[str, str]] = {
        "s2r": ("safe", "risky"),
        "r2s": ("risky", "safe"),
    }
    for direction, (source, target) in directions.items():
        images, labels = sides[source]
        held = held_out(len(images), seed=call.settings["seed"], name=source)
        moved = images.copy()  # of the others nothing is asked
        moved[held] = transform(
            fitted.weights,
            images[held],
            direction=direction,
            settings=settings,
            shape=data.shape,
            labels=labels[held],
        )
        domains = Domains(
            source=images,
            target=sides[target][0],
            source_labels=labels,
            target_labels=sides[target][1],
            classes=len(data.classes),
        )
        for conditional in (False, True) if settings.conditional else (False,):
            found = judge_transform(
                domains,
                moved,
                settings=PremiseSettings(),
                seed=seeds.derive(call.settings["seed"], "judge", direction),
                conditional=conditional,
                asked=np.isin(np.arange(len(images)), held),
            )
            yield {"from": source, "to": target, "told_label": conditional} | asdict(found)


def protect(call: Call) -> Result:
    """Compose the replacement set (methods A13), with where every image came from."""
    made = replacement(fakes_and_reals(call), moved(call))
    counts = {
        f"{name}_{kind}": int(np.sum((made.source == code) & ((made.made_by == AS_IS) == kept)))
        for code, name in enumerate(SOURCES[:2])
        for kind, kept in (("kept", True), ("transformed", False))
    }
    return Result({name: getattr(made, name) for name in ARRAYS}, counts)


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
    warnings = list(premise_warnings(found))
    return Result(arrays, {"classes_within": found.classes_within, "warnings": warnings})


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
