"""Verdicts before and after, adaptive queries and migrations, on the tiny study."""

import numpy as np
import pytest

import pryproof as pp
from pryproof.attacks.signals import signals
from pryproof.pipeline.results import Results
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.steps.migrate import _to_fakes
from pryproof.pipeline.steps.revalue import _margins
from pryproof.pipeline.task import CONTROL, FAKES, PROTECTED


@pytest.fixture(scope="module")
def results(finished: pp.Study) -> Results:
    return Results(finished.tasks, finished._workspace(create=False))


def test_every_member_has_a_verdict_after_and_one_where_nothing_was_moved(results: Results):
    arrays = results["revalue"].arrays
    members = len(results["value/target/real"].arrays["verdict"])
    assert arrays["verdict_after"].shape == arrays["verdict_control"].shape == (members,)
    assert set(np.unique(arrays["verdict_after"])) <= {0, 1, 2}


def test_three_queries_are_compared(results: Results):
    lines = [line["what"] for line in results["revalue"].facts["findings"]]
    asked = [what.rsplit("queries with ", 1)[1] for what in lines if "queries with" in what]
    assert asked == ["x", "G_r2s(x)", "the louder of both"]


def test_both_rows_with_fakes_are_compared_with_the_row_without(results: Results):
    found = results["migrate"]
    assert sorted(found.arrays) == sorted(f"change.{row}" for row in (FAKES, PROTECTED))
    lira = results["evaluate"].arrays
    members = found.arrays[f"change.{FAKES}"].shape[0]
    change = lira[f"lira.{FAKES}"].mean(axis=0) - lira[f"lira.{CONTROL}"].mean(axis=0)
    assert np.allclose(found.arrays[f"change.{FAKES}"], change[:members])


def test_the_report_shows_them(finished: pp.Study):
    page = (finished.path / "report.md").read_text()
    assert "voted safe once moved" in page
    assert "queries with the louder of both" in page
    assert "newly found by LiRA" in page
    assert "copies of real images" in page
    assert "members found behind" in page


def test_without_the_row_it_is_compared_with_nothing_is_planned(npz):
    study = pp.Study(
        "nowhere", settings=pp.Settings(data={"source": str(npz)}, evaluate={"rows": ["fakes"]})
    )
    assert not {"revalue", "migrate"} & {item.task.name for item in study.tasks}


def test_a_margin_is_above_zero_for_what_the_cut_calls_a_member():
    labels = np.zeros(50, dtype=np.int64)
    sure = np.tile([8.0, 0.0], (50, 1)) + np.arange(50)[:, None] * [0.01, 0.0]
    unsure = np.tile([1.0, 0.0], (50, 1)) + np.arange(50)[:, None] * [0.01, 0.0]
    seen, unseen = (signals(logits, labels, accelerate=False) for logits in (sure, unsure))
    assert (_margins(seen, labels, unseen, labels, 2) > 0).all()


def test_the_nearest_fake_of_another_class_is_of_another_class():
    data = Loaded(
        images=np.array([0, 10, 0, 10], dtype=np.uint8).reshape(4, 1, 1, 1),
        labels=np.array([0, 0, 1, 1]),
        ids=[],
        classes=["a", "b"],
    )
    made = {
        "fakes": np.array([1, 50], dtype=np.uint8).reshape(2, 1, 1, 1),
        "fakes_labels": np.array([0, 1]),
    }
    other = _to_fakes(data, slice(0, 4), made, other=True)
    own = _to_fakes(data, slice(0, 4), made, other=False)
    assert other.tolist() == [50, 40, 1, 9]
    assert own.tolist() == [1, 9, 50, 40]
