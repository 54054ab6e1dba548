"""reproduce on the command line: a table, files, one JSON object, errors in one line."""

import json
import re
from pathlib import Path

import pytest

import pryproof as pp
from pipeline.tiny import overrides, write_npz
from pryproof.checks import ConfigurationError
from pryproof.pipeline.steps.table import STEPS
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.reproduce import sized
from pryproof.recipes.sizes import size
from recipes.failing import diverging

CHANGES = [*overrides(), "runs=2"]
SETS = [part for change in CHANGES for part in ("--set", change)]
RUN = ["--workers", 0, "--device", "cpu", *SETS]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return images, and a folder in which two figures are trained but no page is written."""
    folder = tmp_path_factory.mktemp("reproduce")
    images = write_npz(folder / "tiny.npz")
    pp.reproduce(
        ["fig1a", "table1"],
        data=images,
        folder=folder / "out",
        overrides=CHANGES,
        machine=pp.Machine(workers=0, device="cpu"),
    )
    return images, folder / "out"


def one_line(said, code: int, pattern: str) -> None:
    assert (said.code, said.out) == (code, ""), said
    assert re.fullmatch(r"PRYPROOF-E\d+ - [^\n]*\n", said.err), said.err
    assert re.search(pattern, said.err), said.err


def test_claims_are_printed_and_pages_written(say, done):
    images, folder = done
    said = say("reproduce", "fig1a", "table1", "--data", images, "--out", folder, *RUN)
    assert (said.code, said.err) == (0, ""), said  # nothing was trained
    assert "Augmentation makes many risky members safer." in said.out
    assert re.search(r"4 claims were checked: \d held", said.out)
    assert "of one core for 5 tasks in all" in said.out
    assert str(folder / "reproduce.html") in said.out
    names = {path.name for path in folder.iterdir() if path.suffix}
    assert names >= {"reproduce.html", "reproduce.md", "claims.json", "claims.csv", "table1-1.csv"}
    assert not names & {"fig1a-1.svg", "fig1a-1.png"}


def test_json_is_one_object_and_the_files_are_written_too(say, done, tmp_path):
    images, folder = done
    said = say("reproduce", "fig1a", "--data", images, "--out", folder, "--json", *RUN)
    assert (said.code, said.err) == (0, "")
    told = json.loads(said.out)
    assert [figure["name"] for figure in told["figures"]] == ["fig1a"]
    assert {"figure", "sentence", "value", "low", "high", "n", "printed", "verdict"} <= set(
        told["claims"][0]
    )
    assert told == json.loads((folder / "claims.json").read_text())


def test_figures_for_a_paper_lie_beside_their_numbers(say, done):
    pytest.importorskip("matplotlib")
    images, folder = done
    words = ["reproduce", "table1", "--data", images, "--out", folder, "--paper-figures"]
    assert say(*words, *RUN).code == 0
    assert (folder / "table1-1.svg").read_bytes().startswith(b"<?xml")
    assert (folder / "table1-1.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_nothing_is_trained(say, done, tmp_path, monkeypatch):
    def missing(panel: object) -> dict[str, bytes]:
        raise ConfigurationError("E060", "need the package matplotlib", fix=f"Install it. {panel}")

    monkeypatch.setattr("pryproof.recipes.outcome.paper", missing)
    words = ["reproduce", "fig1a", "--data", done[0], "--out", tmp_path / "w", "--paper-figures"]
    one_line(say(*words, *RUN), 2, "E060.*matplotlib")
    assert not (tmp_path / "w").exists()


def test_the_list_says_what_a_figure_needs(say):
    said = say("reproduce", "--list", "table1", "fig1a", "--json")
    rows = {row["name"]: row for row in json.loads(said.out)["rows"]}
    assert list(rows) == ["fig1a", "table1"]
    assert rows["fig1a"]["trainings"] == 16
    assert rows["table1"]["trainings"] == 0
    assert (rows["fig1a"]["claims"], rows["table1"]["claims"]) == (4, 0)


REFUSED = {
    "no name": ([], "E041 .*name a figure, all, or --list"),
    "unknown": (["tabel2"], "E049 .*no figure is called 'tabel2'.*Did you mean table2"),
    "unknown size": (["fig1a", "--size", "smal"], "E049 .*Did you mean small"),
    "no images": (["fig1a", "--size", "small"], "E046 .*needs images.*folder of CIFAR-100"),
    "unknown setting": (["fig1a", "--set", "train.epocs=1"], "E041 .*mean epochs"),
    "one run": (["fig1a", "--set", "runs=1"], "E043 .*at least 2"),
    "unknown device": (["fig1a", "--device", "gpu"], "device"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_one_line_and_writes_nothing(say, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    words, pattern = REFUSED[case]
    one_line(say("reproduce", *words), 2, pattern)
    assert list(tmp_path.iterdir()) == []


def test_images_that_are_not_there_are_one_line(say, tmp_path):
    words = ["reproduce", "fig1a", "--size", "small", "--data", tmp_path / "nowhere"]
    one_line(say(*words, "--out", tmp_path / "w"), 3, "E001")
    assert not (tmp_path / "w").exists()


def test_the_folder_of_other_images_is_refused(say, done, tmp_path):
    other = write_npz(tmp_path / "other.npz", more=20)
    said = say("reproduce", "fig1a", "--data", other, "--out", done[1], *RUN)
    one_line(said, 5, "E063 .*belongs to study")


def test_a_figure_that_could_not_be_made_is_exit_code_7(say, done, tmp_path, monkeypatch):
    made = sized(size("tiny", str(done[0])), CHANGES)
    doomed = ["train/target/ce/0", "train/target/ce/1"]
    monkeypatch.setitem(STEPS, "train", diverging([FIGURES["fig1a"]], made, doomed))
    words = ["fig1a", "table1", "--data", done[0], "--out", tmp_path / "w"]
    said = say("reproduce", *words, *RUN)
    assert said.code == 7
    assert "NOT MADE: fig1a: all 2 runs of ce diverged" in said.out
    assert re.match(r"PRYPROOF-E073 - not made: fig1a - ", said.err.splitlines()[-1])
    assert (tmp_path / "w" / "table1-1.csv").is_file()
    assert "Not made: fig1a" in (tmp_path / "w" / "reproduce.md").read_text().replace("\\", "")
