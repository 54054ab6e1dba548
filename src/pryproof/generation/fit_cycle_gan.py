"""Train a CycleGAN between the safe and the risky images, judged on a tenth that never trains."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn

from pryproof.checks import DataError
from pryproof.generation.cycle_gan import (
    GeneratorLosses,
    Networks,
    answers,
    discriminator_loss,
    generators_loss,
    literal_loss,
    source_weight,
)
from pryproof.generation.cycle_gan_check import HELD, judge, sizes, warnings_of
from pryproof.generation.gan_state import GanState
from pryproof.generation.image_pool import ImagePool, Labelled
from pryproof.generation.paired import Pair, batches, paired
from pryproof.generation.settings import CycleGanSettings
from pryproof.models.cycle_gan import LabelNorm, cycle_generator, patch_discriminator
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.training.keeper import Keeper, Nowhere, scoped
from pryproof.training.loop import Progress, silent
from pryproof.training.predict import weights_of

RECORDED = ("g_s2r", "g_r2s", "cycle", "d_risky", "d_safe")
COLUMNS = ("step", *RECORDED, *HELD)


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
    inverts images, which a cycle does not punish and ``identity_weight`` does, or makes bright ones
    dark); ``structure_s2r`` and ``structure_r2s``, the same with every image's mean taken off,
    which is below 0 for inverted images only; ``variety_s2r`` and
    ``variety_r2s``, the outputs' spread about their mean image against the inputs' (0 = one image
    for all); how many images trained and were held out; and ``rollbacks``, how often the training
    diverged and was taken back. The identity has cycle error and change 0: a low error means
    something beside a change only. Whether a changed image is of the other domain, no discriminator
    of this training can say: ask ``judge_transform``.

    ``warnings``: what went wrong, as sentences; empty where nothing did.
    """

    weights: dict[str, np.ndarray]
    history: dict[str, Float[np.ndarray, " records"]]
    facts: dict[str, float]
    warnings: tuple[str, ...] = ()


def fit_cycle_gan(
    safe: UInt8[np.ndarray, "safes height width channels"],
    risky: UInt8[np.ndarray, "riskies height width channels"],
    safe_labels: Int64[np.ndarray, " safes"],
    risky_labels: Int64[np.ndarray, " riskies"],
    *,
    settings: CycleGanSettings,
    seed: int,
    classes: int | None = None,
    progress: Progress = silent,
    keep: Keeper | None = None,
    device: str = "cpu",
) -> CycleGan:
    """Learn both maps between the domains; the weights are ready for ``transform``.

    Every step draws a batch from each domain, with replacement; stratified, both batches carry the
    same labels, drawn as often as the domain with fewer such images has them, so that class cannot
    tell the domains apart. Conditional, labels 0 .. ``classes`` - 1 can be transformed later (left
    out: up to the highest label seen); those that never trained get the mean of those that did.

    ``keep`` holds the state of a run under way: stopped after any step, it goes on with the same
    bytes. A run whose losses are no longer finite goes back once, to the last record before which
    all was well, and on at half the rate; then TrainingError E070 names the step. ``progress`` is
    called once a record.
    """
    place = torch.device(device)
    given = (safe, safe_labels), (risky, risky_labels)
    pair = paired(*given, settings=settings, seed=seed, device=place)
    known = _classes(safe_labels, risky_labels, classes) if settings.conditional else 0
    with global_draws(seed, "cycle-gan", "initialisation"):
        networks = Networks(*(n.to(place) for n in _networks(safe.shape[1:], settings, known)))
    run = _Run(pair, networks, settings=settings, seed=seed)
    run.progress = progress
    run.gan.train(
        run.step,
        run.record,
        keep=keep or Nowhere(),
        batch=settings.batch,
        name="CycleGAN",
        table="transform",
    )
    return run.result()


def _classes(safe: np.ndarray, risky: np.ndarray, classes: int | None) -> int:
    seen = int(max(safe.max(), risky.max())) + 1
    if classes is not None and seen > classes:
        raise DataError(
            "E056",
            f"labels must lie below the {classes} classes, got {seen - 1}",
            fix="Give the number of all classes.",
        )
    return classes or seen


def _networks(
    shape: tuple[int, int, int], settings: CycleGanSettings, classes: int
) -> list[nn.Module]:
    generators = [
        cycle_generator(
            shape,
            width=settings.channels,
            blocks=settings.blocks,
            downs=settings.downs,
            stem=settings.stem,
            skip=settings.skip,
            classes=classes,
        )
        for _ in range(2)
    ]
    discriminators = [
        patch_discriminator(
            shape,
            width=settings.discriminator_channels,
            layers=settings.discriminator_layers,
            classes=classes,
        )
        for _ in range(2)
    ]
    return [*generators, *discriminators]


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


