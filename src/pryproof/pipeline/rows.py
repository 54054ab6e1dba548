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
    reference: bool = False  # the defender uses images beside the members


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
    "ce_cutout": Row(
        title="CE + crop/flip + Cutout",
        note="crop/flip, then a square cut out of every image",
        trains_on="real",
        defense="cutout",
    ),
    "ce_static": Row(
        title="CE on static copies",
        note="every member replaced by augmented copies, drawn once",
        trains_on="real",
        defense="static_copies",
    ),
    "label_smoothing": Row(
        title="Label smoothing",
        note="cross entropy to softened labels, crop/flip",
        trains_on="real",
        defense="label_smoothing",
    ),
    "early_stopping": Row(
        title="Early stopping",
        note="the epoch that does best on members held back, crop/flip",
        trains_on="real",
        defense="early_stopping",
    ),
    "hamp": Row(
        title="HAMP",
        note="uncertain labels, an entropy bonus, and answers that show another image's scores",
        trains_on="real",
        defense="hamp",
    ),
    "crl": Row(
        title="CRL",
        note="loss, and distance to the class's centre, held near targets",
        trains_on="real",
        defense="crl",
    ),
    "selena": Row(
        title="SELENA",
        note="a student of what teachers say of samples they did not see",
        trains_on="real",
        defense="selena",
    ),
    "dmp": Row(
        title="Knowledge transfer (DMP)",
        note="a student of a teacher's answers on reference images, never shown a member",
        trains_on="real",
        defense="dmp",
        reference=True,
    ),
    "adversarial_regularisation": Row(
        title="Adversarial regularisation",
        note="trained against an adversary that tells members from reference images",
        trains_on="real",
        defense="adversarial_regularisation",
        reference=True,
    ),
    "memguard": Row(
        title="MemGuard-style masking",
        note="crop/flip alone; answers masked so that the defender's own attack guesses",
        trains_on="real",
        defense="memguard",
        reference=True,
    ),
    "dp_sgd": Row(
        title="DP-SGD",
        note="per-sample clipping and noise; epsilon and its caveats stand below",
        trains_on="real",
        defense="dp_sgd",
    ),
}

VALUES_FAKES = Row(
    title="RelaxLoss on real and fake",
    note="values the fakes: they must have been seen to be valued",
    trains_on="fakes",
    defense="relax_loss",
)
