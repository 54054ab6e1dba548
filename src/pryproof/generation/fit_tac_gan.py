"""Train a TAC-GAN: updates in turn, an averaged generator, standing statistics."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn

from pryproof.checks import DataError, TrainingError
from pryproof.generation.diff_augment import diff_augment
from pryproof.generation.diversity import diversity
from pryproof.generation.sample import sample_tac_gan, uniform_labels
from pryproof.generation.settings import TacGanSettings
from pryproof.generation.tac_gan import discriminator_loss, generator_loss
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.models.tac_gan import Answers, tac_discriminator, tac_generator
from pryproof.training.loop import Progress, scaled, silent
from pryproof.training.predict import weights_of

RECORDED = ("d_loss", "g_loss", "ac_real", "ac_fake", "twin", "accuracy")
LOOKED_AT = 50  # fakes a class, at most, behind the facts on variety


@dataclass(frozen=True, kw_only=True)
class TacGan:
    """An averaged generator, how its training went, and how varied its images are.

    ``history`` has one entry a record, the means since the record before: ``step`` (updates of the
    generator so far), ``d_loss``, ``g_loss``, ``ac_real`` and ``ac_fake`` (cross entropy of the
    auxiliary classifier on real images and on fakes, nats), ``twin`` (of its twin on fakes) and
    ``accuracy`` (share of images the discriminator puts on the right side of zero). ``facts`` are
    those of ``diversity``.
    """

    weights: dict[str, np.ndarray]
    history: dict[str, Float[np.ndarray, " records"]]
    facts: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What one training run holds: its data, two networks, the average, two optimizers."""

    pixels: torch.Tensor
    labels: torch.Tensor
    classes: int
    settings: TacGanSettings
    seed: int
    generator: nn.Module
    average: nn.Module
    discriminator: nn.Module
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer


def fit_tac_gan(
    images: UInt8[np.ndarray, "samples height width channels"],
    labels: Int64[np.ndarray, " samples"],
    *,
    classes: int,
    settings: TacGanSettings,
    seed: int,
    progress: Progress = silent,
) -> TacGan:
    """Train on ``images`` and return the averaged generator, ready for ``sample_tac_gan``.

    Every draw is named by its use and its step, so one seed gives the same bytes on one kind of
    machine. ``progress`` is called once a record.
    """
    _check(labels, classes)
    run = _start(images, labels, classes=classes, settings=settings, seed=seed)
    marks = np.unique(np.linspace(0, settings.steps, settings.records + 1).round())[1:]
    rows: list[list[float]] = []
    history: list[np.ndarray] = []
    for step in range(settings.steps):
        rows.append(_updates(run, step))
        if step + 1 in marks:
            history.append(np.array([step + 1, *np.mean(rows, axis=0)]))
            rows = []
            progress((step + 1) / settings.steps, f"discriminator loss {history[-1][1]:.3f}")
    _settle(run)
    weights = weights_of(run.average)
    return TacGan(
        weights=weights,
        history=dict(zip(("step", *RECORDED), np.array(history).T, strict=True)),
        facts=_facts(run, weights, images, labels),
    )


def _check(labels: np.ndarray, classes: int) -> None:
    missing = np.setdiff1d(np.arange(classes), labels)
    if len(missing) or labels.max(initial=0) >= classes or labels.min(initial=0) < 0:
        raise DataError(
            "E006",
            f"every class from 0 to {classes - 1} needs images to learn from,"
            f" missing {missing.tolist()[:10]}, largest label {labels.max(initial=-1)}",
            where="generator",
            fix="Number the classes without gaps, and give each some members.",
        )


def _start(
    images: np.ndarray, labels: np.ndarray, *, classes: int, settings: TacGanSettings, seed: int
) -> _Run:
    shape, width = images.shape[1:], settings.channels
    with global_draws(seed, "tac-gan", "generator"):
        generator = tac_generator(
            settings.network, shape=shape, classes=classes, width=width, latent=settings.latent
        )
    with global_draws(seed, "tac-gan", "discriminator"):
        discriminator = tac_discriminator(
            settings.network, shape=shape, classes=classes, width=width
        )
    return _Run(
        pixels=torch.tensor(images),
        labels=torch.tensor(labels),
        classes=classes,
        settings=settings,
        seed=seed,
        generator=generator,
        average=copy.deepcopy(generator).requires_grad_(requires_grad=False),
        discriminator=discriminator,
        generator_optimizer=_adam(generator, settings),
        discriminator_optimizer=_adam(discriminator, settings),
    )


