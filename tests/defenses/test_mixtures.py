"""The protected set and its variants: what stays, what is replaced, what is added."""

import numpy as np
import pytest

from defenses.test_fakes import images
from pryproof.defenses.fakes import (
    AS_IS,
    FAKE,
    REAL,
    RISKIER,
    SAFER,
    SHARPENED,
    SMOOTHED,
    TrainingSet,
    real_and_fake,
)
from pryproof.defenses.mixtures import MIXTURES, Moved, fakes_alone, replacement

CHANGED = {"replacement": 3, "transformed_reals": 1, "transformed_fakes": 2, "additive": 3}


def plain() -> TrainingSet:
    return real_and_fake(
        images(1, 2), np.array([0, 1]), images(3, 4, 5), np.array([1, 0, 1]), seed=9
    )


def moved(**changes) -> Moved:
    """Return moves of the first real and the last fake as they are, ten grey levels up of all."""
    values = {
        "safe_reals": np.array([True, False]),
        "safer_reals": images(11, 12),
        "risky_fakes": np.array([False, False, True]),
        "riskier_fakes": images(13, 14, 15),
    }
    return Moved(**values | changes)


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("replacement", [1, 12, 13, 14, 5]),
        ("transformed_reals", [1, 12, 3, 4, 5]),
        ("transformed_fakes", [1, 2, 13, 14, 5]),
        ("additive", [1, 2, 3, 4, 5, 12, 13, 14]),
    ],
)
def test_each_mixture_holds_these_images(name, pixels):
    made = MIXTURES[name](plain(), moved())
    assert made.images[:, 0, 0, 0].tolist() == pixels
    assert made.images.dtype == np.uint8


@pytest.mark.parametrize("name", MIXTURES)
def test_labels_and_provenance_follow_the_source_sample(name):
    before, made = plain(), MIXTURES[name](plain(), moved())
    origin = {
        (source, index): (label, seed)
        for source, index, label, seed in zip(
            before.source.tolist(),
            before.index.tolist(),
            before.labels.tolist(),
            before.seed.tolist(),
            strict=True,
        )
    }
    for row in range(len(made)):
        where = (int(made.source[row]), int(made.index[row]))
        assert origin[where] == (made.labels[row], made.seed[row])
        pixel = int(made.images[row, 0, 0, 0])
        expected = AS_IS if pixel < 10 else (SAFER if where[0] == REAL else RISKIER)
        assert made.made_by[row] == expected
    assert made.transformed.sum() == CHANGED[name]
    assert before.images[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5]


def test_replacement_has_as_many_rows_and_an_addition_all_that_there_were():
    whole = moved(safe_reals=np.zeros(2, bool), risky_fakes=np.zeros(3, bool))
    assert len(replacement(plain(), whole)) == 5
    assert len(MIXTURES["additive"](plain(), whole)) == 10
    nothing = moved(safe_reals=np.ones(2, bool), risky_fakes=np.ones(3, bool))
    for mix in MIXTURES.values():
        assert mix(plain(), nothing).images.tolist() == plain().images.tolist()


def test_fakes_alone_hold_no_real_image():
    made = fakes_alone(plain())
    assert made.source.tolist() == [FAKE] * 3
    assert made.images[:, 0, 0, 0].tolist() == [3, 4, 5]


def test_another_filter_is_named_as_what_made_them():
    made = replacement(plain(), moved(safer=SMOOTHED, riskier=SHARPENED))
    assert made.made_by.tolist() == [AS_IS, SMOOTHED, SHARPENED, SHARPENED, AS_IS]
    assert not made.transformed.any()
