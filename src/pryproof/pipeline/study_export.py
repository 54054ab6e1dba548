"""What a study gives on request: one of its training sets, or the generator behind its fakes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pryproof.checks import ConfigurationError, known_name
from pryproof.data.reading import shown
from pryproof.defenses.fakes import FAKE, TrainingSet
from pryproof.generation.fit_tac_gan import TacGan
from pryproof.generation.model_card import Learned, model_card
from pryproof.pipeline.data_card import About
from pryproof.pipeline.export import CARD, export, refuse_content, refuse_unknown, write_whole
from pryproof.pipeline.plan import first_training
from pryproof.pipeline.results import Results
from pryproof.pipeline.roads import extra_reals
from pryproof.pipeline.rows import READS, ROWS
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.call import Call, Loaded
from pryproof.pipeline.steps.generate import tac_gan_settings
from pryproof.pipeline.steps.sets import training_set
from pryproof.pipeline.steps.value import picked
from pryproof.pipeline.task import TARGET
from pryproof.store.files import encode_arrays
from pryproof.store.seals import digest
from pryproof.training.loop import silent

REPLACEMENT = "fakes_transformed"  # the row whose set is the mixture "replacement"
MIXTURES = {"replacement": REPLACEMENT} | {
    name: name for name, row in ROWS.items() if row.trains_on != "real"
}
AUDIT = "leaks"  # the step that audits the target's fakes
WEIGHTS = "generator.safetensors"


def refuse(settings: Settings, folder: Path, *, what: str, form: str, mixture: str) -> None:
    """Raise ConfigurationError for what cannot be exported, before anything is computed."""
    known_name(mixture, MIXTURES, kind="mixture")
    refuse_unknown(form, what)
    if ROWS[MIXTURES[mixture]].trains_on == "extra" and not extra_reals(settings):
        raise ConfigurationError(
            "E046",
            "this study keeps no extra real images, because none of its rows trains on them",
            where=mixture,
            fix="Export from a study with the row extra in evaluate.rows.",
        )
    refuse_content(folder)


def stage_of(mixture: str) -> str:
    """Return the stage after which a mixture can be composed.

    >>> stage_of("noise"), stage_of("fakes"), stage_of("replacement")
    ('load', 'generate', 'protect')
    """
    reads = READS[ROWS[MIXTURES[mixture]].trains_on]
    if "generate" not in reads:
        return "load"
    return "generate" if reads == ("generate",) else "protect"


def export_set(
    settings: Settings,
    results: Results,
    folder: Path,
    *,
    what: str,
    form: str,
    mixture: str,
) -> Path:
    """Compose the set that a row trains on and write it with its card; see ``export.export``."""
    source = _digest(results)
    task = first_training(settings, MIXTURES[mixture], data_digest=source)
    # the set does not hang on the target that RelaxLoss trains on it with
    inputs = {role: results[name] for role, name in task.inputs.items() if role != "alpha"}
    made = training_set(Call(settings=task.settings, inputs=inputs, where={}, progress=silent))
    data = Loaded.of(results["load"])
    values = settings.model_dump(mode="json")
    del values["data"]["source"]  # a place on this machine
    drawn = {name: task.settings[name] for name in ("set_seed",) if name in task.settings}
    about = About(
        name=f"{settings.name}, {mixture}",
        classes=tuple(data.classes),
        ids=tuple(data.ids[data.parts["members"]]),
        settings={"mixture": mixture, **drawn, "data_sha256": source, "study": values},
        audit=_audit(results) if _generated(made) else (),
    )
    return export(made, folder, form=form, about=about, what=what)


def export_generator(settings: Settings, results: Results, folder: Path) -> Path:
    """Write the TAC-GAN of the target fold: its weights as safetensors, and its card."""
    refuse_content(folder)
    name = f"generator/{TARGET}"
    stored, data = results[name], Loaded.of(results["load"])
    (task,) = (item.task for item in results.tasks if item.task.name == name)
    part = data.parts["members"]
    images, labels = data.images[part], data.labels[part]
    fitted = TacGan(
        weights=picked(stored, "weight."),
        history=picked(stored, "history."),
        facts=_numbers(stored.facts),
        warnings=tuple(stored.facts["warnings"]),
    )
    learned = Learned(
        name=shown(Path(settings.data.source).name),
        samples=len(labels),
        classes=tuple(data.classes),
        shape=data.shape,
        digest=f"sha256:{digest(images.tobytes() + labels.tobytes())}",
    )
    card = model_card(
        fitted,
        learned,
        settings=tac_gan_settings(task.settings["gan"], members=len(labels)),
        seed=task.settings["seed"],
        audit=_audit(results),
    )
    files = [(CARD, card.encode()), (WEIGHTS, encode_arrays(fitted.weights))]
    head = {"form": "safetensors", "what": "generator", "label_names": list(data.classes)}
    return write_whole(folder, files, head, need=sum(len(content) for _, content in files))


def _digest(results: Results) -> str:
    return str(results.record("load")["settings"]["digest"])


def _audit(results: Results) -> tuple[str, ...]:
    return tuple(results[AUDIT].facts.get("audit", [])) if AUDIT in results else ()


def _generated(made: TrainingSet) -> bool:
    return bool(np.any(made.source == FAKE) or np.any(made.transformed))


def _numbers(facts: Mapping[str, Any]) -> dict[str, float]:
    """Return the facts that a TAC-GAN states; null is "not measured"."""
    numbers = {name: value for name, value in facts.items() if name not in NOT_OF_TRAINING}
    return {name: float("nan") if value is None else value for name, value in numbers.items()}


NOT_OF_TRAINING = ("warnings", "fakes_seed")
