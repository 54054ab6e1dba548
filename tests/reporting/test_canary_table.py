"""The report's table of canaries: every kind in its row, and none without canaries."""

from dataclasses import replace

import pytest

from pryproof.records import Estimate
from pryproof.reporting.content import CanaryRow, Content
from pryproof.reporting.page import render
from pryproof.reporting.tables import estimates, markdown, tables

KINDS = ("clean", "mislabelled")


def found(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.05, high=value + 0.05, n=40, runs=16, method="made")


@pytest.fixture
def planted(content: Content) -> Content:
    rows = tuple(
        CanaryRow(
            title="CE on real",
            kind=kind,
            canaries=40,
            tpr={"0.01": found(0.2 + 0.5 * place), "0.05": found(0.4 + 0.5 * place)},
            auc=found(0.71 + 0.2 * place),
            by_canary={"50": found(0.3), "max": found(0.9)},
        )
        for place, kind in enumerate(KINDS)
    )
    return replace(content, canaries=rows)


def test_every_kind_has_a_row_under_its_columns(planted: Content):
    table = tables(planted)["canaries"]
    assert [column.title for column in table.columns] == [
        "Defense",
        "Kind",
        "Canaries",
        "TPR at 1.0% FPR",
        "TPR at 5.0% FPR",
        "AUC",
        "canary at 50%",
        "most found canary",
    ]
    texts = [[cell.text for cell in row] for row in table.rows]
    assert texts[0] == ["CE on real", "clean", "40", "20.0%", "40.0%", "0.71", "30.0%", "90.0%"]
    assert texts[1][1:4] == ["mislabelled", "40", "70.0%"]


def test_every_number_of_canaries_is_among_every_number(planted: Content, content: Content):
    more = list(estimates(planted))
    assert len(more) == len(list(estimates(content))) + 2 * (2 + 1 + 2)
    assert ("CE on real", "Canaries, clean: TPR at 1.0% FPR", found(0.2)) in more


def test_the_page_and_its_markdown_show_them_only_where_there_are_some(
    planted: Content, content: Content
):
    assert "canaries" not in tables(content)
    for shown, word in ((markdown, "Canaries: what averages hide"), (render, "canaries-table")):
        assert word in shown(planted)
        assert word not in shown(content)
