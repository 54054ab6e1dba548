"""The data card: it counts what is there, and never calls real images anonymous."""

import numpy as np
import pytest

from pryproof.defenses.controls import copies_added, extra_added, noise_added
from pryproof.defenses.fakes import FAKE, REAL, TrainingSet, of_images
from pryproof.pipeline.data_card import CONTAINS, READING, About, data_card
from pryproof.pipeline.export import FORMS

PIXELS = np.arange(4 * 4 * 4 * 1, dtype=np.uint8).reshape(4, 4, 4, 1)
LABELS = np.array([0, 1, 0, 1])
ABOUT = About(name="toy", classes=("a", "b"), ids=("1", "2", "3", "4"))


def reals() -> TrainingSet:
    return of_images(PIXELS, LABELS, source=REAL)


SETS = {
    "real": (reals(), {"real": 4}),
    "made": (of_images(PIXELS, LABELS, source=FAKE, seed=3), {"made": 4}),
    "moved": (copies_added(reals(), count=3, seed=1, padding=1), {"real": 4, "moved": 3}),
    "extra": (extra_added(reals(), PIXELS[:2], LABELS[:2]), {"real": 4, "extra": 2}),
    "noise": (noise_added(reals(), count=5, seed=8), {"real": 4}),
}


@pytest.mark.parametrize("name", SETS)
def test_it_says_how_many_images_are_of_whom(name: str):
    made, counts = SETS[name]
    card = data_card(made, ABOUT, what="all", form="npz")
    lines = {key: text.format(count=counts.get(key)) for key, text in CONTAINS.items()}
    for key, line in lines.items():
        assert (line in card) == (key in counts)
        assert (line.partition(" ")[2] in card) == (key in counts)
    assert "**This data is not anonymised.**" in card
    assert f"{len(made)} images of 4 x 4 x 1, 2 classes" in card


def test_seeds_are_named_or_there_are_none():
    assert "(column `seed`): none" in data_card(reals(), ABOUT, what="reals", form="npz")
    noisy = noise_added(reals(), count=5, seed=8)
    assert "(column `seed`): 8." in data_card(noisy, ABOUT, what="all", form="npz")


def test_every_form_says_how_it_is_read():
    assert READING.keys() == FORMS.keys()
