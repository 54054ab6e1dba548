"""Train a TAC-GAN: updates in turn, an averaged generator, standing statistics."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn

from pryproof.checks import DataError
from pryproof.generation.diff_augment import diff_augment
from pryproof.generation.diversity import diversity
from pryproof.generation.gan_state import GanState
from pryproof.generation.sample import sample_tac_gan, uniform_labels
from pryproof.generation.settings import TacGanSettings
from pryproof.generation.tac_gan import discriminator_loss, generator_loss
from pryproof.generation.tac_gan_check import RECORDED, warnings_of
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.models.tac_gan import Answers, tac_discriminator, tac_generator
from pryproof.training.keeper import Keeper, Nowhere
from pryproof.training.loop import Progress, scaled, silent
from pryproof.training.predict import weights_of

LOOKED_AT = 50  # fakes a class, at most, behind the facts on variety


@dataclass(frozen=True, kw_only=True)
class TacGan:
    """An averaged generator, how its training went, and how varied its images are.

    ``history`` has one entry a record, the means since the record before: ``step`` (updates of the
    generator so far), ``d_loss``, ``g_loss``, ``ac_real`` and ``ac_fake`` (cross entropy of the
    auxiliary classifier on real images and on fakes, nats), ``twin`` (of its twin on fakes) and
    ``accuracy`` (share of images the discriminator puts on the right side of zero). ``facts`` are
    those of ``diversity`` and ``rollbacks``, how often the training diverged and was taken back.
    ``warnings``: what went wrong, as sentences; empty where nothing did.
    """

    weights: dict[str, np.ndarray]
    history: dict[str, Float[np.ndarray, " records"]]
    facts: dict[str, float]
    warnings: tuple[str, ...] = ()


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

    @property
    def device(self) -> torch.device:
        """Where the networks and the pixels are; draws are made on the CPU and moved there."""
        return self.pixels.device


def fit_tac_gan(
    images: UInt8[np.ndarray, "samples height width channels"],
    labels: Int64[np.ndarray, " samples"],
    *,
    classes: int,
    settings: TacGanSettings,
    seed: int,
    progress: Progress = silent,
    keep: Keeper | None = None,
    device: str = "cpu",
) -> TacGan:
    """Train on ``images`` and return the averaged generator, ready for ``sample_tac_gan``.

    Every draw is named by its use and its step, so one seed gives the same bytes on one kind of
    machine, stopped or not: ``keep`` holds the state of a run under way. A run with a loss that is
    no longer finite goes back once, to the last record before which all was well, and on at half
    the rate; then TrainingError E070 names the step. ``progress`` is called once a record.
    """
    _check(labels, classes)
    run = _start(images, labels, classes=classes, settings=settings, seed=seed, device=device)
    state = GanState(
        {"generator": run.generator, "average": run.average, "discriminator": run.discriminator},
        {"generator": run.generator_optimizer, "discriminator": run.discriminator_optimizer},
        steps=settings.steps,
        records=settings.records,
    )

    def step(index: int) -> list[float]:
        state.set_rate(settings.learning_rate)
        return _updates(run, index)

    def record(done: int, means: np.ndarray) -> list[float]:
        progress(done / settings.steps, f"discriminator loss {means[0]:.3f}")
        return [done, *means]

    state.train(
        step,
        record,
        keep=keep or Nowhere(),
        batch=settings.batch,
        name="TAC-GAN",
        table="generate",
    )
    _settle(run)
    weights, history = weights_of(run.average), state.history(("step", *RECORDED))
    facts = _facts(run, weights, images, labels) | {"rollbacks": float(state.rollbacks)}
    warnings = warnings_of(history, facts, classes=classes, weight=settings.classifier_weight)
    return TacGan(weights=weights, history=history, facts=facts, warnings=warnings)


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
    images: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int,
    settings: TacGanSettings,
    seed: int,
    device: str,
) -> _Run:
    shape, width = images.shape[1:], settings.channels
    with global_draws(seed, "tac-gan", "generator"):
        generator = tac_generator(
            settings.network, shape=shape, classes=classes, width=width, latent=settings.latent
        ).to(device)
    with global_draws(seed, "tac-gan", "discriminator"):
        discriminator = tac_discriminator(
            settings.network, shape=shape, classes=classes, width=width
        ).to(device)
    return _Run(
        pixels=torch.tensor(images, device=device),
        labels=torch.tensor(labels, device=device),
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
    turns = [
        _update_discriminator(run, step, turn) for turn in range(run.settings.discriminator_steps)
    ]
    told = torch.stack([*turns, _update_generator(run, step)]).tolist()  # one wait on a device
    d_loss, ac_real, twin, accuracy = np.mean(told[:-1], axis=0).tolist()
    g_loss, ac_fake, *_ = told[-1]
    return [d_loss, g_loss, ac_real, ac_fake, twin, accuracy]


def _update_discriminator(run: _Run, step: int, turn: int) -> torch.Tensor:
    """Return the loss, its classifiers' parts, and the share on the right side of zero."""
    draws = torch_generator(run.seed, "tac-gan", "discriminator", step, turn)
    chosen = torch.randint(len(run.labels), (run.settings.batch,), generator=draws).to(run.device)
    real, labels = scaled(run.pixels[chosen]), run.labels[chosen]
    with torch.no_grad():
        fake, fake_labels = _fakes(run, draws)
    answers = _judged(run, torch.cat([real, fake]), draws)
    on_real, on_fake = (Answers(*part) for part in zip(*(a.chunk(2) for a in answers), strict=True))
    losses = discriminator_loss(
        on_real, labels, on_fake, fake_labels, weight=run.settings.classifier_weight
    )
    _descend(losses.total, run.discriminator_optimizer)
    right = torch.cat([on_real.real > 0, on_fake.real < 0]).float().mean()
    return torch.stack([losses.total, losses.label, losses.twin, right]).detach()


