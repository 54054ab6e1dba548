"""What every row trains on: from which images, how many, for how many steps, and what is asked."""

from dataclasses import replace

import numpy as np
import pytest

import pryproof as pp
from pipeline.tiny import MEMBERS, settings
from pryproof.augment.filters import sharpened, smoothed
from pryproof.defenses.fakes import AS_IS, EXTRA, FAKE, REAL, TrainingSet
from pryproof.pipeline import work
from pryproof.pipeline.plan import plan
from pryproof.pipeline.rows import PLAIN_ROWS, ROWS
from pryproof.pipeline.run import Keyed, keyed
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.sets import stored_set, training_set
from pryproof.pipeline.steps.train import _recipe
from pryproof.pipeline.task import Task
from pryproof.store.workspace import Stored, Workspace

MIXED = [name for name, row in PLAIN_ROWS.items() if row.trains_on != "real"]
CONTROLS = ("noise", "noise_copies", "copies", "permuted_fakes", "filtered")


def quiet(fraction: float, detail: str) -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def workspace(finished: pp.Study) -> Workspace:
    return Workspace.open(finished.path, study=finished.identity, create=False)


def item(npz, row: str, fold: str = "target", *changes: str) -> Keyed:
    chosen = settings(npz, f"evaluate.rows=['{row}']", *changes)
    tasks = keyed(plan(chosen, data_digest=pp.Study("w", settings=chosen).digest))
    return next(each for each in tasks if each.task.name == f"train/{fold}/{row}/0")


def inputs(workspace: Workspace, of: Keyed) -> dict[str, Stored]:
    return {role: workspace.get(key) for role, key in of.inputs.items()}


def composed(workspace: Workspace, npz, row: str, fold: str = "target") -> TrainingSet:
    found = item(npz, row, fold)
    given = inputs(workspace, found)
    return training_set(Call(settings=found.task.settings, inputs=given, where={}, progress=quiet))


def trained(workspace: Workspace, of: Keyed, **changes) -> Result:
    task: Task = replace(of.task, settings={**of.task.settings, **changes})
    return work.perform(task, inputs(workspace, of))[0]


@pytest.mark.parametrize("fold", ["target", "shadow0"])
@pytest.mark.parametrize(
    "row", [name for name, row in PLAIN_ROWS.items() if row.trains_on not in ("real", "extra")]
)
def test_a_set_is_as_large_as_its_rule_says_and_rests_on_its_fold(workspace, npz, row, fold):
    made = composed(workspace, npz, row, fold)
    data = Loaded.of(workspace.get(item(npz, row).inputs["load"]))
    own = data.images[data.fold(fold)]
    changed = int(((made.made_by != AS_IS) & made.transformed).sum())
    sizes = {"fakes_alone": MEMBERS, "additive": 2 * MEMBERS + changed}
    assert len(made) == sizes.get(row, 2 * MEMBERS)
    plain = made.take((made.source == REAL) & (made.made_by == AS_IS))
    assert plain.images.tolist() == own[plain.index].tolist()
    assert plain.labels.tolist() == data.labels[data.fold(fold)][plain.index].tolist()
    if row in CONTROLS and row != "filtered":
        assert len(plain) == MEMBERS


def test_the_stored_set_is_the_replacement_with_its_provenance(finished, workspace, npz):
    of = next(each for each in finished.tasks if each.task.name == "protect/target")
    stored = workspace.get(of.key)
    made = stored_set(stored)
    assert composed(workspace, npz, "fakes_transformed").images.tolist() == made.images.tolist()
    assert made.transformed.tolist() == stored.arrays["transformed"].tolist()
    seed = inputs(workspace, of)["generate"].facts["fakes_seed"]
    assert set(made.seed[made.source == FAKE].tolist()) == {seed}
    assert (made.source == REAL).sum() == stored.facts["real_kept"] + stored.facts[
        "real_transformed"
    ]
    replaced = composed(workspace, npz, "transformed_reals")
    reals = made.source == REAL
    assert replaced.images[reals].tolist() == made.images[reals].tolist()


def test_filters_replace_what_the_transform_replaces(workspace, npz):
    filtered = composed(workspace, npz, "filtered")
    moved, plain = (composed(workspace, npz, row) for row in ("fakes_transformed", "fakes"))
    assert (filtered.made_by != AS_IS).tolist() == moved.transformed.tolist()
    assert moved.transformed.any()
    expected = np.where(
        (plain.source == REAL)[:, None, None, None], smoothed(plain.images), sharpened(plain.images)
    )
    here = moved.transformed
    assert filtered.images[here].tolist() == expected[here].tolist()
    assert filtered.images[~here].tolist() == plain.images[~here].tolist()


