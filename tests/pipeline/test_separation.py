"""Parts are disjoint, and no step that trains looks beyond its own fold."""

import numpy as np
import pytest

import pryproof as pp
from pipeline.tiny import EVALUATION, MEMBERS
from pryproof.pipeline.margins import MARGINS
from pryproof.pipeline.results import Results
from pryproof.pipeline.steps.call import Call, Loaded
from pryproof.pipeline.steps.table import STEPS
from pryproof.store.workspace import Stored, Workspace


@pytest.fixture(scope="module")
def results(finished: pp.Study) -> Results:
    workspace = Workspace.open(finished.path, study=finished.identity, create=False)
    return Results(finished.tasks, workspace)


def test_parts_are_disjoint_and_cover_what_was_loaded(results: Results):
    data = Loaded.of(results["load"])
    names = ["members", "shadow0", "outside", "evaluation"]
    assert sorted(data.parts) == sorted(names)
    rows = [np.arange(len(data.ids))[data.parts[name]] for name in names]
    assert [len(part) for part in rows] == [MEMBERS, MEMBERS, MEMBERS, EVALUATION]
    np.testing.assert_array_equal(np.concatenate(rows), np.arange(len(data.ids)))
    assert len(set(data.ids)) == len(data.ids)
    assert len({image.tobytes() for image in data.images}) == len(data.ids)


def garbled(load: Stored, fold: str) -> Stored:
    """Return the images with all of them black but the fold's own."""
    own = Loaded.of(load).fold(fold)
    images = np.zeros_like(load.arrays["images"])
    images[own] = load.arrays["images"][own]
    return Stored(arrays=load.arrays | {"images": images}, facts=load.facts, record=load.record)


def quiet(fraction: float, detail: str) -> None:
    """Show nothing."""


TRAINING = (
    "train/target/ce/0",
    "train/target/relax_loss/1",
    "train/target/fakes/0",
    "train/target/fakes_transformed/1",
    "train/shadow0/fakes_transformed/0",
    "train/target/values_fakes/0",
    "train/shadow0/ce_crop_flip/1",
    "generate/target",
    "generate/shadow0",
    "transform/target",
    "transform/shadow0",
    "protect/target",
    "premise",
)


@pytest.mark.parametrize("name", TRAINING)
def test_what_is_trained_sees_its_own_fold_only(finished: pp.Study, results: Results, name: str):
    task = next(item.task for item in finished.tasks if item.task.name == name)
    inputs = {role: results[other] for role, other in task.inputs.items()}
    inputs["load"] = garbled(inputs["load"], task.settings["fold"])
    call = Call(settings=task.settings, inputs=inputs, where={}, progress=quiet)
    again = STEPS[task.step](call)
    before = results[name].arrays
    # a network is asked about every image; what it is must not depend on them
    asked = ("signal.", "safer_outside", "safer_evaluation")
    kept = [array for array in before if not array.startswith(asked)]
    assert kept
    for array in kept:
        np.testing.assert_array_equal(before[array], again.arrays[array], err_msg=array)


@pytest.mark.parametrize("margin", MARGINS)
def test_no_verdict_rests_on_an_image_that_is_judged(
    finished: pp.Study, results: Results, margin: str
):
    task = next(item.task for item in finished.tasks if item.task.name == "value/target/real")
    inputs = {role: results[other] for role, other in task.inputs.items()}
    judged = Loaded.of(inputs["load"]).parts["evaluation"]
    other = {role: stored for role, stored in inputs.items() if role != "load"}
    for role, stored in other.items():
        arrays = {name: array.copy() for name, array in stored.arrays.items()}
        for name in ("margin", "cut", "phi"):
            arrays[name][:, judged] += 5.0
        other[role] = Stored(arrays=arrays, facts=stored.facts, record=stored.record)
    settings = {**task.settings, "margin": margin}
    found = [
        STEPS["value"](Call(settings=settings, inputs=each, where={}, progress=quiet))
        for each in (inputs, inputs | other)
    ]
    for name in ("margin", "verdict", "excess"):
        assert np.array_equal(found[0].arrays[name], found[1].arrays[name])