def _update_generator(run: _Run, step: int) -> torch.Tensor:
    """Return the loss and its classifiers' parts, filled up to a discriminator's row."""
    draws = torch_generator(run.seed, "tac-gan", "generator", step)
    run.discriminator.requires_grad_(requires_grad=False)
    fake, labels = _fakes(run, draws)
    losses = generator_loss(
        _judged(run, fake, draws), labels, weight=run.settings.classifier_weight
    )
    _descend(losses.total, run.generator_optimizer)
    run.discriminator.requires_grad_(requires_grad=True)
    decay = run.settings.ema if step >= run.settings.ema_start else 0.0
    pairs = zip(run.average.parameters(), run.generator.parameters(), strict=True)
    for mean, now in pairs:
        mean.lerp_(now.detach(), 1 - decay)
    return torch.stack([losses.total, losses.label, losses.twin, losses.hinge]).detach()


def _fakes(run: _Run, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    batch = run.settings.batch
    labels = torch.randint(run.classes, (batch,), generator=draws).to(run.device)
    z = torch.randn(batch, run.settings.latent, generator=draws).to(run.device)
    with _cast(run):
        fakes = run.generator(z, labels)
    return fakes.float(), labels


def _judged(run: _Run, images: torch.Tensor, draws: torch.Generator) -> Answers:
    """Show images to the discriminator: one policy for real and fake, in both updates."""
    if run.settings.diff_augment:
        images = diff_augment(images, generator=draws, cutout=run.settings.cutout)
    with _cast(run):
        answers = run.discriminator(images)
    return Answers(*(answer.float() for answer in answers))


def _cast(run: _Run) -> torch.autocast:
    halved = run.settings.precision == "bfloat16"
    return torch.autocast(run.device.type, dtype=torch.bfloat16, enabled=halved)


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
            labels = (torch.arange(batch, device=run.device) + index * batch) % run.classes
            z = torch.randn(batch, run.settings.latent, generator=draws)
            run.average(z.to(run.device), labels)


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
