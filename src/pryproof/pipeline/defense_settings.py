"""Every defense's own settings; what a number does is said where the defense is (``defenses``)."""

import math
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pryproof.pipeline.part import Part
from pryproof.pipeline.task import CHOSEN


class RelaxLoss(Part):
    """RelaxLoss: target loss (nats), the cap of the soft target, whose reading (methods 4).

    ``alpha`` may be "chosen": for each training set the largest that costs no more than a point of
    accuracy on images beside the members.
    """

    alpha: float | Literal["chosen"] = 1.0
    upper: float = Field(1.0, gt=0, le=1)
    dialect: Literal["official", "paper", "crl"] = "official"
    detach_target: bool = True
    per_source_alpha: bool = False  # reals and fakes each held near alpha

    @field_validator("alpha", mode="before")
    @classmethod
    def _a_loss_or_a_word(cls, alpha: object) -> object:
        """Check both at once: a union would name its members in an error."""
        if isinstance(alpha, int | float) and not isinstance(alpha, bool):
            if 0 <= alpha < math.inf:
                return alpha
        elif alpha == CHOSEN:
            return alpha
        raise ValueError(f'must be a loss of 0 nats or more, or "{CHOSEN}"')


class Cutout(Part):
    """The side of the square cut out, in pixels."""

    length: int = Field(8, ge=1)


class StaticCopies(Part):
    """How many augmented copies take a member's place."""

    copies: int = Field(1, ge=1)


class LabelSmoothing(Part):
    """The share of probability taken from the label."""

    smoothing: float = Field(0.1, ge=0, lt=1)


class EarlyStopping(Part):
    """The share of members held back, and after how many epochs without a gain none counts."""

    share: float = Field(0.1, gt=0, lt=1)
    patience: int | None = Field(None, ge=1)


class Hamp(Part):
    """HAMP: entropy of the labels, weight of the answers' entropy, bank of random answers."""

    gamma: float = Field(0.95, ge=0, lt=1)
    alpha: float = Field(0.001, ge=0)
    bank: int = Field(1000, ge=1)


class Crl(Part):
    """Centre-based relaxed learning (``defenses.crl.Relaxing``); without alpha, RelaxLoss's."""

    alpha: float | None = Field(None, ge=0)
    upper: float = Field(1.0, gt=0, le=1)
    shorten: float = Field(0.04, ge=0)
    centre_alpha: float = Field(1.0, ge=0)
    centre_upper: float = Field(1.0, gt=0, le=1)
    centre_shorten: float = Field(1.0, ge=0)
    weight: float = Field(0.1, ge=0)
    centre_rate: float = Field(0.5, gt=0)


class Selena(Part):
    """SELENA: teachers, and how many of them must not see a sample (methods 5)."""

    teachers: int = Field(25, ge=2)
    unseen: int = Field(10, ge=1)

    @model_validator(mode="after")
    def _some_see_it(self) -> "Selena":
        if self.unseen >= self.teachers:
            raise ValueError(f"unseen must be fewer than the {self.teachers} teachers")
        return self


class Dmp(Part):
    """Knowledge transfer: the share of reference images used, and the labels' temperature."""

    share: float = Field(0.5, gt=0, le=1)
    temperature: float = Field(1.0, gt=0)


class AdversarialRegularisation(Part):
    """The weight of the adversary's gain in the classifier's loss."""

    weight: float = Field(3.0, ge=0)


class MemGuard(Part):
    """How far an answer may move (sum of absolute changes), and the defender's attack's steps."""

    budget: float = Field(1.0, ge=0)
    attack_steps: int = Field(1000, ge=1)


class DpSgd(Part):
    """DP-SGD: noise multiplier and clipping norm, or the epsilon to find the noise for."""

    noise: float = Field(1.0, ge=0)
    clip: float = Field(1.0, gt=0)
    delta: float = Field(1e-5, gt=0, lt=1)
    epsilon: float | None = Field(None, gt=0)
    views: int = Field(1, ge=1)


class Defenses(Part):
    """The defenses beside RelaxLoss, which has a place of its own: it values the samples too."""

    cutout: Cutout = Cutout()
    static_copies: StaticCopies = StaticCopies()
    label_smoothing: LabelSmoothing = LabelSmoothing()
    early_stopping: EarlyStopping = EarlyStopping()
    hamp: Hamp = Hamp()
    crl: Crl = Crl()
    selena: Selena = Selena()
    dmp: Dmp = Dmp()
    adversarial_regularisation: AdversarialRegularisation = AdversarialRegularisation()
    memguard: MemGuard = MemGuard()
    dp_sgd: DpSgd = DpSgd()

    def of(self, name: str) -> dict[str, Any]:
        """Return a defense's settings; empty where it has none."""
        found = getattr(self, name, None)
        return found.model_dump() if isinstance(found, Part) else {}
