"""Training a TAC-GAN: learns a toy, repeats byte for byte, averages, fails by name."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pryproof import seeds
from pryproof.checks import ConfigurationError, DataError, TrainingError
from pryproof.generation import fit_tac_gan as fitting
from pryproof.generation import sample as sampling
from pryproof.generation.fit_tac_gan import fit_tac_gan
from pryproof.generation.sample import sample_tac_gan, uniform_labels
from pryproof.generation.settings import TacGanSettings
from pryproof.generation.tac_gan_check import RECORDED
from pryproof.models.randomness import global_draws
from pryproof.models.tac_gan import tac_discriminator, tac_generator

SHAPE = (8, 8, 1)
QUICK = TacGanSettings(
    network="small",
    channels=8,
    latent=8,
    steps=6,
    discriminator_steps=1,
    batch=16,
    learning_rate=2e-3,
    beta2=0.99,
    ema=0.95,
    ema_start=2,
    standing_batches=4,
    records=3,
)


def toy(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Bright left half is class 0, bright right half class 1; how bright varies."""
    draws = seeds.generator(0, "toy")
    images = draws.integers(0, 40, (count, *SHAPE), dtype=np.uint8)
    level = draws.integers(120, 215, (count, 1, 1, 1), dtype=np.uint8)
    labels = np.arange(count) % 2
    images[labels == 0, :, :4] += level[labels == 0]
    images[labels == 1, :, 4:] += level[labels == 1]
    return images, labels


def fit(seed: int = 0, settings: TacGanSettings = QUICK):
    images, labels = toy()
    return fit_tac_gan(images, labels, classes=2, settings=settings, seed=seed)


def brighter_half(images: np.ndarray) -> np.ndarray:
    pixels = images.astype(np.float64)
    return (pixels[:, :, 4:].mean(axis=(1, 2, 3)) > pixels[:, :, :4].mean(axis=(1, 2, 3))).astype(
        np.int64
    )


@pytest.mark.parametrize("diff_augment", [False, True])
def test_it_learns_a_toy(diff_augment):
    settings = replace(QUICK, steps=250, diff_augment=diff_augment)
    fitted = fit(settings=settings)
    labels = uniform_labels(200, 2)
    fakes = sample_tac_gan(
        fitted.weights, labels, shape=SHAPE, classes=2, settings=settings, seed=9
    )
    assert (brighter_half(fakes) == labels).mean() > 0.9
    assert 0.3 < fitted.facts["diversity_ratio"] < 2
    assert fitted.warnings == ()
    assert fitted.facts["rollbacks"] == 0
    assert fitted.history["ac_real"][-1] < fitted.history["ac_real"][0]


