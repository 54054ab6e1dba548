"""Training a CycleGAN: crosses between toys, holds a tenth out, stratifies, fails by name."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pryproof import seeds
from pryproof.checks import ConfigurationError, TrainingError
from pryproof.generation import fit_cycle_gan as module
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


def test_likeness_tells_an_inverted_image_from_a_kept_one():
    images = torch.rand(4, 1, 8, 8, generator=module.torch_generator(0, "images"))
    assert module._correlation(images, 0.5 * images + 0.2) == pytest.approx(1.0)
    assert module._correlation(images, 1 - images) == pytest.approx(-1.0)
    assert module._correlation(images, torch.zeros_like(images)) == 0.0
    assert {"likeness_s2r", "likeness_r2s"} <= set(fit().facts)


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


def test_a_tenth_never_trains_and_at_least_eight():
    assert fit().facts["held_safe"] == 10
    assert fit().facts["trained_safe"] == 90
    small = module._domain(DARK[:30], LABELS[:30], 0, "safe")
    assert (len(small.held), len(small.labels)) == (8, 22)
    held = {image.numpy().tobytes() for image in small.held}
    trained = {image.numpy().tobytes() for image in module.scaled(small.pixels)}
    assert len(held | trained) == 30


def test_stratified_batches_carry_the_same_labels():
    """Class 0 is rare among the safe, class 1 among the risky, and class 2 is risky only."""
    safe_labels, risky_labels = np.ones(100, dtype=np.int64), np.zeros(100, dtype=np.int64)
    safe_labels[:30], risky_labels[:30], risky_labels[30:60] = 0, 1, 2
    safe, risky = DARK.copy(), BRIGHT.copy()
    safe[:, 0, 0, 0], risky[:, 0, 0, 0] = safe_labels, risky_labels
    run = module._start(
        safe, risky, safe_labels, risky_labels, settings=replace(QUICK, batch=400), seed=0
    )
    batches = module._batches(run, module.torch_generator(0, "draw"))
    drawn = [(batch[:, 0, 0, 0] + 1).mul(127.5).round().tolist() for batch in batches]
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {0.0, 1.0}
    assert 0.4 < np.mean(drawn[0]) < 0.6
    plain = module._start(
        safe,
        risky,
        safe_labels,
        risky_labels,
        settings=replace(QUICK, batch=400, stratified=False),
        seed=0,
    )
    _, risky_batch = module._batches(plain, module.torch_generator(0, "draw"))
    assert 2.0 in (risky_batch[:, 0, 0, 0] + 1).mul(127.5).round().tolist()


def test_every_image_that_trains_is_drawn():
    have = torch.tensor([2, 0, 2, 1, 0])
    want = torch.tensor([0, 1, 2] * 100)
    rows = module._one_of_each(have, want, module.torch_generator(0, "draw"))
    assert torch.equal(have[rows], want)
    assert set(rows.tolist()) == set(range(5))


def test_the_rate_is_constant_then_falls_to_almost_zero():
    factors = [rate_factor(step, 100) for step in range(100)]
    assert set(factors[:50]) == {1.0}
    assert np.allclose(np.diff(factors[50:]), -1 / 51)
    assert factors[-1] == pytest.approx(1 / 51)


def test_the_options_change_what_is_learned():
    settings = replace(QUICK, steps=12)  # the pool is filled by then
    plain = fit(settings=settings).weights
    for changed in ({"identity_weight": 0.5}, {"source_negatives": 1.0}, {"pool": 0}):
        other = fit(settings=replace(settings, **changed)).weights
        assert any(not np.array_equal(plain[name], other[name]) for name in plain)


def test_a_loss_that_is_not_finite_stops_by_name():
    with pytest.raises(TrainingError, match=r"E070.*no longer finite.*step \d+ of 40.*Lower"):
        fit(settings=replace(QUICK, steps=40, learning_rate=1e30))


@pytest.mark.parametrize("count", [0, 15])
def test_domains_that_are_empty_or_too_small_are_refused(count):
    with pytest.raises(ConfigurationError, match=rf"E045.*risky domain.*16.*got {count}.*Widen"):
        fit_cycle_gan(DARK, BRIGHT[:count], LABELS, LABELS[:count], settings=QUICK, seed=0)


def test_domains_without_a_common_class_are_refused():
    with pytest.raises(ConfigurationError, match=r"E045.*stratified"):
        fit(safe_labels=np.zeros(100, dtype=np.int64), risky_labels=np.ones(100, dtype=np.int64))
