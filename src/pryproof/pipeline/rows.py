"""The rows of the comparison: what each trains on, and with which defense.

A row that trains on more images than there are members can also be named ``NAME@steps``: as many
steps of SGD as the plain row takes, in fewer epochs. A row of reals and others that crops and flips
can be named ``NAME@augment_real``, ``@augment_fake``, ``@augment_none`` (the paper's Fig. 5).
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

SetName = Literal[
    "real",
    "fakes",
    "protected",
    "additive",
    "transformed_reals",
    "transformed_fakes",
    "fakes_alone",
    "noise",
    "noise_copies",
    "copies",
    "permuted_fakes",
    "filtered",
    "extra",
]
Augments = Literal["both", "real", "fake", "none"]

READS: dict[SetName, tuple[str, ...]] = {  # the steps, beside load, that make a training set
    "real": (),
    "fakes": ("generate",),
    "protected": ("generate", "transform", "protect"),
    "additive": ("generate", "value", "value_fake", "transform"),
    "transformed_reals": ("generate", "value", "value_fake", "transform"),
    "transformed_fakes": ("generate", "value", "value_fake", "transform"),
    "fakes_alone": ("generate",),
    "noise": (),
    "noise_copies": (),
    "copies": (),
    "permuted_fakes": ("generate",),
    "filtered": ("generate", "value", "value_fake"),
    "extra": ("extra",),
}
DRAWN = ("noise", "noise_copies", "copies", "permuted_fakes")  # need a seed and a size
WITH_SAFER = ("protected", "additive", "transformed_reals")  # hold members as G_r2s shows them


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to train the deployed classifier."""

    title: str
    note: str
    trains_on: SetName
    defense: str
    early: bool = False  # stop after train.early_share of the epochs
    reference: bool = False  # the defender uses images beside the members
    equal_steps: bool = False  # as many steps as training on the members alone takes
    augments: Augments = "both"  # which of reals and others are cropped and flipped


PLAIN_ROWS: dict[str, Row] = {
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
    "additive": Row(
        title="CE + fake + transformed",
        note="every real and every fake as they are, and the transformed ones added to them",
        trains_on="additive",
        defense="crop_flip",
    ),
    "transformed_reals": Row(
        title="CE + fake, only reals transformed",
        note="safe reals, G_r2s(other reals), every fake as generated",
        trains_on="transformed_reals",
        defense="crop_flip",
    ),
    "transformed_fakes": Row(
        title="CE + fake, only fakes transformed",
        note="every real as it is, risky fakes, G_s2r(other fakes)",
        trains_on="transformed_fakes",
        defense="crop_flip",
    ),
    "fakes_alone": Row(
        title="CE on fakes alone",
        note="no member is trained on: what leaks here passed through the generator",
        trains_on="fakes_alone",
        defense="crop_flip",
    ),
    "noise": Row(
        title="CE + noise images",
        note="control: as many images of uniform noise as fakes, with the members' labels",
        trains_on="noise",
        defense="crop_flip",
    ),
    "noise_copies": Row(
        title="CE + noisy copies",
        note="control: as many copies of members with a little pixel noise as fakes",
        trains_on="noise_copies",
        defense="crop_flip",
    ),
    "copies": Row(
        title="CE + static copies added",
        note="control: as many crops and flips of members, drawn once, as fakes",
        trains_on="copies",
        defense="crop_flip",
    ),
    "permuted_fakes": Row(
        title="CE + fake, labels permuted",
        note="control: the fakes as they are, under each other's labels",
        trains_on="permuted_fakes",
        defense="crop_flip",
    ),
    "filtered": Row(
        title="CE + fake, filtered",
        note="control: as transformed, by a blur and a contrast filter instead of a CycleGAN",
        trains_on="filtered",
        defense="crop_flip",
    ),
    "extra": Row(
        title="CE + extra reals",
        note="ceiling: as many further real images as fakes, which nothing else uses",
        trains_on="extra",
        defense="crop_flip",
    ),
    "relax_loss_fakes": Row(
        title="RelaxLoss + fake",
        note="cross entropy held near a target on real images and generated ones, crop/flip",
        trains_on="fakes",
        defense="relax_loss",
    ),
    "relax_loss_transformed": Row(
        title="RelaxLoss + fake, transformed",
        note="cross entropy held near a target on the protected set, crop/flip",
        trains_on="protected",
        defense="relax_loss",
    ),
    "hamp_transformed": Row(
        title="HAMP + fake, transformed",
        note="HAMP's labels, entropy bonus and answers on the protected set, crop/flip",
        trains_on="protected",
        defense="hamp",
    ),
}


def _at_equal_steps(row: Row) -> Row:
    note = f"{row.note}; as many steps as training on the members alone takes"
    return replace(row, title=f"{row.title}, at equal steps", note=note, equal_steps=True)


def _augmenting(row: Row, augments: Augments, words: str) -> Row:
    note = re.sub("[;,] same crop/flip.*", "", row.note) + f"; crop/flip {words}"
    return replace(row, title=f"{row.title}, crop/flip {words}", note=note, augments=augments)


ARMS: dict[Augments, str] = {
    "real": "on reals only",
    "fake": "on fakes only",
    "none": "on neither",
}
_MIXED = {
    name: row
    for name, row in PLAIN_ROWS.items()
    if row.trains_on != "real" and row.defense == "crop_flip"
}

# every name that a study may ask for
ROWS: dict[str, Row] = {
    **PLAIN_ROWS,
    **{
        f"{name}@steps": _at_equal_steps(row)
        for name, row in PLAIN_ROWS.items()
        if row.trains_on != "real" or row.defense == "static_copies"
    },
    **{
        f"{name}@augment_{arm}": _augmenting(row, arm, words)
        for name, row in _MIXED.items()
        for arm, words in ARMS.items()
        if row.trains_on != "fakes_alone"
    },
}

VALUES_FAKES = Row(
    title="RelaxLoss on real and fake",
    note="values the fakes: they must have been seen to be valued",
    trains_on="fakes",
    defense="relax_loss",
)
