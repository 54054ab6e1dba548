"""Tables 1 and 2: the printed order holds where it is planted, and not where it is turned."""

import numpy as np
import pytest

from pryproof.recipes.claims import FAILS, HOLDS, UNKNOWN
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import size
from pryproof.recipes.table2 import ORDERS, SETTINGS, TABLES, over_runs
from pryproof.reporting.panels import Table
from recipes.nano import Whole
from recipes.planted import Row, around, study

TINY = size("tiny")
# accuracy and loss on what was trained on, share of originals right, their loss (nats)
PAPERS = {
    "none": (1.0, 0.05, 0.995, 0.06),
    "dynamic": (0.7222, 0.92, 0.7743, 0.76),
    "1x": (0.9285, 0.27, 0.5789, 1.86),
    "8x": (0.9474, 0.22, 0.9776, 0.14),
}


def planted(numbers: dict[str, tuple[float, ...]], *, runs: int = 4) -> dict[str, Opened]:
    rows: dict[str, dict[str, Row]] = {}
    for word, (accuracy, loss, right, real_loss) in numbers.items():
        arm = SETTINGS[word].arm
        losses = around(word, members=0.0, others=2.0, runs=runs)
        low = 0.5 * min(real_loss, 0.7)
        high = (real_loss - right * low) / (1 - right)  # losses of the wrong
        members = losses[:, :120]
        members[:] = np.where(np.arange(120) < round(120 * right), low, max(high, 0.8))
        members += 1e-3 * np.arange(runs)[:, None]
        rows.setdefault(arm.study, {})[arm.row] = Row(
            losses=losses, trained_accuracy=accuracy, trained_loss=loss
        )
    return {name: study(own) for name, own in rows.items()}


def read(numbers: dict[str, tuple[float, ...]], *, runs: int = 4) -> Figure:
    return TABLES["table2"].read(planted(numbers, runs=runs), TINY)


def test_the_papers_numbers_give_the_papers_order():
    claims = {each.claim.name: each for each in read(PAPERS).claims}
    assert len(claims) == sum(len(order) - 1 for order in ORDERS.values()) + 1
    held = [name for name, each in claims.items() if each.verdict == HOLDS]
    assert set(claims) - set(held) <= {
        "real-accuracy-none-above-8x",  # 2 points apart: few members, no power
        "real-loss-8x-above-none",
    }
    assert all(each.verdict in (HOLDS, UNKNOWN) for each in claims.values())
    change = claims["train-accuracy-8x-above-1x"]
    assert change.estimate.value == pytest.approx(change.claim.printed, abs=1e-9)


def test_one_and_eight_copies_swapped_do_not_hold():
    swapped = PAPERS | {"1x": PAPERS["8x"], "8x": PAPERS["1x"]}
    verdicts = {each.claim.name: each.verdict for each in read(swapped).claims}
    assert verdicts["real-accuracy-8x-above-dynamic"] == FAILS
    assert verdicts["real-loss-1x-above-dynamic"] == FAILS
    assert verdicts["train-accuracy-8x-above-1x"] == FAILS
    assert verdicts["originals-unlike-copies"] != HOLDS


def test_printed_differences_are_those_of_the_table():
    printed = {each.claim.name: each.claim.printed for each in read(PAPERS).claims}
    assert printed["real-accuracy-none-above-8x"] == pytest.approx(0.0174)
    assert printed["real-loss-1x-above-dynamic"] == pytest.approx(1.10)
    assert printed["train-loss-dynamic-above-1x"] == pytest.approx(0.65)
    assert printed["originals-unlike-copies"] == pytest.approx(-0.3496)


def test_one_run_says_nothing_of_what_was_trained_on():
    verdicts = {each.claim.name: each.verdict for each in read(PAPERS, runs=1).claims}
    assert verdicts["train-accuracy-8x-above-1x"] == UNKNOWN
    assert verdicts["originals-unlike-copies"] == UNKNOWN


def test_a_mean_over_runs_has_their_spread():
    values = np.array([1.0, 2.0, 4.0])
    found = over_runs(values, n=50)
    half = 4.302653 * values.std(ddof=1) / np.sqrt(3)
    assert found.value == pytest.approx(7 / 3)
    assert (found.low, found.high) == pytest.approx((7 / 3 - half, 7 / 3 + half), rel=1e-5)
    assert (found.n, found.runs) == (50, 3)


def test_the_table_shows_ours_beside_the_papers():
    table = read(PAPERS).panels[0]
    assert isinstance(table, Table)
    assert [words for words, _ in table.rows] == [each.word for each in SETTINGS.values()]
    for _, cells in table.rows:
        assert len(cells) == len(table.columns) == 8
    assert table.rows[0][1][1] == "n/a"
    assert table.rows[2][1][5] == "0.5789"


def test_what_was_trained_on_without_augmentation_are_the_originals(whole: Whole):
    """In training mode and on the way, so near and not the same."""
    opened = whole.opened["table2"]["base"]
    inside, outside = opened.trained("ce", "loss"), opened.losses("ce", "members").mean(axis=1)
    assert inside.shape == outside.shape
    assert np.isfinite(inside).all()


def test_table_1_says_what_is_augmented(whole: Whole):
    table = whole.measured["table1"].figure.panels[0]
    assert isinstance(table, Table)
    cells = dict(table.rows)
    assert cells["images (pixels)"][0] == "16 x 16"
    assert cells["random crop, padding (pixels)"][0] == "1"
    assert cells["static copies of each"][0] == "1, 8"
