"""The settings are plain, and their defaults are the published ones."""

import json
from dataclasses import asdict

import pytest

from pryproof.generation.settings import CycleGanSettings, TacGanSettings


@pytest.mark.parametrize("kind", [TacGanSettings, CycleGanSettings])
def test_they_survive_json(kind):
    assert kind(**json.loads(json.dumps(asdict(kind())))) == kind()


def test_the_published_tac_gan():
    settings = TacGanSettings()
    assert (settings.batch, settings.discriminator_steps, settings.steps) == (100, 2, 125_000)
    assert (settings.learning_rate, settings.beta1, settings.beta2) == (2e-4, 0.0, 0.999)
    assert (settings.ema, settings.ema_start, settings.classifier_weight) == (0.9999, 10_000, 1.0)


def test_the_published_cycle_gan():
    settings = CycleGanSettings()
    assert (settings.cycle_weight, settings.identity_weight, settings.pool) == (10.0, 0.0, 50)
    assert (settings.learning_rate, settings.beta1, settings.beta2) == (2e-4, 0.5, 0.999)
    assert settings.source_negatives == 0.0
