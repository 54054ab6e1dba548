"""The card of a generator says all that must be known of it, and how to draw from it."""

import json
import re
from dataclasses import asdict, replace

import numpy as np

from pryproof.generation.fit_tac_gan import TacGan
from pryproof.generation.model_card import Learned, model_card
from pryproof.generation.sample import sample_tac_gan, uniform_labels
from pryproof.generation.settings import TacGanSettings
from pryproof.models.tac_gan import tac_generator
from pryproof.training.predict import weights_of

SETTINGS = TacGanSettings(network="small", channels=4, latent=6, steps=77)
LEARNED = Learned(
    name="toys",
    samples=431,
    classes=tuple(f"class {index}" for index in range(12)),
    shape=(8, 8, 1),
    digest="sha256:abc123",
)
FITTED = TacGan(
    weights={},
    history={"step": np.array([40.0, 77.0]), "d_loss": np.array([9.0, 2.125])},
    facts={"diversity_ratio": 0.8125, "diversity_real": float("nan")},
)


def card(fitted: TacGan = FITTED, **more) -> str:
    return model_card(fitted, LEARNED, settings=SETTINGS, seed=5, **more)


def test_it_says_what_it_learned_from():
    text = card()
    for words in ("431 images, 8 x 8 x 1, of 12 classes", "sha256:abc123", "77 steps with seed 5"):
        assert words in text
    assert "class 9 and 2 more" in text
    assert "class 10" not in text


def test_it_says_what_it_is_not():
    text = card()
    for words in ("Not anonymous", "Not differentially private", "learned from members alone"):
        assert words in text


def test_it_says_how_the_training_ended():
    text = card()
    assert "| d_loss | 2.125 |" in text
    assert "| diversity_ratio | 0.8125 |" in text
    assert "| diversity_real | not measured |" in text


def test_warnings_and_findings_are_told_and_so_is_their_absence():
    assert "No warnings. That is no proof" in card()
    assert "None was made. Treat the generator as if it leaked." in card()
    text = card(replace(FITTED, warnings=("collapse: all alike",)), audit=("a copy was found",))
    assert "- collapse: all alike" in text
    assert "- a copy was found" in text
    assert "None was made" not in text
    assert "No warnings" not in text


def test_the_settings_can_be_read_back():
    (found,) = re.findall(r"```json\n(.*?)```", card(), flags=re.DOTALL)
    assert TacGanSettings(**json.loads(found)) == SETTINGS
    assert json.loads(found) == asdict(SETTINGS)


def test_what_it_says_of_drawing_images_runs():
    (code,) = re.findall(r"```python\n(.*?)```", card(), flags=re.DOTALL)
    generator = tac_generator("small", shape=LEARNED.shape, classes=12, width=4, latent=6)
    weights = weights_of(generator)
    names = {"weights": weights}
    exec(code, names)  # noqa: S102 - the card's own words
    ours = sample_tac_gan(
        weights, uniform_labels(1000, 12), shape=(8, 8, 1), classes=12, settings=SETTINGS, seed=1
    )
    assert np.array_equal(names["images"], ours)
