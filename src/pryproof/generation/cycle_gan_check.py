"""Judge a CycleGAN on images that never trained, and name what went wrong in plain sentences."""

from collections.abc import Mapping

import torch
from torch.nn import functional

from pryproof.generation.cycle_gan import Networks, answers
from pryproof.generation.image_pool import Labelled
from pryproof.generation.paired import Pair
from pryproof.generation.settings import CycleGanSettings

HELD = ("held_cycle_safe", "held_cycle_risky", "held_change_s2r", "held_change_r2s")
DIRECTIONS = {"s2r": "safe to risky", "r2s": "risky to safe"}
LEAST_CHANGE = 0.01  # L1 in the range [-1, 1]: about one of 256 levels
LEAST_VARIETY = 0.1  # of the outputs' spread about their mean image, against the inputs'
MOST_CYCLE = 0.1  # held-out cycle error, range [-1, 1] (methods 7)
SATURATED = 0.01  # a discriminator's loss; one that cannot tell has .25

LITERAL = (
    "the adversarial term is Eq. 2 as printed: no discriminator saw an image of its own domain, so"
    " nothing led the maps there; an ablation, not a transform"
)


def judge(networks: Networks, pair: Pair) -> dict[str, float]:
    """Measure both maps on the images that never train; see ``CycleGan.facts``."""
    safe, risky = pair.safe.held, pair.risky.held
    with torch.no_grad():
        (fake_risky,), (fake_safe,) = answers(networks.s2r, [safe]), answers(networks.r2s, [risky])
        (back_safe,) = answers(networks.r2s, [Labelled(fake_risky, safe.labels)])
        (back_risky,) = answers(networks.s2r, [Labelled(fake_safe, risky.labels)])
        errors = {
            "held_cycle_safe": functional.l1_loss(back_safe, safe.images),
            "held_cycle_risky": functional.l1_loss(back_risky, risky.images),
            "held_change_s2r": functional.l1_loss(fake_risky, safe.images),
            "held_change_r2s": functional.l1_loss(fake_safe, risky.images),
        }
    facts = {name: error.item() for name, error in errors.items()}
    spreads = [_spread(held.images) for held in (safe, risky)]
    both = (facts["held_cycle_safe"] + facts["held_cycle_risky"]) / 2
    return facts | {
        "likeness_s2r": correlation(safe.images, fake_risky),
        "likeness_r2s": correlation(risky.images, fake_safe),
        "structure_s2r": correlation(_centred(safe.images), _centred(fake_risky)),
        "structure_r2s": correlation(_centred(risky.images), _centred(fake_safe)),
        "variety_s2r": _spread(fake_risky) / spreads[0] if spreads[0] else float("nan"),
        "variety_r2s": _spread(fake_safe) / spreads[1] if spreads[1] else float("nan"),
        "held_cycle": both,
        "constant": sum(spreads) / 2,
    }


def _centred(images: torch.Tensor) -> torch.Tensor:
    return images - images.mean(dim=(1, 2, 3), keepdim=True)


def _spread(images: torch.Tensor) -> float:
    """Return the mean |x - mean image|."""
    return (images - images.mean(dim=0)).abs().mean().item()


def correlation(images: torch.Tensor, others: torch.Tensor) -> float:
    """Return the correlation of all pixels; 0 where one side is constant."""
    both = torch.stack([images.flatten(), others.flatten()]).double()
    return float(torch.corrcoef(both)[0, 1].nan_to_num())


def sizes(pair: Pair) -> dict[str, float]:
    """Count what trained and what was held out and looked at."""
    return {
        "trained_safe": float(len(pair.safe.labels)),
        "trained_risky": float(len(pair.risky.labels)),
        "held_safe": float(len(pair.safe.held.images)),
        "held_risky": float(len(pair.risky.held.images)),
    }


def warnings_of(facts: Mapping[str, float], settings: CycleGanSettings) -> tuple[str, ...]:
    """Name maps that do nothing, that collapsed or inverted, and training that taught nothing.

    ``facts`` holds those of ``judge`` and ``d_risky``, ``d_safe``: the discriminators' last losses.
    """
    found = []
    for direction, words in DIRECTIONS.items():
        change, variety = facts[f"held_change_{direction}"], facts[f"variety_{direction}"]
        structure = facts[f"structure_{direction}"]
        if change < LEAST_CHANGE:
            found.append(f"{words} changes nothing (L1 {change:.4f} in the range [-1, 1])")
        if variety < LEAST_VARIETY:
            found.append(
                f"{words} answers nearly the same image always"
                f" ({variety:.0%} of the variety of what it is given)"
            )
        if structure < 0:
            found.append(
                f"{words} inverts images (correlation {structure:.2f}), which the cycle does not"
                " punish: set identity_weight to 0.5"
            )
    if facts["held_cycle"] > MOST_CYCLE:
        found.append(
            f"the cycle does not close on images held out ({facts['held_cycle']:.3f}, above"
            f" {MOST_CYCLE}): content is lost, train longer"
        )
    return (*found, *_of_discriminators(facts, settings))


def _of_discriminators(facts: Mapping[str, float], settings: CycleGanSettings) -> list[str]:
    if settings.adversarial == "literal":
        return [LITERAL]
    return [
        f"the discriminator of {name} images is right about everything (loss"
        f" {facts[f'd_{name}']:.4f}; .25 = cannot tell): it no longer teaches its generator,"
        " lower the learning rate or discriminator_channels"
        for name in ("risky", "safe")
        if facts[f"d_{name}"] < SATURATED
    ]
