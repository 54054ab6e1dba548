import re

from pryproof.reporting.cells import exact
from pryproof.reporting.content import Content
from pryproof.reporting.tables import estimates, markdown, tables


def test_the_walk_meets_every_estimate(content: Content):
    assert len(list(estimates(content))) == 5 * (2 + 6 + 3) + 3 * 2 + 3 + 2 * 2 + 10


def test_every_row_of_a_table_fits_its_columns(content: Content):
    for table in tables(content).values():
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_markdown_has_every_table_and_every_number(content: Content):
    text = markdown(content)
    for table in tables(content).values():
        assert f"## {table.title}\n" in text
    lines = text.splitlines()
    for _, _, estimate in estimates(content):
        row = [exact(estimate.value), exact(estimate.low), exact(estimate.high)]
        tail = [
            f"{estimate.n:,}",
            str(estimate.runs),
            f"{100 * estimate.confidence:.6g}%",
            estimate.method,
        ]
        assert any(f"| {' | '.join(row + tail)} |" in line for line in lines)


def test_markdown_tables_are_rectangular(content: Content):
    blocks = re.findall(r"(?:^\|.*\n)+", markdown(content), flags=re.MULTILINE)
    assert len(blocks) == len(tables(content))
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1


def test_markdown_keeps_words_warnings_and_limits(content: Content):
    text = markdown(content)
    assert content.title in text
    assert text.index("Warning: This is the demo") < text.index("## Images by verdict")
    assert "Self-test: passed." in text
    assert all(limit.split(":")[0] in text for limit in content.limits)
    assert "not estimable fewer than 100 non-members at 1% FPR" in text


def test_markdown_is_free_of_live_markup(content: Content, hostile: tuple[str, ...]):
    text = markdown(content)
    assert not re.search(r"(?<!\\)<", text)
    assert not any(payload in text for payload in hostile)
    assert "\u202e" not in text
    text.encode()
