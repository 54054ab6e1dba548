"""The whole road with canaries, in seconds: images, halves, every generator, the report."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pryproof as pp
from pipeline.tiny import MEMBERS, settings, study
from pryproof.checks import DataError
from pryproof.data.canaries import KINDS
from pryproof.data.sources import digest
from pryproof.engine.local import Event
from pryproof.generation import paired
from pryproof.pipeline.plan import plan
from pryproof.pipeline.run import Keyed, keyed, run
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.steps.canaries import MODES
from pryproof.store.keys import key
from pryproof.store.workspace import Stored, Workspace

COUNTS = {"clean": 4, "mislabelled": 5, "near_duplicate": 3, "atypical": 2}
TOTAL = sum(COUNTS.values())
ROWS = ("ce", "fakes_transformed")
ASKED = [
    "canaries.halves=4",
    'canaries.rows=["ce","fakes_transformed"]',
    *(f"canaries.{kind}={count}" for kind, count in COUNTS.items()),
    'evaluate.rows=["ce"]',
    "evaluate.runs=1",
    "train.epochs=1",
    "transform.stratified=false",  # few members may leave a class on one side only
]


@pytest.fixture(scope="module", autouse=True)
def _few_held_out() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paired, "LEAST_HELD", 4)
        yield


@pytest.fixture(scope="module")
def reported(npz: Path, tmp_path_factory: pytest.TempPathFactory) -> pp.Study:
    """Return a study with canaries and halves that have roads of their own, reported."""
    value = study(tmp_path_factory.mktemp("halves") / "w", npz, *ASKED)
    value.report()
    return value


@pytest.fixture
def workspace(reported: pp.Study) -> Workspace:
    """Return the study's workspace: what other generators share with it is not done again."""
    return Workspace.open(reported.path, study=reported.identity, create=False)


def planned(npz: Path, mode: str, *changes: str) -> dict[str, Keyed]:
    """Return the tasks that judge the canaries, and all they rest on."""
    chosen = settings(npz, *ASKED, f"canaries.generator={mode}", *changes)
    every = {item.task.name: item for item in keyed(plan(chosen, data_digest=digest(str(npz))))}
    wanted, waiting = {"canaries"}, ["canaries"]
    while waiting:
        new = set(every[waiting.pop()].task.inputs.values()) - wanted
        wanted |= new
        waiting += new
    return {name: item for name, item in every.items() if name in wanted}


def done(workspace: Workspace, tasks: dict[str, Keyed]) -> list[str]:
    """Do what is missing and return what was done."""
    finished: list[str] = []

    def note(event: Event) -> None:
        if event.kind == "finished":
            finished.append(event.job)

    run(workspace, tuple(tasks.values()), workers=0, on_event=note)
    return finished


def stored(workspace: Workspace, tasks: dict[str, Keyed], name: str) -> Stored:
    return workspace.get(tasks[name].key)


def test_parts_are_those_of_the_study_and_canaries_come_behind(workspace, npz):
    tasks = planned(npz, "per_fold")
    done(workspace, {"load": tasks["load"]})
    found = Loaded.of(stored(workspace, tasks, "load"))
    plain = pp.Study("w", settings=settings(npz))
    before = keyed(plan(plain.settings, data_digest=plain.digest))[0]
    assert before.key != tasks["load"].key
    run(workspace, [before], workers=0, on_event=lambda _event: None)
    without = Loaded.of(workspace.get(before.key))
    size = len(without.labels)
    assert (found.images[:size] == without.images).all()
    assert (found.labels[:size] == without.labels).all()
    assert found.ids[:size] == without.ids
    assert {name: found.parts[name] for name in without.parts} == without.parts
    assert len(found.labels) == len(found.images) == len(found.ids) == size + TOTAL
    assert found.canaries() == slice(size, size + TOTAL)
    assert {kind: part.stop - part.start for kind, part in found.kinds().items()} == COUNTS
    assert list(found.kinds()) == list(KINDS)
    assert without.halves is None


def test_a_half_trains_on_every_member_and_its_canaries_and_on_no_other(workspace, npz):
    tasks = planned(npz, "per_fold")
    done(workspace, {"load": tasks["load"]})
    data = Loaded.of(stored(workspace, tasks, "load"))
    members, planted = data.parts["members"], data.canaries()
    for number, inside in enumerate(data.halves):
        rows = data.fold(f"half{number}")
        assert len(rows) == data.fold_size(f"half{number}") == MEMBERS + inside.sum()
        assert set(range(members.start, members.stop)) <= set(rows.tolist())
        own = {row - planted.start for row in rows.tolist() if row >= planted.start}
        assert own == set(np.flatnonzero(inside).tolist())
        others = set(rows.tolist()) - own - set(range(members.start, members.stop))
        assert all(row >= planted.start for row in others)
    assert data.fold_size("everyone") == MEMBERS + TOTAL
    for fold in ("target", "shadow0"):
        assert isinstance(data.fold(fold), slice)
        assert data.fold_size(fold) == MEMBERS


