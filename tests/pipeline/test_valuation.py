"""Valuing stored outputs: known answers, planted truths and nulls, laws, and refusals."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import pryproof as pp
from pryproof.checks import ConfigurationError, DataError
from pryproof.pipeline.margins import MARGINS
from pryproof.valuation.votes import RULES

RUNS, STRANGERS, MEMBERS, HELD = 4, 4, 120, 80


def outputs(*, leak: float = 3.0, seed: int = 0, ease: float = 2.0) -> dict[str, np.ndarray]:
    """Four runs on the same members, four on none of them; the second half of members leaks."""
    rng = np.random.default_rng(seed)
    samples = MEMBERS + HELD
    labels = rng.integers(3, size=samples)
    member = np.zeros((RUNS + STRANGERS, samples), dtype=bool)
    member[:RUNS, :MEMBERS] = True
    logits = rng.normal(size=(RUNS + STRANGERS, samples, 3))
    logits[:, np.arange(samples), labels] += ease * rng.normal(size=samples)
    leaking = np.arange(samples) % 2 == 1
    logits[:, np.arange(samples), labels] += leak * (member & leaking)
    return {"logits": logits, "labels": labels, "member": member}


def column(found: pp.Verdicts, name: str) -> np.ndarray:
    return np.array(found.table[name])


@pytest.mark.parametrize("margin", MARGINS)
def test_every_margin_gives_every_member_a_verdict(margin: str):
    found = pp.value(outputs(), how=pp.Vote(margin=margin))
    verdict = column(found, "verdict")
    assert set(verdict[:MEMBERS]) <= {"safe", "vague", "risky"}
    assert set(verdict[MEMBERS:]) == {"held out"}
    assert sum(found.counts().values()) == MEMBERS
    assert found.margin == margin


@pytest.mark.parametrize("margin", ["excess", "lira"])
def test_what_leaks_is_risky_by_margins_that_know_difficulty(margin: str):
    found = pp.value(outputs(leak=8.0), how=pp.Vote(margin=margin, minimum=0.0))
    verdict = column(found, "verdict")[:MEMBERS]
    leaking = np.arange(MEMBERS) % 2 == 1
    assert (verdict[leaking] == "risky").mean() > 0.8
    assert (verdict[~leaking] == "safe").mean() > 0.8


def test_a_wrong_label_learned_by_heart_is_risky_though_it_looks_hard():
    whole = outputs(leak=0.0, ease=1.0)
    wrong = np.arange(12)
    members = whole["member"].any(axis=1)
    labels = whole["labels"]
    shift = np.where(members[:, None], 1.0, -7.0) * np.ones(len(wrong))
    whole["logits"][:, wrong, labels[wrong]] += shift
    how = {name: pp.Vote(margin=name, minimum=0.0) for name in ("signed", "excess", "excess_loss")}
    risky = {
        name: (column(pp.value(whole, how=each), "verdict")[wrong] == "risky").mean()
        for name, each in how.items()
    }
    assert risky["excess"] == risky["excess_loss"] == 1.0
    assert risky["signed"] < 0.9


def test_the_plain_margin_follows_ease_where_nothing_leaks_and_the_excess_margin_does_not():
    calm = outputs(leak=0.0, ease=6.0)
    plain = pp.value(calm, how=pp.Vote(minimum=0.0)).overlap()
    excess = pp.value(calm, how=pp.Vote(margin="excess", minimum=0.0)).overlap()
    assert plain.ratio.low > plain.chance
    assert excess.ratio.contains(excess.chance)


def test_nothing_but_chance_is_left_of_the_excess_margin_in_most_studies():
    held = 0
    for seed in range(40):
        calm = outputs(leak=0.0, ease=6.0, seed=seed)
        found = pp.value(calm, how=pp.Vote(margin="excess", minimum=0.0))
        overlap = found.overlap()
        held += overlap.ratio.contains(overlap.chance)
    assert held >= 35


def test_difficulty_stands_beside_the_overlap():
    found = pp.value(outputs(leak=0.0, ease=6.0))
    null = found.unseen_overlap()
    assert null is not None
    assert abs(null.ratio.value - found.overlap().ratio.value) < 0.2
    assert any("never saw them" in line for line in found.summary()[2])


@pytest.mark.parametrize(
    "margin", ["signed", "abs", "percentile", "risk_score", "excess", "excess_loss"]
)
@pytest.mark.parametrize("by_class", [False, True])
def test_permuting_samples_and_runs_permutes_the_table_bit_for_bit(margin: str, *, by_class: bool):
    whole = outputs()
    whole["logits"] = np.round(whole["logits"])  # many ties
    rng = np.random.default_rng(5)
    samples, runs = rng.permutation(MEMBERS + HELD), rng.permutation(RUNS + STRANGERS)
    moved = {
        "logits": whole["logits"][runs][:, samples],
        "labels": whole["labels"][samples],
        "member": whole["member"][runs][:, samples],
    }
    how = pp.Vote(margin=margin, by_class=by_class)
    ids = [f"x{i}" for i in range(MEMBERS + HELD)]
    first = pp.value(whole, ids=ids, how=how)
    second = pp.value(moved, ids=[ids[i] for i in samples], how=how)
    voting = [run for run in runs if run < RUNS]
    for name, values in first.table.items():
        if name in ("lira", "rmia"):
            continue  # sums over runs in their own order
        here, there = np.array(values)[samples], np.array(second.table[name])
        if name in ("margins", "ranks"):
            here = here[:, voting]
        nan = here.dtype.kind == "f"
        assert np.array_equal(here, there, equal_nan=nan), name


def test_rates_of_held_out_samples_are_false_positive_rates():
    rate = column(pp.value(outputs(leak=0.0)), "success_rate")
    assert abs(rate[:MEMBERS].mean() - rate[MEMBERS:].mean()) < 0.25
    loud = column(pp.value(outputs(leak=9.0)), "success_rate")
    assert loud[:MEMBERS].mean() > loud[MEMBERS:].mean() + 0.2


def test_random_halves_vote_by_the_runs_that_trained_on_a_sample():
    rng = np.random.default_rng(1)
    member = rng.random((8, 60)) < 0.5
    member[:2], member[2] = True, False  # everyone has votes and a run without it
    member[:, 0] = False
    member[0, 0] = True  # in one run only
    phi = rng.normal(size=(8, 60)) + 4 * member
    found = pp.value({"phi": phi, "member": member}, how=pp.Vote(margin="excess"))
    assert found.table["verdict"][0] == "not estimable"
    assert column(found, "runs").tolist() == member.sum(axis=0).tolist()
    assert any("one run only" in note for note in found.notes)
    with pytest.raises(DataError, match="not estimable"):
        found.overlap()
    assert "not estimable" in "\n".join(found.summary()[2])


def test_two_runs_are_enough_for_an_overlap_and_no_plan():
    whole = outputs()
    two = {name: whole[name][:2] for name in ("logits", "member")} | {"labels": whole["labels"]}
    found = pp.value(two)
    assert found.overlap().ratio.n == MEMBERS // 2
    assert found.plan_lines() == []
    assert len(pp.value(whole).plan_lines()) == 1


def test_an_explanation_names_every_run():
    found = pp.value(outputs(), ids=[f"x{i}" for i in range(MEMBERS + HELD)])
    said = found.explain("x1")
    assert said.count("run ") >= RUNS
    assert "excess margin" in said
    with pytest.raises(ConfigurationError, match="Did you mean x1"):
        found.explain("x1y")


def test_the_notebook_form_escapes():
    found = pp.value(outputs())
    assert "<table>" in found._repr_html_()
    assert "<script" not in found._repr_html_()


def test_the_file_holds_the_table(tmp_path):
    found = pp.value(outputs())
    place = found.write(tmp_path / "new")
    read = pq.read_table(place)
    assert read.num_rows == MEMBERS + HELD
    assert read.column_names == list(found.table)
    assert read["verdict"].to_pylist() == found.table["verdict"]
    assert place.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
def test_the_file_opens_elsewhere(tmp_path, library: str):
    module = pytest.importorskip(library)
    place = pp.value(outputs()).write(tmp_path)
    if library == "duckdb":
        rows = module.sql(f"select verdict from '{place}'").fetchall()  # noqa: S608 - our own path
        assert len(rows) == MEMBERS + HELD
        return
    table = module.read_parquet(place)
    assert list(table["verdict"]).count("held out") == HELD
    assert len(table["margins"][0]) == RUNS


def changed(**arrays: object) -> dict[str, object]:
    return outputs() | arrays


BROKEN = {
    "one run": (
        {name: outputs()[name][:1] for name in ("logits", "member")}
        | {"labels": outputs()["labels"]},
        "no sample was in the training set of 2 runs",
    ),
    "no held-out samples": (
        {"phi": np.zeros((3, 5)), "member": np.ones((3, 5), dtype=bool)},
        "no run has both members and non-members",
    ),
    "the same id twice": (changed(ids=["a"] * (MEMBERS + HELD)), "the id 'a' stands for samples"),
    "too few ids": (changed(ids=["a"]), "there must be 200 ids"),
    "NaN": (
        {"phi": [[np.nan, 1.0, 0.0]] * 2, "member": [[1, 1, 0]] * 2},
        "phi must be numbers",
    ),
    "a rounded probability": (
        {"p": [[1.0, 0.5, 0.2]] * 2, "member": [[1, 1, 0]] * 2},
        "confidence must be finite",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_valued_is_refused(case: str):
    given, said = BROKEN[case]
    with pytest.raises(DataError, match=said):
        pp.value(given)


def test_excess_needs_runs_without_the_samples():
    whole = outputs()
    seen = {name: whole[name][:RUNS] for name in ("logits", "member")} | {"labels": whole["labels"]}
    with pytest.raises(DataError, match="never saw it"):
        pp.value(seen, how=pp.Vote(margin="excess"))
    assert any("without them" in note for note in pp.value(seen).notes)


def test_a_class_with_one_sample_takes_the_cut_of_all():
    whole = outputs()
    whole["labels"][0] = 3
    whole["logits"] = np.concatenate([whole["logits"], whole["logits"][:, :, :1]], axis=2)
    found = pp.value(whole)
    assert found.table["verdict"][0] in ("safe", "vague", "risky")


@pytest.mark.parametrize("rule", [*RULES, "risk_score"])
def test_every_rule_gives_verdicts(rule: str):
    margin = "risk_score" if rule == "risk_score" else "signed"
    found = pp.value(outputs(), how=pp.Vote(rule=rule, margin=margin, minimum=0.0))
    assert found.rule == rule
    assert sum(found.counts().values()) == MEMBERS


def test_the_rule_by_probability_wants_probabilities():
    with pytest.raises(ConfigurationError, match="reads probabilities"):
        pp.value(outputs(), how=pp.Vote(rule="risk_score"))
