"""Training a CycleGAN: crosses between toys, holds a tenth out, stratifies, fails by name."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pryproof import seeds
from pryproof.checks import ConfigurationError, DataError, TrainingError
from pryproof.generation.cycle_gan_check import LITERAL
from pryproof.generation.fit_cycle_gan import HELD, RECORDED, fit_cycle_gan, rate_factor
from pryproof.generation.settings import CycleGanSettings
from pryproof.generation.transform import transform

SHAPE = (8, 8, 1)
QUICK = CycleGanSettings(
    channels=8,
    blocks=1,
    downs=1,
    stem=3,
    skip=True,
    discriminator_channels=8,
    discriminator_layers=1,
    steps=4,
    batch=8,
    learning_rate=2e-3,
    records=2,
)


def domain(name: str, low: int, high: int, count: int = 100) -> np.ndarray:
    """Draw a bright square on a ground that is as bright as the domain."""
    draws = seeds.generator(0, "domain", name)
    images = draws.integers(low, high, (count, *SHAPE), dtype=np.uint8)
    for image, place in zip(images, draws.integers(0, 6, (count, 2)), strict=True):
        image[place[0] : place[0] + 2, place[1] : place[1] + 2] = 255
    return images


DARK, BRIGHT = domain("dark", 0, 60), domain("bright", 140, 200)
LABELS = np.arange(100) % 2


def fit(seed: int = 0, settings: CycleGanSettings = QUICK, **kept):
    labels = {"safe_labels": LABELS, "risky_labels": LABELS} | kept
    return fit_cycle_gan(DARK, BRIGHT, settings=settings, seed=seed, **labels)


def ground(images: np.ndarray) -> np.ndarray:
    return np.median(images.astype(np.float64), axis=(1, 2, 3))


@pytest.mark.parametrize("skip", [False, True])
def test_it_moves_a_toy_across(skip):
    settings = replace(QUICK, steps=150, skip=skip)
    fitted = fit(settings=settings)
    new_dark, new_bright = domain("new dark", 0, 60), domain("new bright", 140, 200)
    brighter = transform(fitted.weights, new_dark, direction="s2r", settings=settings, shape=SHAPE)
    darker = transform(fitted.weights, new_bright, direction="r2s", settings=settings, shape=SHAPE)
    assert (ground(brighter) > 100).mean() >= 0.9
    assert (ground(darker) < 100).mean() >= 0.9
    assert fitted.facts["held_cycle"] < fitted.facts["constant"]
    assert fitted.facts["held_change_s2r"] > 0.5


def test_the_history_has_a_row_a_record():
    fitted = fit()
    assert set(fitted.history) == {"step", *RECORDED, *HELD}
    assert fitted.history["step"].tolist() == [2, 4]
    assert all(np.isfinite(values).all() for values in fitted.history.values())
    assert fitted.facts["held_cycle_safe"] == fitted.history["held_cycle_safe"][-1]


def test_both_generators_are_kept_and_nothing_else():
    names = {name.split(".")[0] for name in fit().weights}
    assert names == {"s2r", "r2s"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = (fit(seed).weights for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_what_was_drawn_before_does_not_matter():
    first = fit(3).weights
    torch.rand(1000)
    assert all(np.array_equal(first[name], value) for name, value in fit(3).weights.items())


def test_a_tenth_is_held_out():
    assert fit().facts["held_safe"] == 10
    assert fit().facts["trained_safe"] == 90


def test_the_rate_is_constant_then_falls_to_almost_zero():
    factors = [rate_factor(step, 100) for step in range(100)]
    assert set(factors[:50]) == {1.0}
    assert np.allclose(np.diff(factors[50:]), -1 / 51)
    assert factors[-1] == pytest.approx(1 / 51)


def test_the_options_change_what_is_learned():
    settings = replace(QUICK, steps=12)  # the pool is filled by then
    plain = fit(settings=settings).weights
    for changed in (
        {"identity_weight": 0.5},
        {"source_negatives": 1.0},
        {"adversarial": "literal"},
        {"pool": 0},
        {"precision": "bfloat16"},
    ):
        other = fit(settings=replace(settings, **changed)).weights
        assert any(not np.array_equal(plain[name], other[name]) for name in plain)


def test_a_loss_that_is_not_finite_stops_by_name():
    with pytest.raises(
        TrainingError, match=r"E070.*CycleGAN.*no longer finite.*again.*step \d+ of 40.*Lower"
    ):
        fit(settings=replace(QUICK, steps=40, learning_rate=1e30))


@pytest.mark.parametrize("count", [0, 15])
def test_domains_that_are_empty_or_too_small_are_refused(count):
    with pytest.raises(
        ConfigurationError, match=rf"E045.*risky domain.*16.*got {count}.*Raise value"
    ):
        fit_cycle_gan(DARK, BRIGHT[:count], LABELS, LABELS[:count], settings=QUICK, seed=0)


def test_domains_without_a_common_class_are_refused():
    with pytest.raises(ConfigurationError, match=r"E045.*stratified"):
        fit(safe_labels=np.zeros(100, dtype=np.int64), risky_labels=np.ones(100, dtype=np.int64))


def test_a_weight_with_lsgan_is_source_negatives():
    first, second, third = (
        fit(settings=replace(QUICK, **chosen)).weights
        for chosen in (
            {"source_negatives": 1.0},
            {"adversarial": "source_negatives"},
            {"adversarial": "source_negatives", "source_negatives": 1.0},
        )
    )
    for other in (second, third):
        assert all(np.array_equal(first[name], other[name]) for name in first)


def test_contradictory_settings_are_refused():
    with pytest.raises(ConfigurationError, match=r"E044.*literal.*source_negatives"):
        fit(settings=replace(QUICK, adversarial="literal", source_negatives=1.0))


def test_the_printed_objective_comes_with_a_warning():
    assert LITERAL in fit(settings=replace(QUICK, adversarial="literal")).warnings


def test_a_conditional_one_knows_every_label_asked_for():
    settings = replace(QUICK, conditional=True)
    fitted = fit(settings=settings, classes=4)
    labels = np.full(len(DARK), 3)
    moved = [
        transform(
            fitted.weights, DARK, direction="s2r", settings=settings, shape=SHAPE, labels=chosen
        )
        for chosen in (LABELS, labels)
    ]
    assert not np.array_equal(*moved)
    table = fitted.weights["s2r.layers.2.by_label.weight"]
    assert len(table) == 4
    assert np.allclose(table[2:], table[:2].mean(axis=0))  # labels 2 and 3 never trained


def test_labels_beyond_the_classes_are_refused():
    with pytest.raises(DataError, match=r"E056.*below the 1 classes, got 1"):
        fit(settings=replace(QUICK, conditional=True), classes=1)
