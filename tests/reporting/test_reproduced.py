from pryproof.reporting.reproduced import file_name, summary
from reporting.panel_examples import CONTENT


def test_a_summary_counts_every_verdict_once():
    claims = CONTENT.figures[0].claims
    assert summary(claims) == (
        "3 claims were checked: 1 held, 1 did not hold, 1 could not be told at this size."
    )
    assert summary(claims[:1]).startswith("1 claim was checked: 1 held, 0 did not hold, 0 could")


def test_panels_of_a_figure_have_files_of_their_own():
    assert [file_name("fig6", place, "svg") for place in (0, 9)] == ["fig6-1.svg", "fig6-10.svg"]
