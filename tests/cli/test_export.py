"""export on the command line: what it says, and its exit codes."""

import json
import re

import pytest

from pipeline.tiny import words
from pryproof.pipeline.rows import ROWS


def test_a_set_and_the_generator_are_written(say, finished, tmp_path):
    said = say("export", *words(finished), "--out", tmp_path / "set", "--form", "folder", "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert found["files"] == {"export": str(tmp_path / "set")}
    assert "not anonymised" in found["summary"]
    assert (tmp_path / "set" / "images").is_dir()
    said = say("export", *words(finished), "--out", tmp_path / "gan", "--what", "generator")
    assert said.code == 0
    assert said.out.splitlines()[-1] == str(tmp_path / "gan")
    assert (tmp_path / "gan" / "generator.safetensors").is_file()


REFUSED = {
    "form": (["--form", "parket"], 2, r"E049 .*mean parquet\?"),
    "mixture": (["--mixture", "nois"], 2, r"E049 .*mean noise\?"),
    "empty part": (
        ["--mixture", "noise", "--what", "transformed"],
        3,
        "E003 .*Ask for all or reals",
    ),
    "generator's form": (
        ["--what", "generator", "--form", "npz", "--mixture", "noise"],
        2,
        r"E046 .*--what generator asks for none - Leave --form and --mixture out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_words_that_cannot_be_meant(say, finished, tmp_path, case):
    given, code, pattern = REFUSED[case]
    said = say("export", *words(finished), "--out", tmp_path / "out", *given)
    assert (said.code, said.out) == (code, "")
    assert re.fullmatch(r"PRYPROOF-E\d+ - [^\n]*\n", said.err), said.err
    assert re.match(f"PRYPROOF-{pattern}", said.err)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_content_is_refused(say, finished, tmp_path):
    (tmp_path / "kept").write_text("x")
    said = say("export", *words(finished), "--out", tmp_path)
    assert said.code == 2
    assert re.match(r"PRYPROOF-E061 - the folder is not empty", said.err)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("verb", ["check", "plan"])
def test_every_row_can_be_looked_at(say, roomy, tmp_path, verb):
    rows = f"evaluate.rows={json.dumps(list(ROWS))}"
    sizes = ["--set", "data.members=40", "--set", "data.evaluation=40", "--set", rows]
    place = ["--data", roomy, "-w", tmp_path / "w"]
    said = say(verb, *place, *sizes, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)["rows"]
    if verb == "check":
        assert {row["what"]: row["found"] for row in found}["extra reals"] == "80, for 2 folds"
    else:
        assert {f"train {name}" for name in ROWS} <= {row["step"] for row in found}
    said = say(verb, *place, "--set", 'evaluate.rows=["ce", "extra"]', "--set", "data.members=120")
    assert (said.code, said.out) == (3, "")
    assert re.match(
        r"PRYPROOF-E038 - members x 3 .*members=\d+ and evaluation=\d+ with 1", said.err
    )
    assert not (tmp_path / "w").exists()
