"""Orders hold where they are planted and fail where the opposite is; cuts come from shadows."""

import pytest

from pryproof.evaluation.estimates import balanced_accuracy
from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.compared import ATTACK_WORDS, WORDS, Order, Place, change, low_tpr, ordered
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.sizes import size
from recipes.judged import Planted, planted
from recipes.nano import Whole

TINY = size("tiny")
LOUD, QUIET = Place(study="base", row="ce"), Place(study="base", row="fakes")
OPENED = {
    "base": planted(
        {"ce": Planted(leak=2.5, skill=-0.3), "fakes": Planted(leak=0.1, skill=0.8)},
    )
}


def order(of: str, lower: Place, higher: Place) -> Order:
    return Order(name="one", sentence="One.", of=of, lower=lower, higher=higher)


@pytest.mark.parametrize("of", [name for name in WORDS if name not in ("evaluation", "members")])
def test_what_leaks_less_lies_below_and_not_above(of: str):
    right, wrong = ordered(OPENED, [order(of, QUIET, LOUD), order(of, LOUD, QUIET)], TINY)
    assert (right.verdict, wrong.verdict) == (HOLDS, FAILS)
    assert right.estimate.value == pytest.approx(-wrong.estimate.value)
    assert right.claim.quantity == f"{WORDS[of]}, {QUIET.title} less {LOUD.title}"


def test_the_better_row_is_not_the_less_accurate():
    right, wrong = ordered(
        OPENED, [order("evaluation", LOUD, QUIET), order("evaluation", QUIET, LOUD)], TINY
    )
    assert (right.verdict, wrong.verdict) == (HOLDS, FAILS)


@pytest.mark.parametrize("attack", ATTACK_WORDS)
def test_decisions_are_those_behind_the_evaluations_numbers(whole: Whole, attack: str):
    study = whole.opened["fig8"]["base"]
    for row in study.rows:
        sides = study.decided(row, attack, shadows=whole.size.shadows)
        found = balanced_accuracy(sides.members > 0, sides.others > 0)
        assert found == study.attacks(row)[attack]


def test_no_judged_sample_has_a_part_in_its_cut():
    study = OPENED["base"]
    before = study.decided("ce", "modified_entropy", shadows=2)
    table = study.results["train/target/ce/0"].arrays["signal.log_mentropy"]
    kept = table.copy()
    table[study.data.parts["members"]] -= 50.0
    try:
        after = study.decided("ce", "modified_entropy", shadows=2)
    finally:
        table[:] = kept
    assert (after.others == before.others).all()
    assert after.members[0].all()


def test_a_low_rate_is_not_measured_on_few_images():
    assert str(low_tpr(OPENED["base"], "ce")).startswith("not estimable")


def test_a_place_is_named_by_its_row_unless_it_has_words():
    assert LOUD.title == "CE on real"
    assert Place(study="a", row="ce", words="CE").title == "CE"


def test_judged_rows_have_their_evaluation_planned():
    need = FIGURES["fig8"].needs(TINY)["base"]
    assert "evaluate" in need.tasks
    assert need.settings.evaluate.runs == TINY.judged
    assert change(OPENED, "lira_auc", (LOUD, LOUD), TINY).value == 0
