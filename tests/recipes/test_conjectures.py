"""Conjectures: a planted trend is found, its opposite turned down; slopes are least squares."""

import numpy as np
import pytest

from pryproof.recipes.claims import FAILS, HOLDS
from pryproof.recipes.conjectures import CONJECTURES, DISTINCT, slopes
from pryproof.recipes.figure1 import STATIC, STATIC_8X
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import size
from recipes.planted import Row, around, study

TINY = size("tiny")


def first(members: list[float], copies: float) -> dict[str, str]:
    rows: dict[str, dict[str, Row]] = {}
    losses = dict(zip((arm.title for arm in DISTINCT.values()), members, strict=True))
    for arm in DISTINCT.values():
        table = around(arm.title, members=losses[arm.title], others=1.0, runs=8)
        rows.setdefault(arm.study, {})[arm.row] = Row(losses=table)
    rows[STATIC_8X.study] = {
        STATIC_8X.row: Row(losses=around("copies", members=copies, others=1.0, runs=8))
    }
    opened = {name: study(own) for name, own in rows.items()}
    figure = CONJECTURES["conjecture1"].read(opened, TINY)
    return {each.claim.name: each.verdict for each in figure.claims}


def test_more_distinct_images_that_leave_members_alone_hold():
    assert set(first([0.2, 0.5, 0.7, 1.0], copies=0.2).values()) == {HOLDS}


def test_more_images_that_are_learned_by_heart_do_not():
    assert set(first([1.0, 0.7, 0.5, 0.2], copies=1.0).values()) == {FAILS}


def test_weights_give_the_slope_of_least_squares():
    values = np.array([0.9, 0.7, 0.6, 0.2])
    expected = np.polyfit(np.log2(list(DISTINCT)), values, 1)[0]
    assert np.dot(list(slopes().values()), values) == pytest.approx(expected)


def second(originals: float, copies: float, again: float) -> dict[str, str]:
    opened: dict[str, Opened] = {}
    for arm, share, trained in ((STATIC, originals, copies), (STATIC_8X, again, 0.97)):
        losses = around(arm.study, members=2.0, others=2.0, runs=8, spread=0.05)
        losses[:, : round(share * 120)] = 0.1
        losses[:, -120 : -120 + 48] = 0.1  # .4 of the images nobody trained on
        row = Row(losses=losses, trained_accuracy=trained)
        opened[arm.study] = study({arm.row: row})
    figure = CONJECTURES["conjecture2"].read(opened, TINY)
    return {each.claim.name: each.verdict for each in figure.claims}


def test_originals_that_look_new_hold_and_known_ones_do_not():
    assert set(second(0.5, 0.93, 0.9).values()) == {HOLDS}
    assert set(second(0.97, 0.6, 0.3).values()) == {FAILS}


def test_nothing_is_trained_that_figure_1_does_not_train():
    from_figure_1 = {arm.study for arm in (*DISTINCT.values(), STATIC, STATIC_8X)}
    for recipe in CONJECTURES.values():
        needs = recipe.needs(TINY)
        assert set(needs) <= from_figure_1
        assert all(not need.tasks for need in needs.values())
