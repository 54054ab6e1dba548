"""Figures 10 and 11: the same classes above each other, and nobody picks the images."""

from pathlib import Path

import numpy as np
import pytest

from pryproof.recipes.grids import COLUMNS, GRIDS, ROWS, shown
from pryproof.reporting.panels import Images
from recipes.nano import Whole


def test_a_class_in_every_column_and_its_first_images():
    labels = np.tile(np.arange(30), 5)
    places = shown(labels, 30).reshape(ROWS, COLUMNS)
    assert (labels[places] == labels[places[0]]).all()
    assert labels[places[0]].tolist() == sorted({0, 3, 6, 10, 13, 16, 19, 23, 26, 29})
    assert (np.diff(places, axis=0) == 30).all()


def test_few_classes_and_few_images():
    assert shown(np.array([1, 0]), 2).tolist() == [1, 0] * ROWS
    assert shown(np.array([0, 2, 0]), 3).tolist() == [0, 1, 2, 1, 0, 1, 2, 1]


@pytest.mark.parametrize("name", GRIDS)
def test_real_and_generated_images_stand_side_by_side(whole: Whole, name: str):
    figure = whole.measured[name].figure
    real, fake = figure.panels
    assert isinstance(real, Images)
    assert isinstance(fake, Images)
    assert real.captions == fake.captions
    assert real.images.shape == fake.images.shape
    opened = whole.opened[name]["base"]
    pixels = opened.data.images[opened.data.parts["members"]]
    assert all((image == pixels).all(axis=(1, 2, 3)).any() for image in real.images)
    made = opened.results["generate/target"].arrays["fakes"]
    assert all((image == made).all(axis=(1, 2, 3)).any() for image in fake.images)
    source = Path(whole.size.base.data.source)
    assert f"these images are from {source.name}. " in figure.notes[0]


def test_no_note_tells_in_which_folder_the_images_lie(whole: Whole):
    folder = str(Path(whole.size.base.data.source).parent)
    notes = [note for each in whole.measured.values() for note in each.figure.notes]
    assert len(folder) > 1
    assert not any(folder in note for note in notes)
