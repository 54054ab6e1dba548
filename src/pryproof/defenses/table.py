"""The defenses of the comparison, by name: one line each."""

from collections.abc import Callable
from dataclasses import dataclass

from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.defenses.relax_loss import relax_loss
from pryproof.training.defense import Defense


@dataclass(frozen=True, kw_only=True)
class Strength:
    """The numbers a defense may need: crop padding (pixels), RelaxLoss target (nats) and cap."""

    padding: int
    alpha: float
    upper: float = 1.0


DEFENSES: dict[str, Callable[[Strength], Defense]] = {
    "none": lambda _: Defense(),
    "crop_flip": lambda s: Defense(batch=dynamic_crop_flip(s.padding)),
    "relax_loss": lambda s: Defense(
        batch=dynamic_crop_flip(s.padding), loss=relax_loss(s.alpha, upper=s.upper)
    ),
}
