"""Train a CycleGAN between the safe and the risky images, judged on a tenth that never trains."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn
from torch.nn import functional

from pryproof import seeds
from pryproof.checks import ConfigurationError, TrainingError
from pryproof.generation.cycle_gan import (
    GeneratorLosses,
    Networks,
    discriminator_loss,
    generators_loss,
)
from pryproof.generation.image_pool import ImagePool
from pryproof.generation.settings import CycleGanSettings
from pryproof.models.cycle_gan import cycle_generator, patch_discriminator
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.training.loop import Progress, scaled, silent
from pryproof.training.predict import weights_of

RECORDED = ("g_s2r", "g_r2s", "cycle", "d_risky", "d_safe")
HELD = ("held_cycle_safe", "held_cycle_risky", "held_change_s2r", "held_change_r2s")
LEAST_HELD = 8  # images of each domain that never train, at least; else a tenth
JUDGED = 200  # held-out images of each domain looked at, at most


@dataclass(frozen=True, kw_only=True)
class CycleGan:
    """Both generators (names begin with ``s2r.`` and ``r2s.``), and how their training went.

    ``history``, one entry a record: ``step``; means since the record before of ``g_s2r``, ``g_r2s``
    (squared distance of the discriminator's answer on fakes from 1), ``cycle`` (L1, both directions
    together) and of the discriminators' losses ``d_risky``, ``d_safe``; and on images held out, in
    units of the range [-1, 1], ``held_cycle_safe``, ``held_cycle_risky`` (mean |x - there and
    back|) and ``held_change_s2r``, ``held_change_r2s`` (mean |x - G(x)|; 0 = nothing is changed).

    ``facts``: the last four at the end; ``held_cycle``, the mean of both domains; ``constant``, the
    L1 of answering the domain's mean image, which any cycle must beat; ``likeness_s2r`` and
    ``likeness_r2s``, the correlation of all pixels with those they are mapped to (below 0 the map
    inverts images, which a cycle does not punish and ``identity_weight`` does); and how many images
    trained and were held out. The identity has cycle error and change 0: a low error means
    something beside a change only. Whether a changed image is of the other domain, no discriminator
    of this training can say, for none is shown its source images: ask a classifier of its own.
    """

    weights: dict[str, np.ndarray]
    history: dict[str, Float[np.ndarray, " records"]]
    facts: dict[str, float]


class _Domain(NamedTuple):
    """The images of one domain: those that train, and those held out."""

    pixels: torch.Tensor  # uint8
    labels: torch.Tensor
    held: torch.Tensor  # [-1, 1]


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What one training run holds."""

    safe: _Domain
    risky: _Domain
    label_weights: torch.Tensor  # how often each label is drawn
    settings: CycleGanSettings
    seed: int
    networks: Networks
    generators_optimizer: torch.optim.Optimizer
    discriminators_optimizer: torch.optim.Optimizer
    risky_pool: ImagePool
    safe_pool: ImagePool


def fit_cycle_gan(
    safe: UInt8[np.ndarray, "safes height width channels"],
    risky: UInt8[np.ndarray, "riskies height width channels"],
    safe_labels: Int64[np.ndarray, " safes"],
    risky_labels: Int64[np.ndarray, " riskies"],
    *,
    settings: CycleGanSettings,
    seed: int,
    progress: Progress = silent,
) -> CycleGan:
    """Learn both maps between the domains; the weights are ready for ``transform``.

    Every step draws a batch from each domain, with replacement; stratified, both batches carry the
    same labels, drawn as often as the domain with fewer such images has them, so that class cannot
    tell the domains apart. ``progress`` is called once a record.
    """
    run = _start(safe, risky, safe_labels, risky_labels, settings=settings, seed=seed)
    marks = np.unique(np.linspace(0, settings.steps, settings.records + 1).round())[1:]
    rows: list[list[float]] = []
    history: list[np.ndarray] = []
    for step in range(settings.steps):
        rows.append(_updates(run, step))
        if step + 1 in marks:
            judged = _judge(run)
            means = np.mean(rows, axis=0)
            history.append(np.array([step + 1, *means, *(judged[name] for name in HELD)]))
            rows = []
            progress((step + 1) / settings.steps, f"cycle error {judged['held_cycle']:.3f}")
    parts = {"s2r": weights_of(run.networks.s2r), "r2s": weights_of(run.networks.r2s)}
    return CycleGan(
        weights={f"{d}.{name}": w for d, own in parts.items() for name, w in own.items()},
        history=dict(zip(("step", *RECORDED, *HELD), np.array(history).T, strict=True)),
        facts=_judge(run) | _sizes(run),
    )


