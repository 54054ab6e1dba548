"""What may be chosen about the two generators: plain fields, that can be hashed and stored."""

from dataclasses import dataclass
from typing import Literal

from pryproof.models.tac_gan import Network
from pryproof.training.recipe import Precision

Adversarial = Literal["lsgan", "source_negatives", "literal"]


@dataclass(frozen=True, kw_only=True)
class TacGanSettings:
    """How to train a TAC-GAN; as it stands, the official CIFAR-100 script's settings (methods 6.2).

    Two things differ from that script. ``diff_augment`` is on, because without it few images are
    learned by heart: switch it off beyond 25,000 images. And sampling uses standing statistics.
    """

    network: Network = "published"
    channels: int = 256  # width of every published block; of the widest picture in a small network
    latent: int = 128
    steps: int = 125_000  # updates of the generator
    discriminator_steps: int = 2  # updates of the discriminator before each of those
    batch: int = 100
    learning_rate: float = 2e-4
    beta1: float = 0.0
    beta2: float = 0.999
    classifier_weight: float = 1.0  # of both classifiers' losses beside the hinge
    ema: float = 0.9999  # decay a step of the averaged generator
    ema_start: int = 10_000  # first step of the average
    diff_augment: bool = True  # show the discriminator shifted and cut images, real and fake
    cutout: bool = True  # part of diff_augment: without it images are shifted only
    standing_batches: int = 100  # class-balanced batches behind the stored normalisation statistics
    records: int = 100  # rows of the history
    precision: Precision = "float32"  # of the networks in training; all else is always float32


@dataclass(frozen=True, kw_only=True)
class CycleGanSettings:
    """How to train a CycleGAN; as it stands, the published networks and losses (methods 7).

    ``adversarial``, what a discriminator D learns to tell real target images from. "lsgan": fakes.
    "source_negatives": fakes, and untouched source images at the weight ``source_negatives`` (0 is
    read as 1), the term the paper prints. "literal": Eq. 2 as printed, which D and generator both
    descend: D answers 0 on source images and 1 on fakes and never sees its own domain; for an
    ablation only. A weight above 0 with "lsgan" is "source_negatives"; with "literal" an error.
    """

    channels: int = 64
    blocks: int = 6
    downs: int = 2
    stem: int = 7  # kernel of the first and the last convolution, odd
    skip: bool = False  # show the image to the last convolution too, for small budgets
    discriminator_channels: int = 64
    discriminator_layers: int = 2  # 2 for 32 pixels, 3 for 64
    steps: int = 50_000
    batch: int = 32
    learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    cycle_weight: float = 10.0
    identity_weight: float = 0.0  # times cycle_weight; .5 in the original, none in the paper
    adversarial: Adversarial = "lsgan"
    source_negatives: float = 0.0  # weight of source images as negatives
    conditional: bool = False  # show the label to all four networks: G(x, y), D(x, y)
    pool: int = 50
    stratified: bool = True  # draw the same labels from both domains
    records: int = 20  # evaluations on the images held out
    precision: Precision = "float32"  # of the networks in training; losses are always float32
