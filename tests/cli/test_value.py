"""pryproof value: stored outputs of any framework, and a study's margins."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.test_valuation import MEMBERS, outputs


@pytest.fixture
def runs(tmp_path):
    place = tmp_path / "runs.npz"
    np.savez(place, ids=np.array([f"x{i}" for i in range(200)]), **outputs())
    return place


def test_verdicts_and_their_nulls_for_people(say, runs):
    said = say("value", "--outputs", runs)
    assert said.code == 0, said.err
    for word in (
        "safe",
        "vague",
        "risky",
        "chance",
        "never saw them",
        "more runs",
        "seed 0",
        "TPR at 1% FPR",
        "needs 100 non-members",
    ):
        assert word in said.out


def test_json_and_the_table(say, runs, tmp_path):
    said = say(
        "value", "--outputs", runs, "--out", tmp_path / "new", "--margin", "excess", "--json"
    )
    rows = json.loads(said.out)["rows"]
    assert sum(int(row["samples"]) for row in rows) == MEMBERS
    assert {row["TPR at 0.1% FPR"] for row in rows} == {"not estimable"}  # too few held out
    table = pq.read_table(tmp_path / "new" / "samples.parquet")
    assert table["id"].to_pylist()[:2] == ["x0", "x1"]


def test_parts_say_and_write_the_same(say, runs, tmp_path):
    said = {
        word: say("value", "--outputs", runs, "--out", tmp_path / word, "--json", *words)
        for word, words in {"whole": [], "parts": ["--in-parts"]}.items()
    }
    whole, parts = (json.loads(each.out) for each in said.values())
    assert whole["rows"] == parts["rows"]
    assert whole["notes"][:-1] == parts["notes"][:-1]  # the last is the file
    tables = [pq.read_table(tmp_path / word / "samples.parquet") for word in said]
    assert str(tables[0].to_pydict()) == str(tables[1].to_pydict())


def test_one_sample_is_explained(say, runs):
    said = say("value", "--outputs", runs, "--explain", "x3")
    assert said.out.startswith("x3: ")
    assert "margin" in said.out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--margin", "exces"], 2, "Did you mean excess?"),
        (["--rule", "unanimus"], 2, "Did you mean unanimous?"),
        (["--share", "0.9"], 2, "share must lie in"),
        (["--rule", "m_of_k", "--at-least", "99"], 2, "from 1 to 4"),
        (["--explain", "y"], 2, "no sample is called 'y'"),
        (["--in-parts"], 2, "--in-parts needs --out"),
        (["--in-parts", "--out", "x", "--margin", "lira"], 2, "not computed in parts"),
        (["--data", "images"], 2, "--outputs excludes --data"),
        (["-w", "runs"], 2, "--outputs excludes --workspace"),
    ],
)
def test_errors_are_one_line_with_a_way_out(say, runs, words, code, text):
    said = say("value", "--outputs", runs, *words)
    assert said.code == code
    assert text in said.err
    assert said.err.count("\n") == 1


def test_a_missing_file_and_a_table_without_outputs(say, tmp_path):
    said = say("value", "--outputs", tmp_path / "none.npz")
    assert said.code == 3
    assert "there is no such file" in said.err
    assert "--out needs --outputs" in say("value", "--out", tmp_path).err
    assert "--in-parts needs --outputs" in say("value", "--in-parts").err


def test_a_study_takes_the_same_words(say, npz, tmp_path):
    said = say(
        *("value", "--data", npz, "-w", tmp_path / "w", "--margin", "excess", "--workers", "0"),
        *("--set", "train.epochs=1", "--set", "value.runs=2", "--set", "data.members=80"),
        *("--set", "data.evaluation=100"),
    )
    assert said.code == 0, said.err
    table = pq.read_table(tmp_path / "w" / "samples.parquet").to_pydict()
    members = [i for i, split in enumerate(table["split"]) if split == "member"]
    margins = np.array([table["margins"][i] for i in members])
    assert np.allclose(margins.mean(axis=1), [table["excess_margin"][i] for i in members])
    again = say("value", "--data", npz, "-w", tmp_path / "w2", "--margin", "exces")
    assert again.code == 2
