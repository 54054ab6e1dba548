"""RelaxLoss's target chosen by accuracy: once a training set, on images that judge nothing."""

from collections import Counter

import numpy as np
import pytest

import pryproof as pp
from pipeline.tiny import study
from pryproof.checks import ConfigurationError
from pryproof.defenses.choose_alpha import GRID
from pryproof.pipeline.findings import alpha_words
from pryproof.pipeline.plan import plan
from pryproof.pipeline.results import Results
from pryproof.pipeline.run import keyed
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.call import Loaded

ROWS = ("ce", "relax_loss", "relax_loss_fakes", "relax_loss_transformed")
CHANGES = (f"evaluate.rows={list(ROWS)}", "relax_loss.alpha=chosen", "value.runs=2")
SETS = {"relax_loss": "real", "relax_loss_fakes": "fakes", "relax_loss_transformed": "protected"}


def tasks(alpha: float | str):
    chosen = Settings(evaluate={"rows": ROWS}, relax_loss={"alpha": alpha})
    return plan(chosen, data_digest="0")


@pytest.fixture(scope="module")
def done(tmp_path_factory, npz) -> pp.Study:
    made = study(tmp_path_factory.mktemp("chosen") / "w", npz, *CHANGES)
    made.run()
    return made


def results(done: pp.Study) -> Results:
    return Results(done.tasks, done._workspace(create=False))


def test_each_training_set_has_one_choice_before_all_that_read_it():
    planned = [task.name for task in tasks("chosen")]
    expected = {f"alpha/{fold}/{of}" for fold in ("target", "shadow0") for of in SETS.values()}
    assert {name for name in planned if name.startswith("alpha/")} == expected
    assert max(Counter(planned).values()) == 1
    for place, task in enumerate(tasks("chosen")):
        assert {planned.index(name) for name in task.inputs.values()} <= set(range(place))
        if task.step == "train" and task.settings["defense"] == "relax_loss":
            fold = task.settings["fold"]
            assert task.inputs["alpha"] == f"alpha/{fold}/{task.settings['trains_on']}"
            assert task.settings["reference"]
            assert "alpha" not in task.settings["options"]


def test_a_given_target_is_no_choice_and_changes_no_key():
    given = tasks(1.0)
    assert not any(task.step == "choose_alpha" for task in given)
    default = plan(Settings(evaluate={"rows": ROWS}), data_digest="0")
    assert [item.key for item in keyed(given)] == [item.key for item in keyed(default)]


def test_what_is_chosen_is_trained_with_and_said(done):
    found = results(done)
    for row, of in SETS.items():
        choice = found[f"alpha/target/{of}"].facts
        assert choice["alpha"] in GRID
        assert choice["accuracy"][str(choice["alpha"])] >= choice["accuracy_ce"] - 0.01 - 1e-9 or (
            "no alpha keeps" in choice["warning"]
        )
        assert found[f"train/target/{row}/0"].facts["alpha"] == choice["alpha"]
    chosen = found["alpha/target/real"].facts["alpha"]
    assert alpha_words(found, done.settings) == f"alpha = {chosen}, chosen by accuracy"
    assert f"alpha = {chosen}, chosen by accuracy" in (done.path / "report.html").read_text()


def test_no_cut_rests_on_images_that_chose(done):
    found = results(done)
    data = Loaded.of(found["load"])
    run = found["train/target/relax_loss/0"]
    outside, owned = data.outside(run.facts), data.defenders()
    places = np.arange(len(data.labels))
    assert run.facts["uses_reference"]
    assert not set(places[outside]) & set(places[owned])
    assert set(places[outside]) | set(places[owned]) == set(places[data.parts["outside"]])
    plain = found["train/target/ce/0"]
    assert data.outside(plain.facts) == data.parts["outside"]


@pytest.mark.parametrize("alpha", ["choosen", -1, True, "nan", float("nan"), float("inf"), [1.0]])
def test_any_other_target_is_refused_in_plain_words(alpha):
    with pytest.raises(
        ConfigurationError, match=r"relax_loss\.alpha: .*0 nats or more, or"
    ) as said:
        pp.Settings.parse({"relax_loss": {"alpha": alpha}}, where="study.toml")
    assert "constrained" not in str(said.value)


def test_what_a_model_took_counts_all_it_rests_on_once(done):
    found = results(done)
    own = {name: float(found.record(name)["seconds"]) for name in found.names("")}
    relaxed, choice = "train/target/relax_loss/0", "alpha/target/real"
    assert found.seconds("train/target/ce/0") == own["train/target/ce/0"]
    assert found.seconds(relaxed) == pytest.approx(own[relaxed] + own[choice])
    moved = found.seconds("train/target/relax_loss_transformed/0")
    ensemble = [own[f"train/target/relax_loss/{run}"] for run in range(2)]
    least = own["generator/target"] + own["transform/target"] + own[choice] + sum(ensemble)
    assert least < moved < sum(own.values())


def test_a_set_is_exported_whatever_target_trains_on_it(done, tmp_path):
    folder = done.export(tmp_path / "out", form="npz", mixture="relax_loss_fakes")
    with np.load(folder / "data.npz") as content:
        assert len(content["labels"]) > 0


def test_crl_relaxes_to_the_same_target_unless_it_has_its_own():
    given = Settings(relax_loss={"alpha": 1.7}, defenses={"hamp": {"alpha": 0.002}})
    assert given.options("crl")["alpha"] == 1.7
    own = Settings(relax_loss={"alpha": 1.7}, defenses={"crl": {"alpha": 0.0}})
    assert own.options("crl")["alpha"] == 0.0
    chosen = Settings(relax_loss={"alpha": "chosen"}, evaluate={"rows": ("relax_loss", "crl")})
    found = {task.name: task for task in plan(chosen, data_digest="0")}
    assert found["train/target/crl/0"].inputs["alpha"] == "alpha/target/real@crl"
    assert found["alpha/target/real@crl"].settings["defense"] == "crl"
    assert found["alpha/target/real"].settings["defense"] == "relax_loss"


@pytest.mark.parametrize("generator", ["per_shadow", "per_fold", "shared", "shared_public"])
def test_halves_choose_for_themselves(generator: str):
    asked = {"halves": 4, "rows": ["relax_loss", "relax_loss_transformed"], "clean": 3}
    chosen = Settings(
        evaluate={"rows": ROWS},
        relax_loss={"alpha": "chosen"},
        canaries=asked | {"generator": generator},
    )
    seen: set[str] = set()
    for task in plan(chosen, data_digest="0"):
        assert set(task.inputs.values()) <= seen, task.name
        assert task.name not in seen
        seen.add(task.name)
    assert {f"alpha/half{k}/{of}" for k in range(4) for of in ("real", "protected")} <= seen
