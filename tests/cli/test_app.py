import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from PIL import Image

import pryproof as pp
from pipeline.tiny import overrides, tree, words
from pryproof.cli.app import app
from pryproof.store.workspace import Workspace

STAGES = ["load", "train", "attack", "value", "generate", "transform", "protect", "evaluate"]


def refused(said, code: int, pattern: str) -> None:
    """Expect the exit code and one clear line on stderr, and nothing else."""
    assert (said.code, said.out) == (code, ""), said
    assert re.fullmatch(r"PRYPROOF-E\d+ - [^\n]*\n", said.err), said.err
    assert re.match(f"PRYPROOF-.*({pattern})", said.err), said.err


def test_without_words_there_is_help(say):
    said = say()
    assert "Commands:" in said.out + said.err
    assert say("--help").code == 0


CONFIGURATION = {
    "unknown key": (["--set", "train.lerning_rate=1"], r"E041 .*mean learning_rate\?"),
    "wrong type": (["--set", "train.epochs=ten"], "E042 .*train.epochs"),
    "out of range": (["--set", "value.runs=1"], "E043 .*value.runs"),
    "no value": (["--set", "train.epochs"], "E041 .*key=value"),
    "bad name": (["--set", "name=../x"], "E043 .*name"),
    "no such file": (["nothing.toml"], "E001 .*nothing.toml"),
}


@pytest.mark.parametrize("verb", ["run", "check", "plan", "status"])
@pytest.mark.parametrize("case", CONFIGURATION)
def test_configuration_that_cannot_be_meant(say, npz, tmp_path, monkeypatch, verb, case):
    monkeypatch.chdir(tmp_path)
    given, pattern = CONFIGURATION[case]
    place = [] if given[0] == "nothing.toml" else ["--data", npz]
    said = say(verb, *given, *place)
    assert said.code == 2
    assert re.fullmatch(r"PRYPROOF-E\d+ - .*\n", said.err)
    assert re.match(f"PRYPROOF-{pattern}", said.err)
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_study_file_with_a_broken_line(say, tmp_path):
    file = tmp_path / "study.toml"
    file.write_text("[train\nepochs = 1\n")
    refused(say("run", file), 2, "not valid TOML.*line 1.*study.toml")
    file.write_text("[train]\nepochz = 1\n")
    refused(say("run", file), 2, r"unknown key train\.epochz - .*study\.toml.*mean epochs\?")
    assert list(tmp_path.iterdir()) == [file]


