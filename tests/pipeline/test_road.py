"""The whole road of a tiny study: its files, what stands in them, and that it can be repeated."""

import io
import json
import re
import shutil
import stat
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

import pryproof as pp
from pipeline.tiny import EVALUATION, MEMBERS, digests, images, study
from pryproof.pipeline.study import Verdicts
from pryproof.pipeline.task import STAGES

FILES = {
    "samples.parquet",
    "protected.parquet",
    "metrics.json",
    "runs.parquet",
    "report.html",
    "report.md",
}


def table(value: pp.Study, name: str) -> dict[str, list]:
    return pq.read_table(value.path / name).to_pydict()


def test_every_stage_is_done_and_every_file_is_there(finished: pp.Study):
    assert [stage for stage, _, _ in finished.progress()] == list(STAGES[:-1])
    assert all(tasks == stored > 0 for _, tasks, stored in finished.progress())
    assert {path.name for path in finished.path.iterdir() if path.is_file()} == FILES | {
        ".gitignore",
        ".lock",
        "seals.json",
        "study.json",
        "workspace.json",
    }
    assert (finished.path / ".gitignore").read_text() == "*\n"


def test_all_is_closed_to_others_whatever_the_umask(finished: pp.Study):
    for path in [finished.path, *finished.path.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def members_of(rows: dict[str, list]) -> dict[str, list]:
    """Return the rows of what was trained on, real and fake."""
    kept = [i for i, split in enumerate(rows["split"]) if split == "member"]
    return {name: [column[i] for i in kept] for name, column in rows.items()}


def test_one_row_a_sample(finished: pp.Study):
    found = pq.read_table(finished.path / "samples.parquet")
    kinds = {
        name: str(kind) for name, kind in zip(found.schema.names, found.schema.types, strict=True)
    }
    assert kinds == {
        "id": "string",
        "label": "int64",
        "class": "string",
        "split": "string",
        "source": "string",
        "verdict": "string",
        "runs": "int64",
        "safe_votes": "int64",
        "risky_votes": "int64",
        "mean_rank": "double",
        "success_rate": "double",
        "success_low": "double",
        "success_high": "double",
        "unseen_success_rate": "double",
        "excess_margin": "double",
        "lira": "double",
        "rmia": "double",
        "margins": "list<element: double>",
        "ranks": "list<element: int64>",
    }
    rows = found.to_pydict()
    kinds = Counter(zip(rows["source"], rows["split"], strict=True))
    assert kinds == {
        ("real", "member"): MEMBERS,
        ("real", "held_out"): EVALUATION,
        ("fake", "member"): MEMBERS,
        ("fake", "held_out"): MEMBERS,
    }
    assert len(set(rows["id"])) == 3 * MEMBERS + EVALUATION
    scored = np.array(rows["lira"])[np.array(rows["source"]) == "real"]
    assert np.isfinite(scored).all()  # the comparison attacked these runs
    assert {len(margins) for margins in rows["margins"]} == {2}
    for source in ("real", "fake"):
        named = zip(rows["source"], rows["split"], strict=True)
        mine = [i for i, row in enumerate(named) if row == (source, "member")]
        for run in range(2):
            assert sorted(rows["ranks"][i][run] for i in mine) == list(range(1, MEMBERS + 1))
        for i in mine:
            assert rows["mean_rank"][i] == np.mean(rows["ranks"][i])
            assert 0 <= rows["success_low"][i] <= rows["success_rate"][i]
            assert rows["success_rate"][i] <= rows["success_high"][i] <= 1
            assert np.isnan(rows["excess_margin"][i]) == (source == "fake")


def test_members_are_balanced_and_labels_are_theirs(finished: pp.Study):
    rows = members_of(table(finished, "samples.parquet"))
    _, labels = images()
    for name, source, label, kind in zip(
        rows["id"], rows["source"], rows["label"], rows["class"], strict=True
    ):
        assert kind == str(label)
        assert source == "fake" or labels[int(name)] == label
    assert Counter(rows["label"]) == {0: MEMBERS, 1: MEMBERS}


def test_verdicts_add_up(finished: pp.Study):
    rows = members_of(table(finished, "samples.parquet"))
    verdicts = finished.value()
    assert isinstance(verdicts, Verdicts)
    found = Counter(v for v, s in zip(rows["verdict"], rows["source"], strict=True) if s == "real")
    assert found == {
        "safe": len(verdicts.safe),
        "vague": len(verdicts.vague),
        "risky": len(verdicts.risky),
    }
    assert sum(found.values()) == MEMBERS
    assert f"safe={found['safe']}, vague={found['vague']}, risky={found['risky']}" in repr(verdicts)
    said = dict(finished.summary("value"))["verdicts"]
    assert said.startswith(f"{found['risky']} risky, {found['safe']} safe, {found['vague']} vague")


def test_the_protected_set_traces_to_images_that_exist(finished: pp.Study):
    samples = members_of(table(finished, "samples.parquet"))
    made = table(finished, "protected.parquet")
    pixels, labels = images()
    verdict = dict(zip(samples["id"], samples["verdict"], strict=True))
    assert Counter(made["source_id"]) == Counter(samples["id"])
    changed = []
    for row in range(len(made["label"])):
        name, moved = made["source_id"][row], made["transformed"][row]
        picture = np.array(Image.open(io.BytesIO(made["image"][row])))
        assert picture.shape == pixels.shape[1:3]
        if made["source"][row] == "fake":
            assert name.startswith("fake/")
            assert moved == (verdict[name] != "risky")
            continue
        assert moved == (verdict[name] != "safe")
        assert made["label"][row] == labels[int(name)]
        same = picture.tobytes() == pixels[int(name)].tobytes()
        assert same or moved
        changed.append(not same)
    assert any(changed)


def test_one_row_a_training_run(finished: pp.Study):
    rows = table(finished, "runs.parquet")
    trained = {item.key for item in finished.tasks if item.task.step == "train"}
    assert set(rows["key"]) == trained
    assert Counter(rows["fold"]).keys() == {"target", "shadow0"}
    for row, on in zip(rows["row"], rows["trained_on"], strict=True):
        assert on == (2 * MEMBERS if "fakes" in row else MEMBERS)
    assert all(0 <= value <= 1 for value in rows["evaluation_accuracy"])


def test_the_numbers_are_strict_json(finished: pp.Study):
    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = (finished.path / "metrics.json").read_text()
    found = json.loads(text, parse_constant=refuse)
    assert [row["name"] for row in found["rows"]] == list(finished.settings.evaluate.rows)
    assert len(found["self_test"]["lines"]) == 5 * len(found["rows"])


def test_the_report_is_one_page_with_self_test_and_warnings(finished: pp.Study):
    page = (finished.path / "report.html").read_text()
    assert 'id="self-test"' in page
    assert 'aside class="warnings"' in page
    assert f"Only {EVALUATION} non-members" in page
    assert "generate: Collapse: fakes of one class vary" in page
    assert not re.search(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?!data:|#)', page)
    assert str(finished.path) not in page
    assert str(Path.home()) not in page or Path.home() == Path("/")
    assert "Self-test" in (finished.path / "report.md").read_text()


def test_running_again_does_nothing(finished: pp.Study):
    before, events = digests(finished.path), []
    files = finished.run("report", on_event=events.append)
    assert events == []
    assert set(files) == FILES
    assert digests(finished.path) == before


def test_costs_are_of_every_stage(finished: pp.Study):
    costs = finished.costs()
    assert list(costs) == list(STAGES[:-1])
    assert costs["train"] > 0


def test_two_workers_give_the_same_bytes(finished: pp.Study, npz: Path, tmp_path: Path):
    other = study(tmp_path / "w", npz, workers=2)
    events = []
    other.run("report", on_event=events.append)
    assert digests(other.path) == digests(finished.path)
    done = [event.job for event in events if event.kind == "finished"]
    # the images are read before the workspace is made, so that bad ones leave nothing behind
    assert sorted([*done, "load"]) == sorted(item.task.name for item in other.tasks)


def test_in_steps_or_at_once_is_the_same(finished: pp.Study, npz: Path, tmp_path: Path):
    other = study(tmp_path / "with space \N{SNOWMAN}", npz)
    verdicts = other.value()
    real = table(other, "samples.parquet")
    assert set(real["source"]) == {"real"}
    assert verdicts.path == other.path / "samples.parquet"
    assert {path.name for path in other.path.glob("*.*")} & FILES == {"samples.parquet"}
    whole = table(finished, "samples.parquet")
    for name in ("id", "verdict", "mean_rank", "margins"):
        assert members_of(real)[name] == members_of(whole)[name][:MEMBERS]
    assert other.protect().name == "protected.parquet"
    assert other.evaluate().name == "metrics.json"
    assert other.report() == other.path / "report.html"
    assert digests(other.path) == digests(finished.path)


def test_a_comparison_without_fakes_has_a_report_too(finished: pp.Study, npz: Path, tmp_path: Path):
    other = study(tmp_path / "w", npz, 'evaluate.rows=["ce"]')
    other.run("load")
    for item in other.upto("report"):
        stored = finished.path / "objects" / item.key
        if stored.is_dir():  # as if computed here: all but the evaluation itself
            shutil.copytree(stored, other.path / "objects" / item.key, dirs_exist_ok=True)
    assert other.report().stat().st_size > 100_000
    assert all(tasks == stored for _, tasks, stored in other.progress())


def test_a_studys_verdicts_are_judged_by_runs_without_a_vote(npz: Path, tmp_path: Path):
    other = study(tmp_path / "w", npz, "value.runs=3", "value.margin=excess", "value.minimum=0")
    found = other.value()
    assert found.judged.judges == (0, 1, 2)
    assert "never saw the samples" in found.judged.by
    for word, said in found.exposure[0.01].items():
        if len(getattr(found, word)):
            assert 0 <= said.low <= said.value <= said.high <= 1, word
    assert all(np.isnan(said.value) for said in found.exposure[0.001].values())  # 100 held out


def test_two_runs_cannot_judge_each_other(finished: pp.Study):
    found = finished.value()
    assert found.judged.judges == ()
    assert "takes 3 voting runs, got 2" in found.exposure[0.01]["risky"].method