def _adam(network: nn.Module, settings: TacGanSettings) -> torch.optim.Optimizer:
    betas = (settings.beta1, settings.beta2)
    return torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, betas=betas, foreach=True
    )


def _updates(run: _Run, step: int) -> list[float]:
    """Update the discriminator some times, the generator once; return a row of ``RECORDED``."""
    first, *others = [
        _update_discriminator(run, step, turn) for turn in range(run.settings.discriminator_steps)
    ]
    d_loss, ac_real, twin, accuracy = np.mean([first, *others], axis=0)
    g_loss, ac_fake = _update_generator(run, step)
    row = [d_loss, g_loss, ac_real, ac_fake, twin, accuracy]
    if not np.isfinite(row).all():
        raise TrainingError(
            "E070",
            f"a TAC-GAN loss is no longer finite (discriminator {d_loss}, generator {g_loss})",
            where=f"step {step + 1} of {run.settings.steps}",
            fix="Lower generator.learning_rate, or try another seed.",
        )
    return row


def _update_discriminator(run: _Run, step: int, turn: int) -> list[float]:
    draws = torch_generator(run.seed, "tac-gan", "discriminator", step, turn)
    batch = run.settings.batch
    chosen = torch.randint(len(run.labels), (batch,), generator=draws)
    real, labels = scaled(run.pixels[chosen]), run.labels[chosen]
    with torch.no_grad():
        fake, fake_labels = _fakes(run, draws)
    answers = run.discriminator(_seen(run, torch.cat([real, fake]), draws))
    on_real, on_fake = (Answers(*part) for part in zip(*(a.chunk(2) for a in answers), strict=True))
    losses = discriminator_loss(
        on_real, labels, on_fake, fake_labels, weight=run.settings.classifier_weight
    )
    _descend(losses.total, run.discriminator_optimizer)
    right = torch.cat([on_real.real > 0, on_fake.real < 0]).float().mean()
    return [losses.total.item(), losses.label.item(), losses.twin.item(), right.item()]


def _update_generator(run: _Run, step: int) -> list[float]:
    draws = torch_generator(run.seed, "tac-gan", "generator", step)
    run.discriminator.requires_grad_(requires_grad=False)
    fake, labels = _fakes(run, draws)
    answers = run.discriminator(_seen(run, fake, draws))
    losses = generator_loss(answers, labels, weight=run.settings.classifier_weight)
    _descend(losses.total, run.generator_optimizer)
    run.discriminator.requires_grad_(requires_grad=True)
    decay = run.settings.ema if step >= run.settings.ema_start else 0.0
    pairs = zip(run.average.parameters(), run.generator.parameters(), strict=True)
    for mean, now in pairs:
        mean.lerp_(now.detach(), 1 - decay)
    return [losses.total.item(), losses.label.item()]


def _fakes(run: _Run, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    batch = run.settings.batch
    labels = torch.randint(run.classes, (batch,), generator=draws)
    z = torch.randn(batch, run.settings.latent, generator=draws)
    return run.generator(z, labels), labels


def _seen(run: _Run, images: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    """Return what the discriminator is shown: one policy for real and fake, in both updates."""
    if not run.settings.diff_augment:
        return images
    return diff_augment(images, generator=draws, cutout=run.settings.cutout)


def _descend(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _settle(run: _Run) -> None:
    """Give the averaged weights normalisation statistics of their own, over balanced batches."""
    for module in run.average.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches from here on
    batch = run.settings.batch
    with torch.no_grad():
        for index in range(run.settings.standing_batches):
            draws = torch_generator(run.seed, "tac-gan", "standing", index)
            labels = (torch.arange(batch) + index * batch) % run.classes
            run.average(torch.randn(batch, run.settings.latent, generator=draws), labels)


def _facts(
    run: _Run, weights: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    count = min(len(labels), LOOKED_AT * run.classes)
    fake_labels = uniform_labels(count, run.classes)
    fakes = sample_tac_gan(
        weights,
        fake_labels,
        shape=images.shape[1:],
        classes=run.classes,
        settings=run.settings,
        seed=run.seed,
    )
    return diversity(images, labels, fakes, fake_labels, classes=run.classes)
