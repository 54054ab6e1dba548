"""Changes between two rows: exact on small cases, right in direction, honest in width."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.evaluation.estimates import auc_estimate, balanced_accuracy
from pryproof.evaluation.roc import auc
from pryproof.recipes.sides import (
    Sides,
    auc_change,
    balanced_change,
    most_exposed,
    of_one_row,
    tpr_change,
)

NONE = np.zeros((2, 5))


def drawn(name: str, gap: float, *, runs: int = 3, samples: int = 200) -> Sides:
    draws = seeds.generator(0, "sides", name)
    hard = seeds.generator(0, "sides", "hard").normal(size=2 * samples)
    scores = hard + 0.3 * draws.normal(size=(runs, 2 * samples))
    scores[:, :samples] += gap
    return Sides(scores[:, :samples], scores[:, samples:])


def test_values_are_differences_of_the_studys_own_estimates():
    first, second = drawn("a", 0.2), drawn("b", 1.0)
    found = auc_change(first, second)
    values = [auc_estimate(*sides).value for sides in (first, second)]
    assert found.value == pytest.approx(values[1] - values[0])
    called = [Sides(side.members > 0.5, side.others > 0.5) for side in (first, second)]
    values = [balanced_accuracy(*sides).value for sides in called]
    numbers = [Sides(*(part.astype(float) for part in sides)) for sides in called]
    assert balanced_change(*numbers).value == pytest.approx(values[1] - values[0])
    paired = of_one_row(*numbers)
    assert (paired.value, paired.runs) == (pytest.approx(values[1] - values[0]), 3)
    assert tpr_change(first, second, fpr=0.05, seed=0).value == pytest.approx(
        second.tprs(0.05).mean() - first.tprs(0.05).mean()
    )


def test_auc_of_a_run_is_that_of_the_roc():
    sides = drawn("a", 0.7)
    expected = [auc(inside, outside) for inside, outside in zip(*sides, strict=True)]
    assert sides.aucs() == pytest.approx(expected)


def test_a_planted_change_is_seen_and_its_opposite_mirrored():
    first, second = drawn("a", 0.2), drawn("b", 1.5)
    for change in (auc_change, lambda one, two: tpr_change(one, two, fpr=0.05, seed=0)):
        there, back = change(first, second), change(second, first)
        assert there.low > 0
        assert back.high < 0
        assert there.value == pytest.approx(-back.value)


def test_where_nothing_differs_the_interval_covers_nothing():
    covered = [
        found.low <= 0 <= found.high
        for k in range(60)
        for found in [auc_change(drawn(f"a{k}", 0.5), drawn(f"b{k}", 0.5))]
    ]
    assert np.mean(covered) >= 0.9


def test_pairing_by_sample_narrows_the_interval():
    first, second = drawn("a", 0.5), drawn("b", 0.5)
    shuffled = Sides(second.members[:, ::-1], second.others[:, ::-1])
    assert np.ptp(_ends(auc_change(first, second))) < np.ptp(_ends(auc_change(first, shuffled)))


def _ends(found):
    return [found.low, found.high]


def test_too_few_others_are_not_measured():
    sides = drawn("a", 0.5, samples=40)
    for found in (
        tpr_change(sides, sides, fpr=0.01, seed=0),
        most_exposed(sides, share=0.1, fpr=0.01),
    ):
        assert np.isnan(found.value)
        assert found.n == 40
    assert not sides.found(0.01).any()


def test_the_most_exposed_are_found_where_they_stay_the_same():
    sides = drawn("a", 0.0)
    sides.members[:, :20] += 4.0
    assert most_exposed(sides, share=0.1, fpr=0.05).value > 0.9
    assert sides.tprs(0.05).mean() < 0.3


def test_chance_alone_makes_nobody_exposed():
    draws = seeds.generator(0, "chance")
    sides = Sides(draws.normal(size=(6, 500)), draws.normal(size=(6, 500)))
    found = most_exposed(sides, share=0.1, fpr=0.1)
    assert found.low < 0.1 < found.high
    chosen_by_itself = np.sort(sides.found(0.1).mean(axis=0))[-50:].mean()
    assert chosen_by_itself > 2 * found.value  # what choosing and judging by one run would say
    assert np.isnan(most_exposed(Sides(NONE[:1], NONE[:1]), share=0.5, fpr=0.5).value)
