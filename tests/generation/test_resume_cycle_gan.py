"""A stopped CycleGAN goes on with the same bytes; one that diverges goes back once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from generation.toy_pictures import domain
from pryproof.checks import TrainingError
from pryproof.generation import fit_cycle_gan as module
from pryproof.generation.fit_cycle_gan import CycleGan, fit_cycle_gan
from pryproof.generation.settings import CycleGanSettings
from training.stopping import StoppedError, StopsAfter, assert_same

SETTINGS = CycleGanSettings(
    channels=4,
    blocks=1,
    downs=1,
    stem=3,
    skip=True,
    discriminator_channels=4,
    discriminator_layers=1,
    steps=12,
    batch=4,
    pool=20,  # full after 5 steps
    learning_rate=2e-3,
    records=3,  # after steps 4, 8 and 12
)
SAFE = domain("bright", "safe", risky=False, count=24, classes=2)
RISKY = domain("bright", "risky", risky=True, count=24, classes=2)


def fit(settings: CycleGanSettings = SETTINGS, **options) -> CycleGan:
    (safe, safe_labels), (risky, risky_labels) = SAFE, RISKY
    corners = (safe[:, :8, :8], risky[:, :8, :8])
    return fit_cycle_gan(*corners, safe_labels, risky_labels, settings=settings, seed=1, **options)


def assert_equal(first: CycleGan, second: CycleGan) -> None:
    assert_same(first.weights, second.weights)
    assert_same(first.history, second.history)
    assert first.facts == second.facts
    assert first.warnings == second.warnings


@pytest.fixture(scope="module")
def whole() -> CycleGan:
    return fit()


@pytest.mark.parametrize("step", range(1, 13))
def test_a_stopped_run_goes_on_with_the_same_bytes(whole, step):
    keep = StopsAfter(step)
    with pytest.raises(StoppedError):
        fit(keep=keep)
    assert_equal(fit(keep=keep), whole)
    assert keep.loads == 2


@pytest.mark.parametrize("step", [3, 7])
def test_so_does_a_conditional_one_whose_pool_holds_labels(step):
    settings = replace(SETTINGS, conditional=True)
    keep = StopsAfter(step)
    with pytest.raises(StoppedError):
        fit(settings, keep=keep)
    assert_equal(fit(settings, keep=keep), fit(settings))


def spoil(monkeypatch, *, at: tuple[int, ...]) -> list[float]:
    """Make the losses of some calls NaN; return the list in which rates will stand."""
    plain, calls, rates = module.generators_loss, [], []

    def loss(*given, **options):
        found = plain(*given, **options)
        calls.append(0)
        return found._replace(cycle=found.cycle * float("nan")) if len(calls) in at else found

    def rate(step, steps):
        rates.append(step)
        return 1.0

    monkeypatch.setattr(module, "generators_loss", loss)
    monkeypatch.setattr(module, "rate_factor", rate)
    return rates


@pytest.mark.parametrize(("call", "back_to"), [(7, 4), (5, 0), (1, 0), (6, 4)])
def test_a_diverged_run_goes_back_to_where_all_was_well(monkeypatch, call, back_to):
    """From a record's first step, whose weights are in doubt, to the record before."""
    steps = spoil(monkeypatch, at=(call,))
    fitted = fit()
    assert fitted.facts["rollbacks"] == 1
    assert steps == [*range(call), *range(back_to, 12)]
    assert fitted.history["step"].tolist() == [4, 8, 12]
    assert all(np.isfinite(values).all() for values in fitted.history.values())


def test_it_goes_on_at_half_the_rate(monkeypatch):
    rates = []
    plain = torch.optim.Adam.step

    def step(self, *given, **options):
        rates.append(self.param_groups[0]["lr"])
        return plain(self, *given, **options)

    spoil(monkeypatch, at=(3,))
    monkeypatch.setattr(torch.optim.Adam, "step", step)
    fit()
    assert set(rates[:6]) == {2e-3}
    assert set(rates[6:]) == {1e-3}


def test_a_run_that_diverges_again_ends_by_name(monkeypatch):
    spoil(monkeypatch, at=(7, 9))
    with pytest.raises(TrainingError, match=r"E070.*CycleGAN.*again at half.*step 6 of 12.*Lower"):
        fit()


def test_a_rollback_survives_being_stopped(monkeypatch):
    spoil(monkeypatch, at=(7,))
    whole = fit()
    spoil(monkeypatch, at=(7,))  # calls are counted anew, over the stop
    keep = StopsAfter(8)
    with pytest.raises(StoppedError):
        fit(keep=keep)
    stopped = fit(keep=keep)
    assert stopped.facts["rollbacks"] == 1
    assert_equal(stopped, whole)
