import json
from dataclasses import replace
from itertools import pairwise

import pytest

from pryproof.reporting.reproduce_page import (
    NO_CLAIM,
    NO_PANEL,
    beside,
    claims_table,
    panel_table,
    render_reproduced,
    reproduced_estimates,
    reproduced_markdown,
)
from pryproof.reporting.reproduced import ReproduceContent
from reporting.conftest import IMAGE, SCRIPT
from reporting.panel_examples import CONTENT, PANELS, TABLE
from reporting.test_page import LOADING, Page, named, policy

EMPTY = ReproduceContent(title="Empty", subtitle="", facts=(), figures=(), limits=(), provenance=())


@pytest.fixture(scope="module")
def html() -> str:
    return render_reproduced(CONTENT)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def markdown() -> str:
    return reproduced_markdown(CONTENT)


def test_the_page_is_well_formed(page: Page):
    assert page.mistakes == []
    assert page.open == []
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3")]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_link_of_the_page_leads_somewhere(page: Page):
    ids = {found["id"] for _, found in page.elements if "id" in found}
    files = {name for name, _ in beside(CONTENT)}
    for link in page.all("a"):
        assert link["href"][1:] in ids if link["href"].startswith("#") else link["href"] in files
    anchors = [link["href"] for link in page.all("a") if link["href"].startswith("#figure-")]
    assert anchors == ["#figure-1", "#figure-2"]


def test_the_page_loads_nothing_and_no_name_becomes_an_element(page: Page):
    for tag, found in page.elements:
        assert not any(key.startswith("on") for key in found)
        for attribute in LOADING:
            if attribute in found and tag != "a":
                assert found[attribute].startswith("data:")
    scripts = [text for tag, found, text in page.raw if tag == "script" and "type" not in found]
    assert len(scripts) == 2
    assert "img" in {tag for tag, _ in page.elements}
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert SCRIPT in page.text
    assert IMAGE in page.text


def test_the_policy_names_exactly_the_scripts_and_styles_of_the_page(page: Page):
    allowed = policy(page)
    scripts = [text for tag, found, text in page.raw if tag == "script" and "type" not in found]
    assert allowed["script-src"] == [named(text) for text in scripts]
    styles = {named(text) for tag, _, text in page.raw if tag == "style"}
    assert styles == set(allowed["style-src-elem"])
    assert allowed["default-src"] == ["'none'"]


def test_every_plotted_panel_carries_its_numbers_as_json(page: Page):
    plots = {found["id"]: text for tag, found, text in page.raw if "type" in found}
    assert [found["data-plot"] for found in page.all("div") if "data-plot" in found] == list(plots)
    assert len(plots) == len(PANELS) - 2  # the table and the images are no plots
    for text in plots.values():
        assert {"data", "layout"} <= set(json.loads(text))


def test_verdicts_are_told_by_sign_and_word(page: Page):
    for words in ("✓ holds", "✗ does not hold", "– cannot tell"):  # noqa: RUF001 - a sign
        assert page.text.count(words) == 2  # in the table of all claims and in that of the figure


def test_a_claim_stands_beside_the_papers_number_its_interval_n_and_runs():
    table = claims_table(CONTENT.figures)
    texts = [[cell.text for cell in row] for row in table.rows]
    assert texts[0][1:] == [
        "fig1a",
        f"change of R {IMAGE}: below 0",
        "-0.7",
        "-0.31",
        "1,500",
        "10",
        "holds",
    ]
    assert table.rows[0][4].detail == "[-0.35, -0.27]"
    assert texts[1][3:] == ["–", "0.21", "1,234", "7", "does not hold"]  # noqa: RUF001 - a sign
    assert texts[2][4] == "not estimable"
    assert [len(row) for row in table.rows] == [len(table.columns)] * 3


def test_claims_come_first_and_the_rest_in_order(page: Page):
    sections = [found["id"] for found in page.all("section")]
    assert sections == ["claims", "figure-1", "figure-2", "limits", "numbers", "provenance"]


def test_the_page_says_cost_source_notes_limits_and_what_is_missing(page: Page):
    for words in (
        "Source: Figure 1a, b. Cost: 13 min 32 s of one core for 43 tasks",
        "Cost: 3.0 s of one core for 1 task,",
        f"Another network {IMAGE}",
        f"Ten runs {SCRIPT}",
        NO_CLAIM,
        NO_PANEL,
        "It shows images",
    ):
        assert words in page.text


def test_every_estimate_of_panels_and_claims_is_listed():
    found = list(reproduced_estimates(CONTENT))
    assert len(found) == 3 + 6 + 8 + 2
    assert found[0][:2] == ("fig1a, claim", f"change of R {IMAGE}")


def test_every_panel_has_a_file_beside_the_page():
    files = dict(beside(CONTENT))
    assert list(files) == [f"fig1a-{place}.csv" for place in range(1, len(PANELS) + 1)]
    assert files["fig1a-8.csv"].startswith("image,caption\n")


def test_a_column_with_words_is_none_of_numbers():
    table = panel_table(TABLE)
    assert [column.number for column in table.columns] == [False, True, False]
    assert [column.number for column in panel_table(replace(TABLE, rows=())).columns][1:] == [
        True,
        True,
    ]


def test_markdown_has_the_same_tables(markdown: str):
    lines = markdown.splitlines()
    assert lines[0].startswith("# Figures")
    heads = [line for line in lines if line.startswith("#")]
    assert heads[1:4] == [
        "## Facts",
        "## Does what the paper says hold here?",
        r"## fig1a: Two histograms \<script\>alert(1)\</script\>",
    ]
    assert heads[4] == "### Claims of fig1a"
    assert heads[-3:] == [
        "## Every measured number",
        "## What this is too small to show",
        "## Provenance",
    ]
    rows = [line for line in lines if line.startswith("| R falls")]
    assert len(rows) == 6
    assert rows[0].endswith("| -0.7 | -0.31 \\[-0.35, -0.27\\] | 1,500 | 10 | holds ✓ |")


def test_no_name_is_markup_in_markdown(markdown: str):
    bare = markdown.replace("\\<", "").replace("\\>", "")
    assert "<" not in bare
    assert ">" not in bare
    widths = [
        line.replace("\\|", "").count("|") for line in markdown.splitlines() if line[:1] == "|"
    ]
    assert min(widths) >= 4
    assert "fig1a-1.csv" in markdown
    assert NO_PANEL in markdown
    assert NO_CLAIM in markdown


def test_nothing_measured_is_said():
    page = Page(render_reproduced(EMPTY))
    assert page.mistakes == page.open == []
    assert "No claim was checked." in page.text
    assert "No figure was measured." in page.text
    assert [found["id"] for found in page.all("section") if "id" in found] == ["claims", "numbers"]
    assert "It shows images" not in page.text
    assert reproduced_markdown(EMPTY) == "# Empty\n\n**No claim was checked.**\n"


def test_the_same_content_is_the_same_page(html: str):
    assert render_reproduced(CONTENT) == html
