"""A TAC-GAN's training that is stopped anywhere goes on to the same bytes."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from pryproof.generation.fit_tac_gan import TacGan, fit_tac_gan
from pryproof.generation.settings import TacGanSettings
from pryproof.training.keeper import State
from training.stopping import StoppedError, StopsAfter, assert_same, toy

SETTINGS = TacGanSettings(
    network="small",
    channels=4,
    latent=4,
    steps=13,
    discriminator_steps=2,
    batch=8,
    learning_rate=2e-3,
    ema=0.9,
    ema_start=6,
    standing_batches=2,
    records=4,  # after steps 3, 6, 10 and 13
)


def fit(keep: StopsAfter | None = None, settings: TacGanSettings = SETTINGS) -> TacGan:
    images, labels = toy()
    return fit_tac_gan(images, labels, classes=2, settings=settings, seed=5, keep=keep)


@cache
def unstopped(settings: TacGanSettings) -> TacGan:
    return fit(settings=settings)


def assert_goes_on(settings: TacGanSettings, stop: int) -> None:
    whole, keep = unstopped(settings), StopsAfter(stop)
    with pytest.raises(StoppedError):
        fit(keep, settings)
    again = fit(keep, settings)
    assert keep.loads == 2
    assert_same(whole.weights, again.weights)
    assert_same(whole.history, again.history)
    assert whole.facts == again.facts
    assert whole.warnings == again.warnings


@pytest.mark.parametrize("stop", range(1, SETTINGS.steps + 1))
def test_a_stopped_run_goes_on_to_the_same_bytes(stop):
    assert_goes_on(SETTINGS, stop)


@pytest.mark.parametrize("change", [{"network": "published"}, {"precision": "bfloat16"}])
def test_so_does_one_of_other_networks_or_precision(change):
    assert_goes_on(replace(SETTINGS, **change), 7)


def test_a_run_stopped_twice_goes_on_too():
    whole, keep = unstopped(SETTINGS), StopsAfter(4)
    for after in (3, 0):
        with pytest.raises(StoppedError):
            fit(keep)
        keep.left = after
    again = fit(keep)
    assert_same(whole.weights, again.weights)
    assert_same(whole.history, again.history)


def test_nothing_is_kept_when_it_is_not_due():
    keep = StopsAfter(1000)
    fit(keep)
    assert keep.left == 1000 - SETTINGS.steps
    assert not keep.kept


def test_a_state_is_arrays_and_facts_that_json_can_hold():
    keep = StopsAfter(5)
    with pytest.raises(StoppedError):
        fit(keep)
    state = keep.kept[""]
    assert isinstance(state, State)
    assert all(isinstance(value, np.ndarray) for value in state.arrays.values())
    assert state.facts == {
        "done": 5,
        "rollbacks": 0,
        "steps": 13,
        "safe": {"done": 3, "rollbacks": 0, "steps": 13},
    }