def test_the_history_has_a_row_a_record():
    fitted = fit()
    assert set(fitted.history) == {"step", *RECORDED}
    assert fitted.history["step"].tolist() == [2, 4, 6]
    assert all(np.isfinite(values).all() for values in fitted.history.values())
    assert (fitted.history["accuracy"] <= 1).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = (fit(seed).weights for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_what_was_drawn_before_does_not_matter():
    first = fit(3).weights
    torch.rand(1000)
    again = fit(3).weights
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_before_its_start_the_average_is_the_generator_itself():
    early, instant = (
        fit(settings=replace(QUICK, steps=2, ema=ema, ema_start=2)).weights for ema in (0.9, 0.0)
    )
    assert all(np.array_equal(early[name], instant[name]) for name in early)
    averaged = fit(settings=replace(QUICK, steps=2, ema=0.9, ema_start=0)).weights
    assert any(not np.array_equal(averaged[name], instant[name]) for name in averaged)


def test_the_stored_statistics_are_means_over_the_standing_batches():
    weights = fit().weights
    counted = [value for name, value in weights.items() if name.endswith("num_batches_tracked")]
    assert {int(count.item()) for count in counted} == {QUICK.standing_batches}
    variances = [value for name, value in weights.items() if name.endswith("running_var")]
    assert all((variance > 0).all() for variance in variances)


def test_the_published_networks_train_too():
    settings = replace(QUICK, network="published", steps=2, discriminator_steps=2)
    assert np.isfinite(fit(settings=settings).weights["conv.weight"]).all()


def test_it_says_how_far_it_is():
    heard = []
    images, labels = toy()
    fit_tac_gan(
        images,
        labels,
        classes=2,
        settings=QUICK,
        seed=0,
        progress=lambda share, text: heard.append((share, text)),
    )
    assert [share for share, _ in heard] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert "discriminator loss" in heard[-1][1]


def test_a_loss_that_is_not_finite_stops_by_name():
    with pytest.raises(TrainingError, match=r"E070.*no longer finite.*step \d+ of 400.*Lower"):
        fit(settings=replace(QUICK, steps=400, learning_rate=1e30))


def test_a_run_that_diverges_once_goes_on_at_half_the_rate(monkeypatch):
    half = fit(settings=replace(QUICK, learning_rate=QUICK.learning_rate / 2))
    taken, real = [], fitting.generator_loss

    def spoiled_once(*arguments, weight: float):
        taken.append(1)
        losses = real(*arguments, weight=weight)
        return losses._replace(total=losses.total * float("nan")) if len(taken) == 2 else losses

    monkeypatch.setattr(fitting, "generator_loss", spoiled_once)
    fitted = fit()
    assert fitted.facts["rollbacks"] == 1
    assert len(taken) == QUICK.steps + 2  # noticed within its step
    assert all(np.array_equal(half.weights[name], fitted.weights[name]) for name in half.weights)
    assert half.facts | {"rollbacks": 1.0} == fitted.facts


def test_a_run_that_diverges_without_a_loss_that_is_not_finite_is_named():
    fitted = fit(settings=replace(QUICK, steps=40, learning_rate=2.0))
    assert any(words.startswith("divergence: the discriminator") for words in fitted.warnings)


def test_a_generator_that_ignores_its_noise_is_named(monkeypatch):
    def deaf(*arguments, **named):
        generator = tac_generator(*arguments, **named)
        generator.register_forward_pre_hook(lambda _, given: (given[0] * 0, given[1]))
        return generator

    for place in (fitting, sampling):
        monkeypatch.setattr(place, "tac_generator", deaf)
    fitted = fit(settings=replace(QUICK, steps=40))
    assert fitted.facts["diversity_ratio"] < 0.01
    assert any(words.startswith("collapse: fakes of one class") for words in fitted.warnings)


@pytest.mark.parametrize("network", ["small", "medium", "published"])
def test_bfloat16_trains_to_nearly_the_same_and_keeps_float32(network):
    settings = replace(QUICK, network=network, steps=3, learning_rate=1e-4)
    full = fit(settings=settings)
    halved = fit(settings=replace(settings, precision="bfloat16"))
    assert {value.dtype for value in halved.weights.values()} == {
        np.dtype("float32"),
        np.dtype("int64"),  # counts of batches
    }
    for name in RECORDED[:-1]:
        assert halved.history[name] == pytest.approx(full.history[name], abs=0.05)
    assert any(
        not np.array_equal(full.weights[name], halved.weights[name]) for name in full.weights
    )


def test_spectral_norms_are_left_alone_by_autocast():
    with global_draws(0, "test"):
        discriminator = tac_discriminator("small", shape=SHAPE, classes=2, width=8)
    norms = [module for module in discriminator.modules() if hasattr(module, "_u")]
    cast = []
    for norm in norms:
        norm.register_forward_pre_hook(lambda *_: cast.append(torch.is_autocast_enabled("cpu")))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answers = discriminator(torch.zeros(2, 1, 8, 8))
    assert answers.label.dtype == torch.bfloat16
    assert cast == [False] * len(norms)
    assert len(norms) == 5  # a convolution down, the last one, three heads


def test_sixty_four_pixels_train_too():
    images = seeds.generator(0, "wide").integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    settings = replace(QUICK, network="published", channels=4, steps=1, batch=4, records=1)
    fitted = fit_tac_gan(images, np.arange(20) % 2, classes=2, settings=settings, seed=0)
    assert all(np.isfinite(values).all() for values in fitted.history.values())
    labels = uniform_labels(2, 2)
    fakes = sample_tac_gan(
        fitted.weights, labels, shape=(64, 64, 3), classes=2, settings=settings, seed=1
    )
    assert fakes.shape == (2, 64, 64, 3)


def test_a_class_without_images_is_refused():
    images, labels = toy()
    with pytest.raises(DataError, match=r"E006.*missing \[2\]"):
        fit_tac_gan(images, labels, classes=3, settings=QUICK, seed=0)
    with pytest.raises(DataError, match="E006"):
        fit_tac_gan(images[:0], labels[:0], classes=2, settings=QUICK, seed=0)


def test_a_side_that_cannot_be_doubled_to_is_refused():
    images, labels = toy()
    with pytest.raises(ConfigurationError, match="E052"):
        fit_tac_gan(images[:, :7, :7], labels, classes=2, settings=QUICK, seed=0)
