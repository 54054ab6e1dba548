import json
import re

import numpy as np
import pytest

from pryproof.attacks import ATTACKS


@pytest.fixture
def runs(tmp_path):
    draws = np.random.default_rng(0)
    member = draws.random((6, 400)) < 0.5
    phi = draws.normal(size=(6, 400)) + 2.0 * member
    np.savez(tmp_path / "runs.npz", phi=phi, member=member)
    return tmp_path / "runs.npz"


def test_a_table_for_people(say, runs):
    said = say("attack", runs, "--attacks", "lira,confidence", "--target", "-1")
    assert said.code == 0
    assert re.search(r"lira +0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", said.out)
    assert "one target" in said.out
    assert said.err == ""


def test_json_for_programs_is_what_the_file_holds(say, runs, tmp_path):
    said = say("attack", runs, "--attacks", "lira", "--json", "--out", tmp_path / "out")
    assert json.loads(said.out) == json.loads((tmp_path / "out" / "attack.json").read_text())
    assert json.loads(said.out)["targets"] == [0, 1, 2, 3, 4, 5]


def test_every_attack_is_listed_with_its_source(say):
    said = say("attack", "--list", "--json")
    rows = json.loads(said.out)["rows"]
    assert [row["attack"] for row in rows] == list(ATTACKS)
    assert all(row["source"] for row in rows)
    assert say("attack", "--list").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "E041 .*name the outputs"),
        (["none.npz"], 3, "E001 .*none.npz"),
        (["RUNS", "--attacks", "lyra"], 2, "E049 .*lyra"),
        (["RUNS", "--target", "6"], 2, "E043 .*0 to 5"),
        (["RUNS", "--set", "rmia.gamma=two"], 2, "E042 .*a number or none"),
        (["RUNS", "--set", "rmia.gamma"], 2, "E042 .*OPTION=VALUE"),
        (["RUNS", "--attacks", "rmia", "--set", "rmia.gamma=0"], 2, "E043 .*gamma"),
        (["RUNS", "--attacks", "lira", "--set", "rmia.gamma=1"], 2, "E041 .*rmia.gamma"),
        (["RUNS", "--export", "lira"], 2, "E046 .*--out"),
        (["RUNS", "--attacks", "label_only"], 3, "E024 .*label_only needs"),
    ],
)
def test_errors_are_one_line_with_a_way_out(say, runs, words, code, said):
    found = say("attack", *[runs if word == "RUNS" else word for word in words])
    assert (found.code, found.out) == (code, "")
    assert re.fullmatch(rf"PRYPROOF-{said}[^\n]*\n", found.err), found.err


def test_an_unknown_export_writes_nothing(say, runs, tmp_path):
    found = say("attack", runs, "--attacks", "lira", "--export", "lyra", "--out", tmp_path / "o")
    assert found.code == 2
    assert not (tmp_path / "o").exists()


def test_a_folder_of_exported_files_is_named_once(say, runs, tmp_path):
    words = ["--attacks", "confidence", "--out", tmp_path / "o", "--export", "lira"]
    said = say("attack", runs, *words)
    places = [line.strip() for line in said.out.splitlines() if str(tmp_path) in line]
    assert [place.removeprefix(f"{tmp_path}/o/") for place in places] == [
        "attack.json",
        "scores.safetensors",
        "lira",
    ]
    assert (tmp_path / "o" / "lira" / "experiment-5_6" / "keep.npy").is_file()
