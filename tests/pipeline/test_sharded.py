"""Valuing part by part: the very table of the whole, whatever the parts; nothing is left behind."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import pryproof as pp
from pipeline.test_valuation import outputs
from pryproof.attacks.evidence import evidence
from pryproof.checks import ConfigurationError, DataError
from pryproof.pipeline.margins import MARGINS
from pryproof.pipeline.sharded import value_in_parts

SUPPORTED = [name for name in MARGINS if name != "lira"]
SHARDS = [9, 200, 1000]  # of 200 samples; 9 leaves a rest


def halves() -> dict[str, np.ndarray]:
    """Make runs that trained on random halves, with many ties, and held-out samples."""
    rng = np.random.default_rng(3)
    member = rng.random((8, 200)) < 0.5
    member[:, 150:] = False
    phi = np.round(rng.normal(size=(8, 200)) + 3 * member, 1)
    return {"phi": phi, "member": member, "group": np.arange(8) // 2}


def same(parts: pp.Verdicts, whole: pp.Verdicts) -> None:
    """Compare everything that a valuation says."""
    assert list(parts.table) == list(whole.table)
    for name, values in whole.table.items():
        here, there = np.array(values), np.array(parts.table[name])
        assert here.dtype == there.dtype, name
        assert np.array_equal(here, there, equal_nan=here.dtype.kind == "f"), name
    assert np.array_equal(parts.ranks, whole.ranks)
    assert (parts.unseen_ranks is None) == (whole.unseen_ranks is None)
    if whole.unseen_ranks is not None:
        assert np.array_equal(parts.unseen_ranks, whole.unseen_ranks)
    assert str(parts.exposure) == str(whole.exposure)  # NaN is not NaN
    assert parts.summary() == whole.summary()


@pytest.mark.parametrize("margin", SUPPORTED)
@pytest.mark.parametrize("given", [outputs, halves])
def test_the_table_is_that_of_the_whole(given, margin: str, tmp_path):
    shard, how = 64, pp.Vote(margin=margin)
    parts = value_in_parts(given(), folder=tmp_path, how=how, shard=shard)
    same(parts, pp.value(given(), how=how))
    assert pq.ParquetFile(parts.path).num_row_groups == -(-200 // shard)


@pytest.mark.parametrize("how", [{"by_class": True}, {"rule": "risk_score"}, {"rule": "m_of_k"}])
@pytest.mark.parametrize("shard", SHARDS)
def test_every_way_to_vote_gives_the_same(how: dict, shard: int, tmp_path):
    chosen = pp.Vote(margin="risk_score", **how)
    given = outputs()
    same(
        value_in_parts(given, folder=tmp_path, how=chosen, shard=shard),
        pp.value(given, how=chosen),
    )


def test_the_file_is_what_the_whole_would_write(tmp_path):
    parts = value_in_parts(outputs(), folder=tmp_path / "parts", shard=64)
    whole = pq.read_table(pp.value(outputs()).write(tmp_path / "whole"))
    found = pq.read_table(parts.path)
    assert found.schema == whole.schema
    assert str(found.to_pydict()) == str(whole.to_pydict())  # NaN is not NaN
    assert parts.path.stat().st_mode & 0o077 == 0
    assert [each.name for each in parts.path.parent.iterdir()] == ["samples.parquet"]


def test_names_evidence_queries_and_populations_are_taken(tmp_path):
    whole = outputs()
    ids = [f"x{place}" for place in range(200)]
    same(pp.value(whole | {"ids": ids}, folder=tmp_path), pp.value(whole, ids=ids))
    assert pp.value(whole, ids=ids, folder=tmp_path).explain("x1").startswith("x1: ")
    seen = evidence(whole)
    same(pp.value(seen, folder=tmp_path), pp.value(seen))
    twice = whole | {"logits": np.stack([whole["logits"], whole["logits"] ** 2], axis=1)}
    same(pp.value(twice, folder=tmp_path), pp.value(twice))
    beside = whole | {"population_logits": whole["logits"], "population_labels": whole["labels"]}
    same(pp.value(beside, folder=tmp_path), pp.value(beside))


def test_only_a_signal_is_enough(tmp_path):
    whole = outputs()
    given = {"log_mentropy": whole["logits"][..., 0], "member": whole["member"]}
    same(value_in_parts(given, folder=tmp_path, shard=33), pp.value(given))


def broken(run: int) -> dict[str, np.ndarray]:
    whole = outputs()
    phi = whole["logits"][..., 0].copy()
    phi[run, 5] = np.nan
    return {"phi": phi, "member": whole["member"]}


REFUSED = {
    "NaN": (broken(3), {}, "phi must be numbers"),
    "no stranger": (
        {"phi": np.ones((3, 9)), "member": np.arange(9) < np.array([[5]] * 3)},
        {"margin": "excess"},
        "5 of 5 samples have none",
    ),
    "one run": ({"phi": np.ones((1, 9)), "member": np.eye(9)[:1]}, {}, "no sample was in"),
    "no phi": (
        {"log_mentropy": outputs()["logits"][..., 0], "member": outputs()["member"]},
        {"margin": "excess_loss"},
        "needs phi",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_whole_refuses_is_refused_alike(case: str, tmp_path):
    given, how, said = REFUSED[case]
    errors = []
    for where in ({}, {"folder": tmp_path / "new"}):
        with pytest.raises(DataError, match=said) as caught:
            pp.value(given, how=pp.Vote(**how), **where)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
    assert not (tmp_path / "new").exists()


def test_the_margin_that_joins_all_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="not computed in parts"):
        pp.value(outputs(), how=pp.Vote(margin="lira"), folder=tmp_path)
    with pytest.raises(ConfigurationError, match="Did you mean excess"):
        pp.value(outputs(), how=pp.Vote(margin="exces"), folder=tmp_path)


@pytest.mark.parametrize("margin", ["signed", "lira", "excess"])
def test_no_temporary_file_is_left(margin: str, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    given = outputs() if margin == "signed" else broken(1)
    try:
        pp.value(given, how=pp.Vote(margin=margin), folder=tmp_path / "out")
    except (ConfigurationError, DataError):
        assert not Path(tmp_path / "out").exists()
    assert not list(scratch.iterdir())
