"""A small plain vision transformer: HiViT's blocks without the stages before them.

Tokens are patches seen by one convolution (Dosovitskiy et al. 2021); positions are learnt, and as
in HiViT every pair of tokens has a relative bias and the head sees the mean of all tokens.
"""

import torch
from jaxtyping import Float
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.hivit import EPS, TransformerBlock, initialise, no_weight_decay

SIDE, WIDTH, DEPTH, HEADS = 4, 48, 2, 4  # tokens along a side, their width, blocks, heads


class VisionTransformer(nn.Module):
    """Patches to tokens, transformer blocks, mean over tokens, a linear head."""

    def __init__(self, *, classes: int, channels: int, side: int) -> None:
        super().__init__()
        patch = side // SIDE
        self.patches = nn.Conv2d(channels, WIDTH, patch, stride=patch)
        self.position = nn.Parameter(torch.empty(SIDE**2, WIDTH))
        blocks = [TransformerBlock(WIDTH, heads=HEADS, side=SIDE, drop=0.0) for _ in range(DEPTH)]
        self.blocks = nn.Sequential(*blocks)
        self.last_norm = nn.LayerNorm(WIDTH, eps=EPS)
        self.head = nn.Linear(WIDTH, classes)
        initialise(self)

    def forward(
        self, images: Float[torch.Tensor, "batch channels height width"]
    ) -> Float[torch.Tensor, "batch classes"]:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.position
        return self.head(self.last_norm(self.blocks(tokens).mean(dim=1)))

    def no_weight_decay(self) -> set[str]:
        """Name what an optimizer's weight decay must spare; the training asks every network."""
        return no_weight_decay(self)


def vit_mini(*, classes: int, channels: int, side: int) -> VisionTransformer:
    """Build a transformer a laptop trains by the dozen, for square images of ``side`` pixels.

    It is no published network: 4 x 4 tokens whatever the side, two blocks of width 48, four heads.
    """
    if side < SIDE or side % SIDE:
        raise ConfigurationError(
            "E052",
            f"vit_mini cuts an image into {SIDE} x {SIDE} patches and needs a side divisible by "
            f"{SIDE}, got {side}",
            where="train.model",
            fix="Resize the images, or choose another network.",
        )
    return VisionTransformer(classes=classes, channels=channels, side=side)
