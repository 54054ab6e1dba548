"""What a study's runs say, as a recipe reads it: as the road itself reads it, failures left out."""

import numpy as np
import pytest

from pryproof.checks import TrainingError
from pryproof.recipes.opened import Opened
from recipes.nano import RUNS, Whole
from recipes.planted import MEMBERS, RIGHT, Row, around, bounds, study


@pytest.fixture(scope="session")
def valued(whole: Whole) -> Opened:
    """Return a real study that was valued, its valuing runs as a row."""
    return Opened(whole.opened["fig5"]["base"].results, {"relax_loss": RUNS})


def test_margins_and_calls_are_those_of_the_valuation(valued: Opened):
    stored = valued.results["value/target/real"].arrays
    assert np.array_equal(valued.margins("relax_loss"), stored["margin"])
    assert np.array_equal(valued.called("relax_loss"), stored["called"])
    assert np.array_equal(valued.own_ranks("relax_loss"), valued.ranks())
    assert np.array_equal(valued.ranks(), stored["rank"])


def test_runs_of_a_shadow_are_asked_about_the_members(valued: Opened):
    attacked = valued.results["attack/shadow0/real"].arrays["margin"]
    found = valued.margins("relax_loss", fold="shadow0", count=RUNS)
    assert np.array_equal(found, attacked[:, valued.data.parts["members"]])
    ranked = valued.own_ranks("relax_loss", fold="shadow0", count=RUNS)
    assert np.array_equal(np.sort(ranked), np.tile(np.arange(1, found.shape[1] + 1), (RUNS, 1)))


def test_accuracy_and_loss_of_what_was_trained_on(valued: Opened):
    losses, shares = (valued.trained("relax_loss", what) for what in ("loss", "accuracy"))
    facts = [run.facts for run in valued.runs("relax_loss")]
    assert losses == pytest.approx([each["last_loss"] for each in facts])
    assert losses.shape == shares.shape == (RUNS,)
    assert ((shares > 0) & (shares < 1)).all()


def test_losses_and_answers_by_part():
    table = around("parts", members=0.1, others=2.0)
    opened = study({"ce": Row(losses=table)})
    assert opened.losses("ce", "members") == pytest.approx(table[:, bounds("members")])
    assert opened.losses("ce", "evaluation") == pytest.approx(table[:, bounds("evaluation")])
    assert np.array_equal(opened.right("ce", "members"), table[:, bounds("members")] < RIGHT)
    assert opened.accuracy("ce", "members").value == 1.0
    assert opened.accuracy("ce", "evaluation").value == 0.0


def test_members_that_stand_apart_are_called_and_others_are_not():
    table = around("called", members=0.1, others=2.0)
    table[:, :30] = 2.5  # members that look like anybody
    found = study({"ce": Row(losses=table)}).called("ce")
    assert found.shape == (4, MEMBERS)
    assert not found[:, :30].any()
    assert found[:, 30:].all()


def test_ranks_go_from_the_least_exposed_member():
    table = around("ranks", members=1.0, others=2.0)
    found = study({"ce": Row(losses=table)}).own_ranks("ce")
    labels = np.arange(MEMBERS) % 2
    for run, losses in zip(found, table[:, bounds("members")], strict=True):
        for label in (0, 1):  # a cut a class: within one, the order of losses
            inside = labels == label
            assert np.array_equal(np.argsort(run[inside]), np.argsort(-losses[inside]))


def test_runs_that_diverged_are_left_out():
    table = around("failed", members=0.1, others=2.0)
    opened = study({"ce": Row(losses=table, failed=(1, 2))})
    assert len(opened.runs("ce")) == len(opened.called("ce")) == 2
    assert opened.losses("ce", "members") == pytest.approx(table[[0, 3]][:, bounds("members")])
    with pytest.raises(TrainingError, match="all 4 runs of ce diverged"):
        study({"ce": Row(losses=table, failed=(0, 1, 2, 3))}).runs("ce")
