from dataclasses import replace

from pryproof.records import Estimate
from pryproof.reporting.cells import Table
from pryproof.reporting.content import Content
from pryproof.reporting.evidence import findings, overlaps, self_test, stages, verdicts


def column(table: Table, title: str) -> list[str]:
    place = [head.title for head in table.columns].index(title)
    return [row[place].text for row in table.rows]


def test_verdicts_add_up(content: Content):
    table = verdicts(content)
    assert column(table, "Safe") == ["310", "402"]
    assert column(table, "All") == ["1,200", "1,200"]
    assert [cell.detail for cell in table.rows[0][1:4]] == ["25.8%", "46.7%", "27.5%"]


def test_no_images_are_no_division_by_zero(content: Content):
    none = replace(content, verdicts={"fake": {"safe": 0, "vague": 0, "risky": 0}})
    assert column(verdicts(none), "All") == ["0"]


def test_overlap_is_read_against_chance_and_difficulty(content: Content):
    assert column(overlaps(content), "Reading") == [
        "above chance, and above what difficulty explains",
        "above chance, but difficulty may explain it",
        "no agreement beyond chance is shown",
    ]
    first, *_, last = content.overlaps
    missing = Estimate(
        value=float("nan"), low=float("nan"), high=float("nan"), n=0, method="no runs"
    )
    odd = replace(
        content, overlaps=(replace(first, unseen=last.unseen), replace(first, ratio=missing))
    )
    assert column(overlaps(odd), "Reading") == [
        "above chance; difficulty was not measured",
        "not measured",
    ]


def test_findings_say_whether_they_are_as_hoped(content: Content):
    table = findings(content.findings)
    assert column(table, "As hoped") == ["yes", "no", "yes", "not judged"]
    assert column(table, "Found") == ["0.08134", "57.0%", "83.0%", "48% of 4,512"]


def test_a_self_test_line_off_chance_is_a_no(content: Content):
    line = content.self_test[0]
    off = replace(line, estimate=Estimate(value=0.6, low=0.55, high=0.65, n=100))
    none = replace(line, estimate=Estimate(value=float("nan"), low=0.0, high=1.0, n=0, method="no"))
    table = self_test(replace(content, self_test=(line, off, none)))
    assert column(table, "Holds chance") == ["yes", "no", "not judged"]


def test_stages_end_with_their_sum(content: Content):
    assert [cell.text for cell in stages(content).rows[-1]] == [
        "All stages",
        "110",
        "20",
        "1 h 18 min",
        "",
    ]