def _start(
    safe: np.ndarray,
    risky: np.ndarray,
    safe_labels: np.ndarray,
    risky_labels: np.ndarray,
    *,
    settings: CycleGanSettings,
    seed: int,
) -> _Run:
    if not settings.stratified:
        safe_labels, risky_labels = np.zeros_like(safe_labels), np.zeros_like(risky_labels)
    domains = (
        _domain(safe, safe_labels, seed, "safe"),
        _domain(risky, risky_labels, seed, "risky"),
    )
    with global_draws(seed, "cycle-gan", "initialisation"):
        networks = _networks(safe.shape[1:], settings)
    return _Run(
        safe=domains[0],
        risky=domains[1],
        label_weights=_label_weights(*domains),
        settings=settings,
        seed=seed,
        networks=networks,
        generators_optimizer=_adam([networks.s2r, networks.r2s], settings),
        discriminators_optimizer=_adam([networks.risky, networks.safe], settings),
        risky_pool=ImagePool(settings.pool),
        safe_pool=ImagePool(settings.pool),
    )


def _domain(images: np.ndarray, labels: np.ndarray, seed: int, name: str) -> _Domain:
    held = max(LEAST_HELD, len(images) // 10)
    if len(images) < 2 * LEAST_HELD:
        raise ConfigurationError(
            "E045",
            f"the {name} domain must hold {2 * LEAST_HELD} images or more, got {len(images)}",
            where="valuation.votes",
            fix="Widen the safe and risky shares, or let mean rank decide.",
        )
    order = seeds.generator(seed, "cycle-gan", "held", name).permutation(len(images))
    train = np.sort(order[held:])
    return _Domain(
        pixels=torch.from_numpy(images[train]),
        labels=torch.from_numpy(labels[train]),
        held=scaled(torch.from_numpy(images[order[:held][:JUDGED]])),
    )


def _label_weights(safe: _Domain, risky: _Domain) -> torch.Tensor:
    classes = int(max(safe.labels.max(), risky.labels.max())) + 1
    counts = [torch.bincount(domain.labels, minlength=classes) for domain in (safe, risky)]
    shared = torch.minimum(*counts).double()
    if not shared.any():
        raise ConfigurationError(
            "E045",
            "stratified drawing needs a class with safe and risky images, and there is none",
            where="transform.stratified",
            fix="Widen the safe and risky shares, or set stratified to false.",
        )
    return shared


def _networks(shape: tuple[int, int, int], settings: CycleGanSettings) -> Networks:
    generators = [
        cycle_generator(
            shape,
            width=settings.channels,
            blocks=settings.blocks,
            downs=settings.downs,
            stem=settings.stem,
            skip=settings.skip,
        )
        for _ in range(2)
    ]
    discriminators = [
        patch_discriminator(
            shape, width=settings.discriminator_channels, layers=settings.discriminator_layers
        )
        for _ in range(2)
    ]
    return Networks(*generators, *discriminators)


def _adam(networks: list[nn.Module], settings: CycleGanSettings) -> torch.optim.Optimizer:
    parameters = [parameter for network in networks for parameter in network.parameters()]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.Adam(parameters, lr=settings.learning_rate, betas=betas, foreach=True)


def rate_factor(step: int, steps: int) -> float:
    """Return the share of the learning rate: 1 for the first half, then linearly to almost zero.

    >>> [rate_factor(step, 4) for step in range(4)]
    [1.0, 1.0, 0.6666666666666667, 0.33333333333333337]
    """
    half = steps // 2
    return 1.0 - max(0, step + 1 - half) / (steps - half + 1)


def _updates(run: _Run, step: int) -> list[float]:
    """Update both generators once, then both discriminators; return a row of ``RECORDED``."""
    draws = torch_generator(run.seed, "cycle-gan", "step", step)
    safe, risky = _batches(run, draws)
    rate = run.settings.learning_rate * rate_factor(step, run.settings.steps)
    for optimizer in (run.generators_optimizer, run.discriminators_optimizer):
        optimizer.param_groups[0]["lr"] = rate
    losses = _update_generators(run, safe, risky)
    d_risky, d_safe = _update_discriminators(run, losses, safe, risky, draws)
    scalars = (losses.adversarial_s2r, losses.adversarial_r2s, losses.cycle, d_risky, d_safe)
    row = [scalar.item() for scalar in scalars]
    if not np.isfinite(row).all():
        raise TrainingError(
            "E070",
            f"a CycleGAN loss is no longer finite ({', '.join(RECORDED)}: {row})",
            where=f"step {step + 1} of {run.settings.steps}",
            fix="Lower transform.learning_rate, or try another seed.",
        )
    return row


def _batches(run: _Run, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw the labels, then for each of them one image from either domain."""
    labels = torch.multinomial(
        run.label_weights, run.settings.batch, replacement=True, generator=draws
    )
    safe, risky = (
        scaled(domain.pixels[_one_of_each(domain.labels, labels, draws)])
        for domain in (run.safe, run.risky)
    )
    return safe, risky


def _one_of_each(have: torch.Tensor, want: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    """Draw, for every label wanted, the position of one image that has it."""
    order = torch.argsort(have, stable=True)
    count = torch.bincount(have, minlength=int(want.max()) + 1)
    first = torch.cumsum(count, 0) - count
    within = torch.rand(len(want), generator=draws, dtype=torch.float64) * count[want]
    return order[first[want] + within.long()]


def _update_generators(run: _Run, safe: torch.Tensor, risky: torch.Tensor) -> GeneratorLosses:
    networks, settings = run.networks, run.settings
    for network in (networks.risky, networks.safe):
        network.requires_grad_(requires_grad=False)
    losses = generators_loss(
        networks,
        safe,
        risky,
        cycle_weight=settings.cycle_weight,
        identity_weight=settings.identity_weight,
    )
    run.generators_optimizer.zero_grad()
    losses.total.backward()
    run.generators_optimizer.step()
    for network in (networks.risky, networks.safe):
        network.requires_grad_(requires_grad=True)
    return losses


def _update_discriminators(
    run: _Run,
    losses: GeneratorLosses,
    safe: torch.Tensor,
    risky: torch.Tensor,
    draws: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    fake_risky = run.risky_pool.exchange(losses.fake_risky.detach(), generator=draws)
    fake_safe = run.safe_pool.exchange(losses.fake_safe.detach(), generator=draws)
    weight = run.settings.source_negatives
    d_risky, d_safe = (
        discriminator_loss(
            network(real),
            network(fake),
            network(source) if weight > 0 else None,
            source_negatives=weight,
        )
        for network, real, fake, source in (
            (run.networks.risky, risky, fake_risky, safe),
            (run.networks.safe, safe, fake_safe, risky),
        )
    )
    run.discriminators_optimizer.zero_grad()
    (d_risky + d_safe).backward()
    run.discriminators_optimizer.step()
    return d_risky, d_safe


def _judge(run: _Run) -> dict[str, float]:
    """Measure both maps on the images that never train."""
    networks, safe, risky = run.networks, run.safe.held, run.risky.held
    with torch.no_grad():
        fake_risky, fake_safe = networks.s2r(safe), networks.r2s(risky)
        errors = {
            "held_cycle_safe": functional.l1_loss(networks.r2s(fake_risky), safe),
            "held_cycle_risky": functional.l1_loss(networks.s2r(fake_safe), risky),
            "held_change_s2r": functional.l1_loss(fake_risky, safe),
            "held_change_r2s": functional.l1_loss(fake_safe, risky),
        }
    constants = [(held - held.mean(dim=0)).abs().mean().item() for held in (safe, risky)]
    facts = {name: error.item() for name, error in errors.items()}
    both = (facts["held_cycle_safe"] + facts["held_cycle_risky"]) / 2
    likeness = {
        "likeness_s2r": _correlation(safe, fake_risky),
        "likeness_r2s": _correlation(risky, fake_safe),
    }
    return facts | likeness | {"held_cycle": both, "constant": sum(constants) / 2}


def _correlation(images: torch.Tensor, others: torch.Tensor) -> float:
    """Return the correlation of all pixels; 0 where one side is constant."""
    pair = torch.stack([images.flatten(), others.flatten()]).double()
    return float(torch.corrcoef(pair)[0, 1].nan_to_num())


def _sizes(run: _Run) -> dict[str, float]:
    return {
        "trained_safe": float(len(run.safe.labels)),
        "trained_risky": float(len(run.risky.labels)),
        "held_safe": float(len(run.safe.held)),
        "held_risky": float(len(run.risky.held)),
    }
