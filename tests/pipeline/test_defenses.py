"""Every defense as a row of a study: its options fit, it trains, and its result says how."""

import sys

import numpy as np
import pytest

import pryproof as pp
from pipeline.tiny import settings, study
from pryproof.checks import ConfigurationError
from pryproof.defenses.table import DEFENSES
from pryproof.pipeline import work
from pryproof.pipeline.defense_findings import of_defenses
from pryproof.pipeline.plan import plan
from pryproof.pipeline.results import Results
from pryproof.pipeline.rows import PLAIN_ROWS, ROWS
from pryproof.pipeline.settings import DEFAULT_ROWS

VARIANTS = ("fakes@steps", "fakes_transformed@augment_real", "ce_static@steps", "additive@steps")
# "extra" reads images that the finished study does not have: its own tests train it
OTHERS = [
    *(name for name in PLAIN_ROWS if name not in (*DEFAULT_ROWS, "extra")),
    *VARIANTS,
]
QUICK = (
    "defenses.selena.teachers=3",
    "defenses.selena.unseen=1",
    "defenses.hamp.bank=20",
    "defenses.memguard.attack_steps=20",
)


def one_row(tmp_path, npz, name: str) -> pp.Study:
    few = ["generate.amount=0.5"] if name == "extra" else []
    return study(tmp_path / "w", npz, f"evaluate.rows=['{name}']", *QUICK, *few)


def test_every_defense_has_a_row_and_options_that_fit(npz):
    rows = [f"'{name}'" for name in ROWS]
    few = "generate.amount=0.5"  # the extra reals are no more
    asked = settings(npz, f"evaluate.rows=[{','.join(rows)}]", few, *QUICK)
    tasks = plan(asked, data_digest="d")
    trained = {task.settings["defense"]: task for task in tasks if task.step == "train"}
    assert trained.keys() == DEFENSES.keys()
    for name, task in trained.items():
        assert callable(DEFENSES[name](**task.settings["options"])), name
        assert task.cost > 0


@pytest.mark.parametrize("name", OTHERS)
def test_a_row_trains_and_says_how(finished: pp.Study, tmp_path, npz, name):
    workspace = finished._workspace(create=False)
    here = one_row(tmp_path, npz, name)
    item = next(each for each in here.tasks if each.task.name == f"train/target/{name}/0")
    inputs = {role: workspace.get(key) for role, key in item.inputs.items()}
    result, _ = work.perform(item.task, inputs)
    assert result.facts["uses_reference"] == ROWS[name].reference
    assert result.facts["steps"] > 0
    assert all(np.isfinite(value).all() for value in result.arrays.values())
    samples = len(inputs["load"].arrays["labels"])
    assert result.arrays["signal.phi"].shape == (samples,)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("defenses.selena.unseen=25", "fewer than the 25 teachers"),
        ("defenses.dp_sgd.delta=2", r"defenses\.dp_sgd\.delta"),
        ("defenses.hamp.gama=1", "unknown key defenses.hamp.gama.*Did you mean gamma"),
        ("evaluate.rows=['selna']", r"evaluate\.rows\.0.*Did you mean selena\?"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(npz, change, words):
    with pytest.raises(ConfigurationError, match=words):
        settings(npz, change)


def test_a_claimed_row_fits_its_cuts_on_what_no_defender_owned(tmp_path, npz):
    here = one_row(tmp_path, npz, "memguard")
    here.evaluate()
    data = here._get(here._workspace(create=False), "load")
    start, stop = data.facts["parts"]["outside"]
    owned = set(range(start, stop, 2))
    assert owned.isdisjoint(range(start + 1, stop, 2))
    metrics = here._get(here._workspace(create=False), "evaluate").facts
    assert [row["name"] for row in metrics["rows"]] == ["memguard"]


def test_a_defense_that_cannot_be_had_is_seen_before_anything_is_written(
    tmp_path, npz, monkeypatch
):
    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    here = one_row(tmp_path, npz, "dp_sgd")
    with pytest.raises(ConfigurationError, match=r"pip install 'pryproof\[dp\]'"):
        here.evaluate()
    assert not here.path.exists()


def test_the_report_says_what_defenses_say_of_themselves(tmp_path, npz):
    here = study(tmp_path / "w", npz, "evaluate.rows=['selena', 'dp_sgd']", *QUICK)
    here.evaluate()
    results = Results(here.tasks, here._workspace(create=False))
    found = {finding.what: finding for finding in of_defenses(results, here.settings)}
    reduced = found["SELENA: a setting smaller than the published one"]
    assert "the paper has 25 and 10" in reduced.meaning
    epsilon = found["DP-SGD: epsilon at delta 1e-05"]
    assert float(epsilon.value.split(",")[0].split(";")[0]) > 0
    assert "not a secure one" in epsilon.meaning