def test_neither_file_nor_data(say, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(say("run"), 2, "name a study file or --data")


def test_an_unknown_network(say, npz, tmp_path):
    place = ["--data", npz, "-w", tmp_path / "w", "--model", "smal_cnn"]
    near = r"mean small_cnn or small_cnn/width32 or small_resnet\?"
    refused(say("check", *place), 2, rf"E049 .*'smal_cnn'.*{near}")
    said = say("value", *place, "--workers", "0")
    assert said.code == 2
    assert re.match(rf"PRYPROOF-E049 .*{near}", said.err.splitlines()[-1])


def test_an_unknown_network_is_seen_before_anything_is_written(say, npz, tmp_path):
    place = ["--data", npz, "-w", tmp_path / "w", "--model", "smal_cnn"]
    assert say("value", *place, "--workers", "0").code == 2
    assert not (tmp_path / "w").exists()


def test_an_unknown_task(say, finished):
    refused(say("why", "train/target/ce/9", *words(finished)), 2, "train/target/ce/9.*mean train/")


@pytest.fixture
def one_class(tree_of_images: Path, tmp_path: Path) -> Path:
    shutil.copytree(tree_of_images / "kind0", tmp_path / "one" / "kind0")
    return tmp_path / "one"


@pytest.fixture
def broken(tree_of_images: Path, tmp_path: Path) -> Path:
    root = shutil.copytree(tree_of_images, tmp_path / "broken")
    image = root / "kind1" / "001.png"
    image.write_bytes(image.read_bytes()[:-40])
    return root


DATA = {
    "missing": ("nowhere", "E001 - no such file or folder - .*nowhere"),
    "one class": ("one", "E005 - .*at least 2 classes, and there is 1 - one"),
    "cut off": ("broken", "E009 - .*001.png"),
}


@pytest.mark.usefixtures("one_class", "broken")
@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize("case", DATA)
def test_data_that_cannot_be_used(say, tmp_path, verb, case):
    name, pattern = DATA[case]
    extra = ["--workers", "0"] if verb == "run" else []
    said = say(verb, "--data", tmp_path / name, "-w", tmp_path / "w", *extra)
    assert (said.code, said.out) == (3, "")
    assert re.match(f"PRYPROOF-{pattern}", said.err.splitlines()[-1]), said.err
    assert len(re.findall("PRYPROOF-E", said.err)) == 1
    assert "Traceback" not in said.err


@pytest.mark.usefixtures("one_class", "broken")
@pytest.mark.parametrize("case", DATA)
def test_an_error_is_the_only_line(say, tmp_path, case):
    said = say("run", "--data", tmp_path / DATA[case][0], "-w", tmp_path / "w", "--workers", "0")
    refused(said, 3, DATA[case][1])


@pytest.mark.usefixtures("one_class", "broken")
@pytest.mark.parametrize("case", DATA)
def test_data_that_cannot_be_used_leave_no_workspace(say, tmp_path, case):
    say("run", "--data", tmp_path / DATA[case][0], "-w", tmp_path / "w", "--workers", "0")
    assert not (tmp_path / "w").exists()


def test_data_that_was_mended_can_be_used_with_the_same_command(say, broken, tmp_path):
    command = ["value", "--data", broken, "-w", tmp_path / "w", "--workers", "0"]
    command += [part for word in overrides() for part in ("--set", word)]
    assert say(*command).code == 3
    shutil.copy(broken / "kind1" / "004.png", broken / "kind1" / "001.png")
    assert say(*command).code == 0


@pytest.mark.parametrize("name", ["with space", 'quo"te', "back\\slash", "\N{SNOWMAN}", "a=b"])
def test_any_name_of_a_folder_will_do(say, tree_of_images, tmp_path, name):
    place = tmp_path / name
    place.symlink_to(tree_of_images)
    said = say("check", "--data", place, "--set", "data.members=20", "--json")
    assert said.code == 0, said.err
    rows = {row["what"]: row["found"] for row in json.loads(said.out)["rows"]}
    assert rows["members (trained on)"] == "20"


@pytest.mark.parametrize("verb", ["run", "status", "report"])
def test_the_workspace_of_another_study(say, finished, verb):
    before = tree(finished.path)
    said = say(verb, *words(finished), "--set", "seed=1")
    refused(said, 5, "E063 .*belongs to study .*Name another folder")
    assert tree(finished.path) == before


def test_a_folder_with_something_else_in_it(say, npz, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    refused(say("run", "--data", npz, "-w", tmp_path), 2, "E061 .*'thesis.tex'.*nothing here was")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("verb", ["run", "value", "report"])
def test_a_busy_workspace(say, finished, verb):
    workspace = Workspace.open(finished.path, study=finished.identity, create=False)
    with workspace.lock():
        said = say(verb, *words(finished))
        refused(said, 6, rf"E064 .*process {os.getpid()} on .*since \d{{4}}-.*\+00:00")
        assert say("status", *words(finished)).code == 0  # reading needs no lock


VERBS = {
    "value": {"samples.parquet"},
    "generate": {"samples.parquet"},
    "transform": {"samples.parquet"},
    "protect": {"samples.parquet", "protected.parquet"},
    "evaluate": {"samples.parquet", "protected.parquet", "metrics.json", "runs.parquet"},
}
VERBS["report"] = VERBS["run"] = VERBS["evaluate"] | {"report.html", "report.md"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_stage_answers_in_json_and_nothing_else(say, finished, verb):
    said = say(verb, *words(finished), "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert found["files"].keys() == VERBS[verb]
    assert all(Path(path).is_file() for path in found["files"].values())
    assert "verdicts" in found["summary"]
    passed = found["summary"].get("self-test on models that never saw the images")
    assert (passed is None) == (verb not in ("evaluate", "report", "run"))


def test_the_demo_is_a_study_like_any_other(say, finished):
    # every setting but the demo's own is put back: what is left to do is nothing
    def flat(part: dict, path: str = "") -> list[str]:
        rows = []
        for name, value in part.items():
            if isinstance(value, dict):
                rows += flat(value, f"{path}{name}.")
            elif value is not None:
                rows += ["--set", f"{path}{name}={json.dumps(value)}"]
        return rows

    said = say("demo", "-w", finished.path, "--json", *flat(finished.settings.model_dump()))
    assert (said.code, said.err) == (0, "")
    assert "report.html" in json.loads(said.out)["files"]
    assert say("demo", "--set", "train.epochs=ten").code == 2


def rows(said) -> list[dict]:
    assert (said.code, said.err) == (0, ""), said
    return json.loads(said.out)["rows"]


def test_status_of_a_study_that_has_not_begun_creates_nothing(say, npz, tmp_path):
    found = rows(say("status", "--data", npz, "-w", tmp_path / "w", "--json"))
    assert [row["stage"] for row in found] == STAGES
    assert {row["stored"] for row in found} == {0}
    assert not (tmp_path / "w").exists()
    why = rows(say("why", "load", "--data", npz, "-w", tmp_path / "w", "--json"))
    assert why == [{"what": "stored", "was": "no", "is": "never computed in this workspace"}]


def test_status_of_a_finished_study(say, finished):
    found = rows(say("status", *words(finished), "--json"))
    assert [row["stage"] for row in found] == STAGES
    assert all(row["stored"] == row["tasks"] > 0 for row in found)
    said = say("status", *words(finished))
    assert [line.split()[0] for line in said.out.splitlines() if line.strip()][2:] == STAGES


def test_why_of_a_finished_study(say, finished):
    key = next(item.key for item in finished.tasks if item.task.name == "evaluate")
    found = rows(say("why", "evaluate", *words(finished), "--json"))
    assert found == [{"what": "stored", "was": "yes", "is": key}]


def test_check_says_what_a_run_would_use(say, finished, tmp_path):
    arguments = words(finished)
    arguments[arguments.index("--workspace") + 1] = str(tmp_path / "w")
    found = {row["what"]: row["found"] for row in rows(say("check", *arguments, "--json"))}
    assert found["images"] == "360 of 16 x 16 x 1"
    assert found["members (trained on)"] == "80"
    assert found["evaluation (judged non-members)"] == "100"
    assert found["network"].startswith("small_cnn, ")
    assert found["tasks"] == str(len(finished.tasks))
    assert not (tmp_path / "w").exists()


def test_plan_of_a_fresh_and_of_a_finished_study(say, finished, tmp_path):
    arguments = words(finished)
    done = json.loads(say("plan", *arguments, "--json").out)
    assert all(row["stored"] == row["tasks"] for row in done["rows"])
    assert done["notes"][0].startswith("About 0.0 core minutes are left")
    arguments[arguments.index("--workspace") + 1] = str(tmp_path / "w")
    fresh = json.loads(say("plan", *arguments, "--json").out)
    assert sum(row["tasks"] for row in fresh["rows"]) == len(finished.tasks)
    assert {row["stored"] for row in fresh["rows"]} == {0}
    assert fresh["rows"][0]["step"] == "load"
    assert not (tmp_path / "w").exists()


def test_doctor(say):
    found = rows(say("doctor", "--json"))
    assert {"Python", "torch", "numpy", "pyarrow", "CPU cores"} <= {row["what"] for row in found}
    assert "free disk here" in say("doctor").out


def test_progress_is_plain_lines_when_nobody_watches(say, npz, tmp_path):
    arguments = ["--data", npz, "-w", tmp_path / "w", "--workers", "0"]
    arguments += [part for word in overrides() for part in ("--set", word)]
    said = say("value", *arguments)
    assert said.code == 0
    lines = said.err.splitlines()
    assert 2 <= len(lines) <= 21
    for line in lines:
        told = r" *\d+%  \d+/\d+  finished \S+ \(\d+\.\d s\), \d+\.\d\d core-hours(, .*left.*)?"
        assert re.fullmatch(told, line), line
    assert lines[-1].startswith("100%")
    assert "\x1b" not in said.err + said.out
    assert said.out.splitlines()[0].startswith("verdicts: ")
    assert said.out.splitlines()[-1] == str((tmp_path / "w" / "samples.parquet").resolve())


def test_images_of_different_sizes(say, tree_of_images, tmp_path):
    root = shutil.copytree(tree_of_images, tmp_path / "mixed")
    image = root / "kind0" / "000.png"
    Image.open(image).resize((20, 20)).save(image)
    refused(say("check", "--data", root), 3, "E012 .*16x16.*20x20|E012 .*20x20.*16x16")


@pytest.mark.slow
def test_the_module_is_the_command(tmp_path):
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pryproof", "run", "--data", tmp_path / "no"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(pp.__file__).parents[1])},
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"PRYPROOF-E001 - .*\n", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_no_error_advises_an_option_that_does_not_exist():
    source = Path(pp.__file__).parent
    advised = {
        (path.name, word)
        for path in source.rglob("*.py")
        for word in re.findall(r"[^\w-](--[a-z][a-z-]+)\b", path.read_text())
    }
    commands = typer.main.get_command(app).commands.values()
    known = {word for command in commands for option in command.params for word in option.opts}
    assert {(name, word) for name, word in advised if word not in known} == set()
