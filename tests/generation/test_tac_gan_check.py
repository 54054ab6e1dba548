"""What is said of a training that went wrong: each thing alone, and nothing where all is well."""

import math
import re

import numpy as np
import pytest

from pryproof.generation.tac_gan_check import RECORDED, warnings_of

CLASSES, LN10 = 10, math.log(10)
WELL = {"d_loss": 2.4, "g_loss": 0.3, "ac_real": 0.4, "ac_fake": 0.4, "twin": 0.5, "accuracy": 0.6}
VARIED = {"diversity_ratio": 0.8, "diversity_ratio_least": 0.6}


def said(facts: dict[str, float] | None = None, *, records: int = 20, **ends) -> tuple[str, ...]:
    """Ask of a training that was well until its last four records, where ``ends`` is told."""
    history = {name: np.full(records, WELL[name]) for name in RECORDED}
    for name, value in ends.items():
        history[name][-4:] = value
    return warnings_of(history, VARIED | (facts or {}), classes=CLASSES, weight=1.0)


def test_nothing_is_said_where_all_is_well():
    assert said() == ()
    assert said(records=1) == ()


@pytest.mark.parametrize(
    ("facts", "ends", "words"),
    [
        ({"diversity_ratio": 0.49}, {}, "collapse: fakes of one class vary 0.49 times"),
        ({"diversity_ratio_least": 0.09}, {}, "collapse: a class has one image"),
        ({"diversity_ratio": 2.1}, {}, "divergence: fakes of one class vary 2.10 times"),
        ({}, {"d_loss": 1.6 * (2 + 2 * LN10)}, "divergence: the discriminator's loss is 10.6"),
        ({}, {"g_loss": -51.0}, "divergence: the generator's loss is -51"),
        ({}, {"g_loss": 51.0}, "divergence: the generator's loss is 51"),
        ({}, {"d_loss": 0.92, "accuracy": 0.995}, r"saturation: .* 99.5% .* hinge loss of 0.020"),
        ({}, {"ac_real": 0.96 * LN10, "d_loss": 4.7}, "classes: .*of real images no better"),
        ({}, {"ac_fake": 0.96 * LN10}, "classes: fakes are not of the class asked for"),
    ],
)
def test_each_thing_that_goes_wrong_is_said_alone(facts, ends, words):
    (warning,) = said(facts, **ends)
    assert re.match(words, warning)


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ({"diversity_ratio": 0.51}, {}),
        ({"diversity_ratio": 1.9}, {}),
        ({}, {"accuracy": 1.0}),  # the hinge still teaches
        ({}, {"d_loss": 0.92}),  # fooled now and then
        ({"diversity_ratio": math.nan, "diversity_ratio_least": math.nan}, {}),
    ],
)
def test_what_is_near_is_not_said(facts, ends):
    assert said(facts, **ends) == ()


def test_one_bad_record_among_the_last_is_noise():
    history = {name: np.full(25, value) for name, value in WELL.items()}
    history["ac_fake"][-1] = LN10
    assert warnings_of(history, VARIED, classes=CLASSES, weight=1.0) == ()


def test_one_class_has_no_chance_level():
    history = {name: np.full(5, WELL[name]) for name in RECORDED}
    history |= {name: np.zeros(5) for name in ("ac_real", "ac_fake", "twin")}
    assert warnings_of(history, VARIED, classes=1, weight=1.0) == ()
