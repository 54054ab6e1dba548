from dataclasses import replace

import pytest

from pryproof.records import Estimate
from pryproof.reporting.cells import Table
from pryproof.reporting.comparison import ATTACKS, best, by_verdict, comparison
from pryproof.reporting.content import Content


def span(low: float, high: float) -> Estimate:
    return Estimate(value=(low + high) / 2, low=low, high=high, n=100)


def signs(table: Table, title: str) -> list[tuple[str, ...]]:
    place = [column.title for column in table.columns].index(title)
    return [row[place].signs for row in table.rows]


def test_best_needs_a_gap_to_every_other_interval():
    assert best([span(0.6, 0.7), span(0.1, 0.2), span(0.3, 0.4)], higher=False) == 1
    assert best([span(0.6, 0.7), span(0.1, 0.2), span(0.3, 0.4)], higher=True) == 0
    assert best([span(0.1, 0.2), span(0.2, 0.3)], higher=False) is None
    assert best([span(0.1, 0.2), span(0.05, 0.9)], higher=False) is None


def test_best_of_one_or_of_none_measured_is_nobody():
    missing = span(float("nan"), float("nan"))
    assert best([span(0.1, 0.2)], higher=True) is None
    assert best([span(0.1, 0.2), missing], higher=True) is None
    assert best([], higher=True) is None
    assert best([missing, span(0.1, 0.2), span(0.3, 0.4)], higher=True) == 2


def test_signs_follow_the_intervals(content: Content):
    table = comparison(content.rows)
    assert signs(table, "Test accuracy") == [(), (), (), ("best",), ()]
    assert signs(table, "lira/offline TPR at 1% FPR") == [
        ("above",), ("above",), ("above",), ("within", "best"), (),
    ]  # fmt: skip
    assert signs(table, "entropy")[3] == ("below",)
    assert signs(table, "Train accuracy") == [()] * 5


def test_no_star_where_the_leaders_overlap(content: Content):
    first, second, *_ = content.rows
    table = comparison((first, replace(first, title="twin"), second))
    assert "best" in signs(table, "lira/offline TPR at 1% FPR")[2]
    table = comparison((first, second, replace(second, title="twin")))
    assert not any("best" in found for found in signs(table, "lira/offline TPR at 1% FPR"))


def test_every_measured_column_is_explained_with_direction_and_chance(content: Content):
    columns = {column.title: column.explanation for column in comparison(content.rows).columns[1:]}
    for attack in ATTACKS.values():
        assert "Lower is more private" in columns[attack.title]
        assert f"{100 * attack.chance:.0f}%" in columns[attack.title]
    assert "Higher is better" in columns["Test accuracy"]


def test_columns_say_what_they_rest_on(content: Content):
    assert by_verdict(content.rows).columns[1].note == "n = 310, 3 runs"
    few, more = content.rows[0], content.rows[1]
    mixed = comparison(
        (few, replace(more, test_accuracy=replace(more.test_accuracy, n=99, runs=1)))
    )
    assert mixed.columns[1].note == "n = 99 to 1,200, 1 to 3 runs"


def test_a_missing_attack_is_refused(content: Content):
    row = content.rows[0]
    attacks = {key: value for key, value in row.attacks.items() if key != "lira_auc"}
    with pytest.raises(ValueError, match="Estimate of NaN, with the reason"):
        comparison((replace(row, attacks=attacks),))