@final
class _Run:
    """One training under way, and what of it a kept state must hold."""

    def __init__(
        self, pair: Pair, networks: Networks, *, settings: CycleGanSettings, seed: int
    ) -> None:
        self.pair, self.networks, self.settings, self.seed = pair, networks, settings, seed
        self.source_weight = source_weight(settings.adversarial, settings.source_negatives)
        self.optimizers = {
            "generators": _adam([networks.s2r, networks.r2s], settings),
            "discriminators": _adam([networks.risky, networks.safe], settings),
        }
        self.pools = {
            name: ImagePool(settings.pool, device=pair.device) for name in ("risky", "safe")
        }
        self.gan = GanState(
            networks._asdict(),
            self.optimizers,
            steps=settings.steps,
            records=settings.records,
            learners={f"{name}_pool": pool for name, pool in self.pools.items()},
        )
        self.progress: Progress = silent

    def record(self, done: int, means: np.ndarray) -> list[float]:
        """Return a row of ``COLUMNS``."""
        judged = judge(self.networks, self.pair)
        self.progress(done / self.settings.steps, f"cycle error {judged['held_cycle']:.3f}")
        return [float(done), *means.tolist(), *(judged[name] for name in HELD)]

    def step(self, step: int) -> list[float]:
        """Update both generators once, then both discriminators; return a row of ``RECORDED``."""
        draws = torch_generator(self.seed, "cycle-gan", "step", step)
        safe, risky = batches(self.pair, self.settings.batch, draws)
        self.gan.set_rate(self.settings.learning_rate * rate_factor(step, self.settings.steps))
        losses = self._update_generators(safe, risky)
        d_risky, d_safe = self._update_discriminators(losses, safe, risky, draws)
        scalars = (losses.adversarial_s2r, losses.adversarial_r2s, losses.cycle, d_risky, d_safe)
        return [scalar.item() for scalar in scalars]

    def _cast(self) -> torch.autocast:
        halved = self.settings.precision == "bfloat16"
        return torch.autocast(self.pair.device.type, dtype=torch.bfloat16, enabled=halved)

    def _update_generators(self, safe: Labelled, risky: Labelled) -> GeneratorLosses:
        judges = (self.networks.risky, self.networks.safe)
        for network in judges:
            network.requires_grad_(requires_grad=False)
        with self._cast():
            losses = generators_loss(
                self.networks,
                safe,
                risky,
                cycle_weight=self.settings.cycle_weight,
                identity_weight=self.settings.identity_weight,
            )
        self.optimizers["generators"].zero_grad()
        losses.total.backward()
        self.optimizers["generators"].step()
        for network in judges:
            network.requires_grad_(requires_grad=True)
        return losses

    def _update_discriminators(
        self, losses: GeneratorLosses, safe: Labelled, risky: Labelled, draws: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        fakes = {
            "risky": Labelled(losses.fake_risky.detach(), safe.labels),
            "safe": Labelled(losses.fake_safe.detach(), risky.labels),
        }
        for name, pool in self.pools.items():
            fakes[name] = pool.exchange_labelled(fakes[name], generator=draws)
        with self._cast():
            d_risky = self._judged(self.networks.risky, risky, fakes["risky"], safe)
            d_safe = self._judged(self.networks.safe, safe, fakes["safe"], risky)
        self.optimizers["discriminators"].zero_grad()
        (d_risky + d_safe).backward()
        self.optimizers["discriminators"].step()
        return d_risky, d_safe

    def _judged(
        self, network: nn.Module, real: Labelled, fake: Labelled, source: Labelled
    ) -> torch.Tensor:
        """Return the loss of one discriminator."""
        if self.settings.adversarial == "literal":
            return literal_loss(*answers(network, [source, fake]))
        asked = [real, fake, source] if self.source_weight else [real, fake]
        on_real, on_fake, *on_source = answers(network, asked)
        return discriminator_loss(
            on_real,
            on_fake,
            on_source[0] if on_source else None,
            source_negatives=self.source_weight,
        )

    def result(self) -> CycleGan:
        """Return the generators, and say how the run went."""
        history = self.gan.history(COLUMNS)
        facts = judge(self.networks, self.pair) | sizes(self.pair)
        last = {name: float(history[name][-1]) for name in ("d_risky", "d_safe")}
        warnings = warnings_of(facts | last, self.settings)
        weights: dict[str, np.ndarray] = {}
        trained = self.pair.trained_labels()
        for name, network in (("s2r", self.networks.s2r), ("r2s", self.networks.r2s)):
            _fill_untrained(network, trained)
            weights |= scoped(f"{name}.", weights_of(network))
        return CycleGan(
            weights=weights,
            history=history,
            facts=facts | {"rollbacks": float(self.gan.rollbacks)},
            warnings=warnings,
        )


def _fill_untrained(network: nn.Module, trained: torch.Tensor) -> None:
    """Give labels that no batch carried the mean of those that were trained."""
    for layer in network.modules():
        if isinstance(layer, LabelNorm):
            table = layer.by_label.weight.data
            mean = table[trained].mean(dim=0)
            rest = torch.ones(len(table), dtype=torch.bool)
            rest[trained] = False
            table[rest] = mean