def test_every_run_is_asked_about_every_canary_as_it_was_trained(workspace, npz):
    tasks = planned(npz, "per_fold", 'canaries.rows=["ce"]', "train.epochs=15")
    done(workspace, tasks)
    data = Loaded.of(stored(workspace, tasks, "load"))
    scores = stored(workspace, tasks, "canaries").arrays
    wrong = slice(
        *[data.parts["canaries/mislabelled"].start, data.parts["canaries/mislabelled"].stop]
    )
    said = np.stack(
        [
            stored(workspace, tasks, f"train/half{number}/ce/0").arrays["signal.phi"][wrong]
            for number in range(4)
        ]
    )
    inside = data.halves[:, data.kinds()["mislabelled"]]
    assert said[inside].mean() > said[~inside].mean() + 1  # learned by heart where it was seen
    assert scores["score.ce"].shape == (4, TOTAL)
    assert scores["half.ce"].tolist() == [0, 1, 2, 3]
    assert (scores["halves"] == data.halves).all()


@pytest.mark.parametrize("mode", MODES)
def test_every_generator_runs_to_its_judgement_and_says_what_it_is(workspace, npz, mode):
    tasks = planned(npz, mode)
    done(workspace, tasks)
    assert done(workspace, tasks) == []
    data = Loaded.of(stored(workspace, tasks, "load"))
    for half in ("half0", "half3"):
        size = data.fold_size(half)
        moved = stored(workspace, tasks, f"transform/{half}").arrays
        assert len(moved["safer_reals"]) == size
        counts = stored(workspace, tasks, f"protect/{half}").facts
        assert counts["real_kept"] + counts["real_transformed"] == size
        value = stored(workspace, tasks, f"value/{half}/real").arrays
        assert value["verdict"].shape == (size,)
    facts = stored(workspace, tasks, "canaries").facts
    assert [row["name"] for row in facts["rows"]] == list(ROWS)
    assert [row["note"] for row in facts["rows"]] == ["", MODES[mode]]
    assert any(MODES[mode] in line["meaning"] for line in facts["findings"])
    for row in facts["rows"]:
        assert set(row["kinds"]) == {*KINDS, "all"}
        assert row["runs"] == 4
        area = row["kinds"]["all"]["auc"]
        assert area["low"] <= area["value"] <= area["high"]


def test_a_borrowed_transform_moves_other_images_and_keeps_the_rest(workspace, npz):
    tasks = planned(npz, "shared_public")
    done(workspace, tasks)
    data = Loaded.of(stored(workspace, tasks, "load"))
    own, lent = (
        stored(workspace, tasks, f"transform/{fold}").arrays for fold in ("half1", "shadow0")
    )
    for name in ("safer_outside", "safer_evaluation", "riskier_fakes"):
        assert (own[name] == lent[name]).all()
    assert not any(name.startswith("weight") for name in own)
    again = stored(workspace, tasks, "transform/half2").arrays["safer_reals"]
    assert (again[:MEMBERS] == own["safer_reals"][:MEMBERS]).all()  # the same members
    assert not (own["safer_reals"] == data.images[data.fold("half1")]).all()


def test_the_report_and_the_metrics_say_what_canaries_show(reported: pp.Study):
    metrics = json.loads((reported.path / "metrics.json").read_text())
    rows = metrics["canaries"]["rows"]
    assert [row["name"] for row in rows] == list(ROWS)
    assert metrics["canaries"]["halves"] == 4
    assert rows[0]["runs"] == 4
    page = (reported.path / "report.md").read_text()
    assert page.count("canaries found by online LiRA at 1% FPR") >= 2
    assert "worst kind" in page
    assert "dealt anew" in page
    table = page.split("## Canaries: what averages hide")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| C")]
    assert len(lines) == len(ROWS) * (len(KINDS) + 1)
    assert "near\\-duplicate" in table or "near-duplicate" in table
    html = (reported.path / "report.html").read_text()
    assert "worst kind" in html
    assert "canaries-table" in html
    listed = dict(reported.check())
    assert listed["canaries"] == f"{TOTAL}, each in half of 4 sets"


def test_without_canaries_a_study_has_the_identity_it_had(reported: pp.Study, npz, tmp_path):
    plain = pp.Study(tmp_path, settings=settings(npz))
    values = plain.settings.model_dump(mode="json", exclude={"canaries"})
    del values["data"]["source"]
    assert plain.identity == key("study", 1, values, {"data": plain.digest})
    assert plain.identity != reported.identity
    idle = pp.Study(tmp_path, settings=settings(npz, "canaries.clean=9"))
    assert idle.identity == plain.identity


REFUSED = {
    "canaries.clean=400": (r"E038.*further ones need .*", "fit|fewer canaries"),
    "canaries.near_duplicate=81": (r"E038.*need a member each, 81", "canaries.near_duplicate"),
}


@pytest.mark.parametrize("word", REFUSED)
def test_too_few_images_are_refused_before_anything_is_written(npz, tmp_path, word):
    match, fix = REFUSED[word]
    place = tmp_path / "w"
    value = study(place, npz, *ASKED, word)
    with pytest.raises(DataError, match=match) as caught:
        value.run("evaluate")
    assert any(part in str(caught.value) for part in fix.split("|"))
    assert not place.exists()
    with pytest.raises(DataError, match=match):
        value.check()