@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_extra_images_are_the_folds_own_and_nobody_elses(roomy, amount):
    found = {fold: _extra(roomy, fold, amount) for fold in ("target", "shadow0")}
    load = found["target"][0]
    data = Loaded.of(load)
    seen = [image.tobytes() for image in data.images]
    assert load.facts == found["shadow0"][0].facts
    for fold, (_, made) in found.items():
        own = data.fold(fold)
        extra = made.take(made.source == EXTRA)
        assert len(extra) == round(amount * MEMBERS)
        assert np.bincount(extra.labels).tolist() == [len(extra) // 2] * 2
        reals = made.take(made.source == REAL)
        assert reals.images.tolist() == data.images[own].tolist()
        seen += [image.tobytes() for image in extra.images]
    assert len(set(seen)) == len(seen)
    assert not ROWS["extra"].reference  # nothing outside is claimed, so cuts rest on all of it


def _extra(roomy, fold: str, amount: float) -> tuple[Stored, TrainingSet]:
    """Load the images of a study with the row, and compose a set; images, then the set."""
    changes = (f"generate.amount={amount}", "evaluate.rows=['ce', 'extra@steps']")
    chosen = settings(roomy, *changes)
    tasks = plan(chosen, data_digest=pp.Study("w", settings=chosen).digest)
    inputs = {}
    for each in tasks[:2]:
        result, record = work.perform(each, {})
        inputs[each.name] = Stored(arrays=result.arrays, facts=result.facts, record=record)
    task = next(each for each in tasks if each.name == f"train/{fold}/extra@steps/0")
    call = Call(settings=task.settings, inputs=inputs, where={}, progress=quiet)
    return inputs["load"], training_set(call)


def test_fitted_sizes_leave_room_for_extra_images(roomy):
    chosen = settings(roomy, "evaluate.rows=['ce', 'extra']")
    unsized = chosen.data.model_copy(update={"members": None, "evaluation": None})
    chosen = chosen.model_copy(update={"data": unsized})
    load, extra = (work.perform(each, {})[0] for each in plan(chosen, data_digest="d" * 64)[:2])
    parts = {name: end - first for name, (first, end) in load.facts["parts"].items()}
    both = {"target": [0, parts["members"]], "shadow0": [parts["members"], 2 * parts["members"]]}
    assert extra.facts == {"parts": both}
    used = [image.tobytes() for image in (*load.arrays["images"], *extra.arrays["images"])]
    assert len(set(used)) == len(used)


def test_runs_share_a_drawn_set_and_folds_draw_anew(workspace, npz):
    first, again = (composed(workspace, npz, "noise") for _ in range(2))
    other = composed(workspace, npz, "noise", "shadow0")
    assert first.images.tolist() == again.images.tolist()
    assert first.images[MEMBERS:].tolist() != other.images[MEMBERS:].tolist()


@pytest.mark.parametrize(
    ("members", "rows", "batch", "epochs", "expected"),
    [(80, 160, 20, 4, 2), (300, 900, 64, 30, 11), (80, 80, 20, 4, 4), (80, 8000, 20, 3, 1)],
)
def test_equal_steps_are_met_as_nearly_as_epochs_allow(members, rows, batch, epochs, expected):
    given = {"recipe": {"epochs": epochs, "batch": batch}, "options": {}, "equal_steps": True}
    assert _recipe(given, members=members, rows=rows).epochs == expected
    same = _recipe(given | {"equal_steps": False}, members=members, rows=rows)
    assert same.epochs == epochs


def test_a_row_at_equal_steps_takes_as_many_as_the_plain_row(workspace, npz):
    steps = {
        row: trained(workspace, item(npz, row)).facts["steps"]
        for row in ("ce_crop_flip", "fakes", "fakes@steps")
    }
    assert steps["fakes"] == 2 * steps["ce_crop_flip"]
    assert steps["fakes@steps"] == steps["ce_crop_flip"]
    copies = item(npz, "ce_static@steps", "target", "defenses.static_copies.copies=2")
    assert trained(workspace, copies).facts["steps"] == steps["ce_crop_flip"]


def test_a_row_of_moved_members_says_what_it_thinks_of_them(workspace, npz):
    found = item(npz, "fakes_transformed")
    result = trained(workspace, found)
    data = Loaded.of(inputs(workspace, found)["load"])
    sizes = {"moved": "members", "moved_outside": "outside", "moved_unseen": "evaluation"}
    for name, part in sizes.items():
        assert result.arrays[f"{name}.phi"].shape == (data.size(part),)
        assert result.arrays[f"{name}.label"].tolist() == data.labels[data.parts[part]].tolist()
    plain = trained(workspace, item(npz, "fakes"))
    assert not any(name.startswith("moved") for name in plain.arrays)


def test_losses_are_told_apart_by_source(workspace, npz):
    facts = trained(workspace, item(npz, "noise")).facts
    assert {"last_loss_of_real", "last_loss_of_noise"} <= facts.keys()
    assert "last_loss_of_fake" not in facts


@pytest.mark.parametrize("changes", [(), ("transform.conditional=true",)])
def test_images_that_nothing_trains_on_are_moved_too(workspace, npz, changes):
    chosen = settings(npz, *changes)
    tasks = keyed(plan(chosen, data_digest=pp.Study("w", settings=chosen).digest))
    found = next(each for each in tasks if each.task.name == "transform/shadow0")
    given = inputs(workspace, found)
    result = trained(workspace, found)
    data = Loaded.of(given["load"])
    sizes = {"reals": "shadow0", "outside": "outside", "evaluation": "evaluation"}
    for name, part in sizes.items():
        made = result.arrays[f"safer_{name}"]
        assert made.dtype == np.uint8
        assert made.shape == data.images[data.parts[part]].shape
    conditional = any(name.endswith("by_label.weight") for name in result.arrays)
    assert conditional == bool(changes)
