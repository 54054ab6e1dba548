import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pryproof.reporting.cells import exact, percent
from pryproof.reporting.content import Content
from pryproof.reporting.page import render
from pryproof.reporting.tables import estimates, tables

LOADING = ("src", "href", "srcset", "data", "action", "formaction", "poster", "background")
EMPTY = ("meta", "link", "img", "line", "rect", "br")


class Page(HTMLParser):
    """What a browser would make of the page: elements, words, scripts and styles as they are."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.raw: list[tuple[str, dict[str, str], str]] = []
        self.words: list[str] = []
        self.mistakes: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in EMPTY:
            self.open.append(tag)
        if tag in ("script", "style"):
            self.raw.append((tag, found, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.mistakes.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            tag, found, before = self.raw[-1]
            self.raw[-1] = (tag, found, before + data)
        else:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [found for name, found in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def policy(page: Page) -> dict[str, list[str]]:
    (found,) = [meta for meta in page.all("meta") if meta.get("http-equiv")]
    parts = [part.split() for part in found["content"].split(";")]
    return {name: allowed for name, *allowed in parts}


def named(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_is_well_formed(page: Page):
    assert page.mistakes == []
    assert page.open == []
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))


def test_no_payload_becomes_an_element(page: Page):
    assert {tag for tag, _ in page.elements} <= {
        *(
            "html",
            "head",
            "meta",
            "link",
            "title",
            "style",
            "template",
            "body",
            "a",
            "header",
            "div",
        ),
        *(
            "p",
            "span",
            "h1",
            "h2",
            "h3",
            "aside",
            "ul",
            "ol",
            "li",
            "strong",
            "dl",
            "dt",
            "dd",
            "nav",
        ),
        *("main", "section", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td"),
        *("svg", "line", "rect", "img", "noscript", "script", "details", "summary", "footer"),
    }
    for _, found in page.elements:
        assert not [name for name in found if name.startswith("on")]
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    scripts = [found for tag, found, _ in page.raw if tag == "script"]
    assert [found for found in scripts if found.get("type") != "application/json"] == [{}, {}]


def test_payloads_are_shown_as_text(page: Page):
    assert "<script>alert(1)</script>" in page.text
    assert '"><img src=x onerror=alert(2)>' in page.text
    assert "{{ 7 * 191 }}{% raw %}" in page.text
    assert "1337" not in page.text
    assert any("<script>alert(1)</script>" in image["alt"] for image in page.all("img"))


def test_hidden_characters_are_shown_escaped(html: str, page: Page):
    assert "cat\\u202egpj.exe\\x1b[31m\\udc80" in page.text
    library, rest = html.split("<body>", 1)
    assert "\u202e" not in rest.split("<script>", 1)[0]
    html.encode()
    assert library


def test_nothing_is_requested(page: Page):
    for tag, found in page.elements:
        for name in LOADING:
            assert re.match(r"(#|data:|$)", found.get(name, "")), (tag, found[name])
    styles = "".join(text for tag, _, text in page.raw if tag == "style")
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_policy_shuts_everything_but_what_is_in_the_file(page: Page):
    rules = policy(page)
    assert rules["default-src"] == ["'none'"]
    assert rules["img-src"] == ["data:"]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]
    scripts = [text for tag, found, text in page.raw if tag == "script" and not found]
    styles = [text for tag, _, text in page.raw if tag == "style"]
    assert rules["script-src"] == [named(text) for text in scripts]
    assert rules["style-src-elem"] == [named(text) for text in styles]
    assert "unsafe" not in " ".join(rules["script-src"] + rules["style-src-elem"])
    order = [tag for tag, _ in page.elements]
    assert order.index("style") > order.index("meta") + 1


def test_the_embedded_figures_are_json(page: Page):
    found = [
        text for _, attributes, text in page.raw if attributes.get("type") == "application/json"
    ]
    assert len(found) == 5
    assert all(set(json.loads(text)) >= {"data", "layout"} for text in found)


def test_every_number_of_every_estimate_is_there(page: Page, content: Content):
    shown = set(page.text.split())
    for _, _, estimate in estimates(content):
        for number in (estimate.value, estimate.low, estimate.high):
            assert exact(number) in page.text
        assert f"{estimate.n:,}" in shown
        assert estimate.method in page.text
    for row in content.rows:
        for estimate in (*row.attacks.values(), *row.by_verdict.values(), row.test_accuracy):
            assert percent(estimate.value) in page.text


def test_what_is_not_estimable_says_why(page: Page):
    assert page.text.count("not estimable fewer than 100 non-members at 1% FPR") >= 2
    assert "not estimable no such runs" in page.text
    assert "nan" not in page.text.lower().split()


def test_warnings_come_before_the_first_section(html: str, page: Page):
    assert html.index("This is the demo") < html.index("<section")
    assert next(tag for tag, _ in page.elements if tag in ("aside", "section")) == "aside"


def test_a_failed_self_test_is_said_first(content: Content):
    text = render(replace(content, self_test_passed=False, warnings=(), grids=(), curves=()))
    assert text.index("The self-test failed.") < text.index("<section")
    assert "Passed." not in Page(text).text


def test_no_warnings_no_box(content: Content):
    bare = replace(
        content, warnings=(), grids=(), curves=(), overlaps=(), findings=(), self_test=()
    )
    page = Page(render(bare))
    assert page.all("aside") == []
    assert "This report carries no images." in page.text
    assert "Nothing was measured here." in page.text


def test_tables_name_their_rows_and_columns(page: Page, content: Content):
    built = tables(content).values()
    scopes = [found["scope"] for found in page.all("th")]
    assert scopes.count("col") == sum(len(table.columns) for table in built)
    assert scopes.count("row") == sum(len(table.rows) for table in built)
    assert all(found["aria-labelledby"] for found in page.all("table"))


def test_every_image_and_plot_has_words(page: Page):
    assert len(page.all("img")) == 58
    assert all(image["alt"] for image in page.all("img"))
    drawn = [found for _, found in page.elements if found.get("role") == "img"]
    assert all(found["aria-label"] for found in drawn)
    assert "The plot needs JavaScript." in page.text


def test_headings_do_not_skip_a_level(page: Page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_links_lead_somewhere(page: Page):
    ids = {found["id"] for _, found in page.elements if "id" in found}
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= ids


def test_the_file_is_small_enough(html: str):
    assert len(html.encode()) < 8_000_000


def test_the_same_content_gives_the_same_bytes(content: Content, html: str):
    assert render(content) == html
