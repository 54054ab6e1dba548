"""The whole of an attack on stored outputs: files in, judged scores out."""

import json
import stat

import numpy as np
import pytest
from safetensors.numpy import load_file

import pryproof as pp
from laws.world import world
from pryproof.attacks import ATTACKS
from pryproof.attacks.decisions import BY_DEFINITION, BY_HALVES, BY_REFERENCE, BY_RUNS
from pryproof.checks import ConfigurationError, DataError
from pryproof.data.outputs import read_outputs


def outputs(seed: int = 0, samples: int = 120, runs: int = 6, leak: float = 2.0) -> dict:
    seen = world(seed, samples=samples, runs=runs, leak=leak)
    return {
        "logits": seen.raw["logits"],
        "labels": seen.labels,
        "member": seen.member,
        "population_logits": seen.population.raw["logits"],
        "population_labels": seen.population.labels,
    }


def one(given: dict, run: int = 0) -> dict:
    alone = ("logits", "member", "population_logits")
    return {name: array[run] if name in alone else array for name, array in given.items()}


def test_ours_run_by_default_and_say_what_was_left_out():
    found = pp.attack(outputs(), target=-1)
    assert found.targets.tolist() == [5]
    assert {"correctness", "modified_entropy", "lira", "rmia", "quantile"} <= set(found.findings)
    assert set(found.not_run) == {"loss_trace_iqr", "augmentation_aware"}
    assert not any("@" in name for name in found.findings)
    assert all(each.judged.targets == 1 for each in found.findings.values())
    assert found.findings["lira"].judged.auc.low > 0.6
    assert any("not run: loss_trace_iqr" in line for line in found.notes())


def test_every_run_is_a_target_by_default():
    found = pp.attack(outputs(), attacks=["lira", "confidence"])
    assert found.findings["lira"].scores.shape == (6, 120)
    assert found.findings["confidence"].thresholds.shape == (6, 3)
    assert found.findings["lira"].judged.auc.runs == 6


def test_cuts_come_from_where_membership_may_be_known():
    given, reference = outputs(), outputs(5)
    by = {
        name: pp.attack(given, attacks=[name], target=0).findings[name].fitted_on
        for name in ("correctness", "modified_entropy", "lira")
    }
    assert by == {
        "correctness": BY_DEFINITION,
        "modified_entropy": BY_RUNS,
        "lira": BY_HALVES,
    }
    for name in ("modified_entropy", "lira"):
        found = pp.attack(given, attacks=[name], target=0, reference=reference)
        assert found.findings[name].fitted_on == BY_REFERENCE
    alone = pp.attack(one(given), attacks=["modified_entropy"])
    assert alone.findings["modified_entropy"].fitted_on == BY_HALVES


def test_a_model_that_leaks_nothing_reads_half_though_its_own_cuts_read_more():
    draws = np.random.default_rng(0)
    classes, members, others = 100, 100, 10
    labels = np.repeat(np.arange(classes), members + others)
    member = np.tile(np.arange(members + others) < members, classes)
    given = {"phi": draws.normal(size=len(labels)), "labels": labels, "member": member}
    judged = pp.attack(given, attacks=["confidence"]).findings["confidence"].judged
    assert judged.balanced_accuracy.contains(0.5)
    assert judged.oracle.value > 0.55
    assert judged.oracle_chance.contains(judged.oracle.value)


def test_the_reference_alone_sets_the_thresholds():
    given = outputs()
    target, reference = one(given, 0), one(given, 3)
    first = pp.attack(target, reference=reference, attacks=["confidence"])
    changed = {**target, "member": ~target["member"]}
    second = pp.attack(changed, reference=reference, attacks=["confidence"])
    one_cut, other_cut = (each.findings["confidence"].thresholds for each in (first, second))
    assert np.array_equal(one_cut, other_cut)


def test_options_reach_the_attack():
    given = outputs()
    scores = [
        pp.attack(given, attacks=["rmia/offline"], options=options).findings["rmia/offline"].scores
        for options in ({"rmia.offline_a": 0.0}, {"rmia/offline.offline_a": 1.0}, {})
    ]
    assert not np.array_equal(scores[0], scores[1])


