"""What a reproduction says: nothing unmeasured as a number, nothing left out in silence."""

import csv
import io
import json

import pytest

from pryproof.recipes.claims import Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.outcome import Reproduced, require_paper
from pryproof.recipes.reproduction import Measured
from pryproof.recipes.sizes import size
from pryproof.records import Estimate
from reporting.panel_examples import PANELS

NAN = float("nan")
FALLS = Claim(name="falls", sentence="It falls.", quantity="change", side="below", printed=-0.5)
MORE = Claim(name="more", sentence="More, they say.", quantity="share", side="above", bar=0.5)
CHECKED = (
    check(FALLS, Estimate(value=-0.2, low=-0.3, high=-0.1, n=90, runs=2, method="t")),
    check(MORE, Estimate(value=NAN, low=NAN, high=NAN, n=9, method="one run has no spread")),
)
RECORD = {"step": "load", "fingerprint": {"torch": "2"}, "seconds": 3.0, "settings": {}}
IDLE = "relax_loss, 2 of 2 runs: RelaxLoss does not bind"
LOST = "1 of 4 training runs diverged and are left out: train/target/ce/0 (nan)."


@pytest.fixture(scope="module")
def found() -> Reproduced:
    """Return a figure of every kind of panel, and one that could not be made."""
    made = Measured(
        recipe=FIGURES["fig1a"],
        figure=Figure(panels=tuple(PANELS.values()), claims=CHECKED, notes=("A note.",)),
        seconds=2.0,
        tasks=4,
        left_out=(LOST,),
        warned=(IDLE,),
    )
    lacking = Measured(
        recipe=FIGURES["fig3a"],
        figure=Figure(panels=(), claims=()),
        seconds=1.0,
        tasks=1,
        missing="all 2 runs of ce diverged",
    )
    return Reproduced(
        size=size("tiny"), digest="abc", changes=(), figures=(made, lacking), records=(RECORD,)
    )


def test_the_table_shows_no_number_where_there_is_none(found):
    _, rows = found.table()
    assert rows == [
        ["fig1a", "It falls. (change)", "below 0", "-0.200 [-0.300, -0.100]", "-0.5", "holds"],
        [
            *("fig1a", "More, they say. (share)", "above 0.5"),
            *("not estimable (one run has no spread)", "", "cannot tell"),
        ],
    ]


def test_notes_name_what_is_missing_and_left_out(found):
    assert found.notes() == [
        "2 claims were checked: 1 held, 0 did not hold, 1 could not be told at this size.",
        "NOT MADE: fig3a: all 2 runs of ce diverged",
        f"fig1a: {LOST}",
        f"fig1a: {IDLE}",
        "3.0 s of one core for 1 task in all",
    ]


def test_the_page_says_so_in_its_first_line(found):
    page = found.content()
    assert page.subtitle.startswith("Not made: fig3a. ")
    assert page.figures[0].notes == (LOST, IDLE, "A note.")
    assert page.figures[1].notes == ("Not made: all 2 runs of ce diverged.",)
    assert len(page.figures[0].panels) == len(PANELS)


def test_what_was_not_measured_is_null_or_an_empty_field(found, tmp_path):
    files = found.write(tmp_path)
    first, second = json.loads(found.json())["claims"]
    assert (first["value"], first["printed"], second["value"]) == (-0.2, -0.5, None)
    rows = list(csv.DictReader(io.StringIO(files["claims.csv"].read_text())))
    assert [row["claim"] for row in rows] == ["falls", "more"]
    assert rows[1]["sentence"] == "More, they say."
    assert (rows[0]["value"], rows[0]["bar"], rows[0]["printed"]) == ("-0.2", "0.0", "-0.5")
    assert rows[1]["value"] == rows[1]["low"] == rows[1]["printed"] == ""
    assert rows[1]["verdict"] == "cannot tell"


def test_every_panel_has_its_numbers_beside_it(found, tmp_path):
    files = found.write(tmp_path)
    beside = {name for name in files if name.startswith("fig")}
    assert beside == {f"fig1a-{place + 1}.csv" for place in range(len(PANELS))}
    html = files["reproduce.html"].read_text()
    assert all(f'href="{name}"' in html for name in beside)
    assert "Agreement of runs on who is safe" in html  # the one not made stands there too


def test_every_panel_is_drawn_for_a_paper(found, tmp_path):
    pytest.importorskip("matplotlib")
    require_paper()
    files = found.write(tmp_path, paper_figures=True)
    drawn = {name for name in files if name.endswith((".svg", ".png"))}
    assert len(drawn) == 2 * len(PANELS)


def test_files_of_earlier_commands_are_named_as_such(found, tmp_path):
    mine = [f"fig1a-{place + 1}.csv" for place in range(len(PANELS))]
    more = f"fig1a-{len(PANELS) + 1}.csv"  # it had a panel more, under other settings
    earlier = ["fig1a-1.svg", more, "fig3a-1.csv"]
    for name in (*earlier, mine[0], "notes-1.csv", "fig3a-1.csv.bak"):
        (tmp_path / name).write_text("kept")
    files = found.write(tmp_path)
    said = dict(found.content(earlier=sorted(earlier)).facts)["Files of earlier commands"]
    assert said.startswith(", ".join(sorted(earlier)) + ": ")
    assert said in files["reproduce.html"].read_text()
    assert "notes-1" not in files["reproduce.md"].read_text()
    assert (tmp_path / "fig3a-1.csv").read_text() == "kept"
    assert files[mine[0]].read_text() != "kept"
    figures = json.loads(files["claims.json"].read_text())["figures"]
    assert {each["name"]: each["files"] for each in figures} == {"fig1a": mine, "fig3a": []}


def test_a_folder_of_ones_own_names_no_earlier_files(found, tmp_path):
    first = found.write(tmp_path)["reproduce.html"].read_bytes()
    assert found.write(tmp_path)["reproduce.html"].read_bytes() == first
    assert b"earlier commands" not in first
