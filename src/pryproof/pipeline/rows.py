"""The rows of the comparison: what each trains on, and with which defense."""

from dataclasses import dataclass
from typing import Literal

SetName = Literal["real", "fakes", "protected"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to train the deployed classifier."""

    title: str
    note: str
    trains_on: SetName
    defense: str
    early: bool = False  # stop after train.early_share of the epochs


ROWS: dict[str, Row] = {
    "ce": Row(
        title="CE on real",
        note="plain cross entropy, no augmentation: the undefended model",
        trains_on="real",
        defense="none",
    ),
    "ce_early": Row(
        title="CE, stopped early",
        note="the undefended model with a fraction of the epochs: the dull baseline",
        trains_on="real",
        defense="none",
        early=True,
    ),
    "ce_crop_flip": Row(
        title="CE + crop/flip",
        note="plain cross entropy with dynamic augmentation",
        trains_on="real",
        defense="crop_flip",
    ),
    "fakes": Row(
        title="CE + fake",
        note="real images and generated ones as they are, same crop/flip on both",
        trains_on="fakes",
        defense="crop_flip",
    ),
    "fakes_transformed": Row(
        title="CE + fake, transformed",
        note="safe reals, G_r2s(other reals), risky fakes, G_s2r(other fakes); same crop/flip",
        trains_on="protected",
        defense="crop_flip",
    ),
    "relax_loss": Row(
        title="RelaxLoss + crop/flip",
        note="cross entropy held near a target; the runs that also value the samples",
        trains_on="real",
        defense="relax_loss",
    ),
}

VALUES_FAKES = Row(
    title="RelaxLoss on real and fake",
    note="values the fakes: they must have been seen to be valued",
    trains_on="fakes",
    defense="relax_loss",
)
