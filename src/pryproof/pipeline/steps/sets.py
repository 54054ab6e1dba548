"""What a row is trained on, by the name of its set (``rows.SetName``)."""

from collections.abc import Callable

from pryproof.augment.filters import sharpened, smoothed
from pryproof.defenses import controls
from pryproof.defenses.fakes import (
    REAL,
    SHARPENED,
    SMOOTHED,
    TrainingSet,
    of_images,
    real_and_fake,
)
from pryproof.defenses.mixtures import MIXTURES, Moved, fakes_alone, replacement
from pryproof.pipeline.rows import SetName
from pryproof.pipeline.steps.call import Call, Loaded
from pryproof.store.workspace import Stored
from pryproof.valuation.votes import RISKY, SAFE

ARRAYS = ("images", "labels", "source", "index", "made_by", "seed", "transformed")


def training_set(call: Call) -> TrainingSet:
    """Return the images of a training task, each with its provenance."""
    return SETS[call.settings["trains_on"]](call)


def stored_set(stored: Stored) -> TrainingSet:
    """Return the set that ``protect`` stored."""
    return TrainingSet(**{name: stored.arrays[name] for name in ARRAYS if name != "transformed"})


def fakes_and_reals(call: Call) -> TrainingSet:
    """Join a fold's reals with its generator's fakes."""
    generated, reals = call.inputs["generate"], _reals(call)
    return real_and_fake(
        reals.images,
        reals.labels,
        generated.arrays["fakes"],
        generated.arrays["fakes_labels"],
        seed=generated.facts["fakes_seed"],
    )


def moved(call: Call) -> Moved:
    """Return what the fold's verdicts keep, and what its CycleGAN makes of the rest."""
    transformed = call.inputs["transform"].arrays
    return Moved(
        safe_reals=call.inputs["value"].arrays["verdict"] == SAFE,
        safer_reals=transformed["safer_reals"],
        risky_fakes=call.inputs["value_fake"].arrays["verdict"] == RISKY,
        riskier_fakes=transformed["riskier_fakes"],
    )


def _reals(call: Call) -> TrainingSet:
    data = Loaded.of(call.inputs["load"])
    part = data.fold(call.settings["fold"])
    return of_images(data.images[part], data.labels[part], source=REAL)


def _mixture(name: str) -> Callable[[Call], TrainingSet]:
    return lambda call: MIXTURES[name](fakes_and_reals(call), moved(call))


def _filtered(call: Call) -> TrainingSet:
    plain = fakes_and_reals(call)
    generated = call.inputs["generate"].arrays
    filters = Moved(
        safe_reals=call.inputs["value"].arrays["verdict"] == SAFE,
        safer_reals=smoothed(plain.images[plain.source == REAL]),
        risky_fakes=call.inputs["value_fake"].arrays["verdict"] == RISKY,
        riskier_fakes=sharpened(generated["fakes"]),
        safer=SMOOTHED,
        riskier=SHARPENED,
    )
    return replacement(plain, filters)


def _added(control: Callable[..., TrainingSet], *settings: str) -> Callable[[Call], TrainingSet]:
    """Return the set of a control that adds as many images as there would be fakes."""

    def made(call: Call) -> TrainingSet:
        reals, chosen = _reals(call), call.settings
        count = round(chosen["amount"] * len(reals))
        options = {name: chosen[name] for name in settings}
        return control(reals, count=count, seed=chosen["set_seed"], **options)

    return made


def _with_extra(call: Call) -> TrainingSet:
    stored = call.inputs["extra"]
    own = slice(*stored.facts["parts"][call.settings["fold"]])
    return controls.extra_added(
        _reals(call), stored.arrays["images"][own], stored.arrays["labels"][own]
    )


SETS: dict[SetName, Callable[[Call], TrainingSet]] = {
    "real": _reals,
    "fakes": fakes_and_reals,
    "protected": lambda call: stored_set(call.inputs["protect"]),
    "additive": _mixture("additive"),
    "transformed_reals": _mixture("transformed_reals"),
    "transformed_fakes": _mixture("transformed_fakes"),
    "fakes_alone": lambda call: fakes_alone(fakes_and_reals(call)),
    "noise": _added(controls.noise_added),
    "noise_copies": _added(controls.noisy_copies_added),
    "copies": _added(controls.copies_added, "padding"),
    "permuted_fakes": lambda call: controls.relabelled(
        fakes_and_reals(call), seed=call.settings["set_seed"]
    ),
    "filtered": _filtered,
    "extra": _with_extra,
}