def test_files_hold_what_the_attack_found(tmp_path):
    np.savez(tmp_path / "runs.npz", **outputs())
    found = pp.attack(tmp_path / "runs.npz", attacks=["lira", "lira@carlini_2022/online"])
    files = found.write(tmp_path / "out")
    assert set(files) == {"attack.json", "scores.safetensors"}
    scores = load_file(files["scores.safetensors"])
    assert set(scores) == {"lira", "lira@carlini_2022/online"}
    assert scores["lira"].dtype == np.float64
    assert np.array_equal(scores["lira"], found.findings["lira"].scores, equal_nan=True)
    content = json.loads(files["attack.json"].read_text())
    lira = content["attacks"]["lira"]
    for name in ("balanced_accuracy", "auc", "advantage"):
        assert lira[name]["low"] < lira[name]["value"] < lira[name]["high"]
    at = lira["tpr_at_fpr"]["0.01"]
    assert {"value", "low", "high", "realised_fpr", "hits", "n"} <= set(at)
    assert lira["tpr_at_fpr"]["0.001"]["value"] is None
    assert "non-members" in lira["tpr_at_fpr"]["0.001"]["method"]
    assert stat.S_IMODE(files["attack.json"].stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


@pytest.mark.parametrize("export", ["lira", "privacy_meter", "tf_privacy"])
def test_outputs_are_written_for_the_peers_and_read_again(tmp_path, export):
    given = outputs()
    found = pp.attack(given, attacks=["confidence"], target=2)
    found.write(tmp_path, export=export)
    place = tmp_path / export
    if export == "tf_privacy":
        place /= "attack_input.npz"
    again = pp.attack(read_outputs(place), attacks=["confidence"])
    row = found.findings["confidence"].scores[0]
    if export == "tf_privacy":
        row = row[np.argsort(~given["member"][2], kind="stable")]
        assert np.array_equal(again.findings["confidence"].scores[0], row)
    else:
        assert again.findings["confidence"].scores[2] == pytest.approx(row)


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"attacks": ["lyra"]}, ConfigurationError, r"no attack is called 'lyra'.*Did you mean"),
        ({"attacks": []}, ConfigurationError, "no attack is named"),
        ({"target": 6}, ConfigurationError, "from 0 to 5"),
        ({"target": -7}, ConfigurationError, "from 0 to 5"),
        ({"options": {"lira.gama": 1.0}}, ConfigurationError, "takes 'lira.gama'"),
        ({"attacks": ["loss_trace_iqr"]}, DataError, "loss_trace"),
    ],
)
def test_refusals(more, error, said):
    with pytest.raises(error, match=said):
        pp.attack(outputs(), **more)


def test_an_error_names_the_file(tmp_path):
    np.savez(tmp_path / "bad.npz", phi=np.zeros((2, 3)), member=np.zeros((2, 4), bool))
    with pytest.raises(DataError, match=r"bad\.npz, array phi"):
        pp.attack(tmp_path / "bad.npz")


ODD = {
    "one class": {"labels": np.zeros(120, int)},
    "no member": {"member": np.zeros((6, 120), bool)},
    "no other": {"member": np.ones((6, 120), bool)},
    "all ties": {"logits": np.zeros((6, 120, 3))},
}


@pytest.mark.parametrize("case", ODD)
def test_data_with_too_little_in_them_give_no_silent_number(case):
    given = outputs()
    given |= ODD[case]
    found = pp.attack(given, target=0)
    for name, each in found.findings.items():
        assert name in ATTACKS
        for estimate in (each.judged.auc, each.judged.balanced_accuracy):
            assert np.isnan(estimate.value) == np.isnan(estimate.low)
            assert estimate.method
        if case in ("no member", "no other"):
            assert np.isnan(each.judged.auc.value)
            assert np.isnan(each.judged.balanced_accuracy.value)
        elif np.unique(each.scores).size == 1:
            assert each.judged.auc.value == 0.5
    found.json()
    found.table()


def test_one_sample_is_not_estimable():
    found = pp.attack({"phi": [3.0], "member": [True]}, attacks=["confidence"])
    assert np.isnan(found.findings["confidence"].judged.auc.value)
    assert found.findings["confidence"].judged.auc.method
