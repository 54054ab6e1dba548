"""What a CycleGAN trains on: two domains, a part of each held out, and batches of equal labels."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.generation.image_pool import Labelled
from pryproof.generation.settings import CycleGanSettings
from pryproof.training.loop import scaled

LEAST_HELD = 8  # images of each domain that never train, at least; else a tenth
JUDGED = 200  # held-out images of each domain looked at, at most


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The images of one domain: those that train, and those held out."""

    pixels: torch.Tensor  # uint8
    labels: torch.Tensor
    strata: torch.Tensor  # by which batches are drawn: the labels, or 0 for all
    held: Labelled  # [-1, 1]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both domains, and how often each stratum is drawn."""

    safe: Domain
    risky: Domain
    weights: torch.Tensor
    conditional: bool
    device: torch.device

    def trained_labels(self) -> torch.Tensor:
        """Return the labels that both domains train on."""
        shared = np.intersect1d(self.safe.labels.numpy(), self.risky.labels.numpy())
        return torch.from_numpy(shared)


def paired(
    safe: tuple[np.ndarray, np.ndarray],
    risky: tuple[np.ndarray, np.ndarray],
    *,
    settings: CycleGanSettings,
    seed: int,
    device: torch.device,
) -> Pair:
    """Split both domains (images, labels) into what trains and what is held out."""
    domains = [
        _domain(*given, name=name, settings=settings, seed=seed, device=device)
        for given, name in ((safe, "safe"), (risky, "risky"))
    ]
    return Pair(
        safe=domains[0],
        risky=domains[1],
        weights=_weights(*domains),
        conditional=settings.conditional,
        device=device,
    )


def held_out(count: int, *, seed: int, name: str) -> Int64[np.ndarray, " held"]:
    """Return the positions of the images of a domain, "safe" or "risky", that never train."""
    order = seeds.generator(seed, "cycle-gan", "held", name).permutation(count)
    return order[: max(LEAST_HELD, count // 10)]


def _domain(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    name: str,
    settings: CycleGanSettings,
    seed: int,
    device: torch.device,
) -> Domain:
    if len(images) < 2 * LEAST_HELD:
        raise ConfigurationError(
            "E045",
            f"the {name} domain must hold {2 * LEAST_HELD} images or more, got {len(images)}",
            where="value.share",
            fix="Raise value.share or value.minimum, or set value.rule to mean_rank.",
        )
    held = held_out(len(images), seed=seed, name=name)
    train = np.setdiff1d(np.arange(len(images)), held)
    own = torch.from_numpy(labels[train])
    shown = held[:JUDGED]
    asked = torch.from_numpy(labels[shown]).to(device) if settings.conditional else None
    return Domain(
        pixels=torch.from_numpy(images[train]).to(device),
        labels=own,
        strata=own if settings.stratified else torch.zeros_like(own),
        held=Labelled(scaled(torch.from_numpy(images[shown]).to(device)), asked),
    )


def _weights(safe: Domain, risky: Domain) -> torch.Tensor:
    classes = int(max(safe.strata.max(), risky.strata.max())) + 1
    counts = [torch.bincount(domain.strata, minlength=classes) for domain in (safe, risky)]
    shared = torch.minimum(*counts).double()
    if not shared.any():
        raise ConfigurationError(
            "E045",
            "stratified drawing needs a class with safe and risky images, and there is none",
            where="transform.stratified",
            fix="Raise value.share, or set transform.stratified to false.",
        )
    return shared


def batches(pair: Pair, size: int, draws: torch.Generator) -> tuple[Labelled, Labelled]:
    """Draw strata, then for each of them one image from either domain; safe first."""
    strata = torch.multinomial(pair.weights, size, replacement=True, generator=draws)
    safe, risky = (_batch(pair, domain, strata, draws) for domain in (pair.safe, pair.risky))
    return safe, risky


def _batch(pair: Pair, domain: Domain, strata: torch.Tensor, draws: torch.Generator) -> Labelled:
    rows = one_of_each(domain.strata, strata, draws)
    images = scaled(domain.pixels[rows.to(pair.device)])
    return Labelled(images, domain.labels[rows].to(pair.device) if pair.conditional else None)


def one_of_each(have: torch.Tensor, want: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    """Draw, for every label wanted, the position of one image that has it."""
    order = torch.argsort(have, stable=True)
    count = torch.bincount(have, minlength=int(want.max()) + 1)
    first = torch.cumsum(count, 0) - count
    within = torch.rand(len(want), generator=draws, dtype=torch.float64) * count[want]
    return order[first[want] + within.long()]
