"""The networks of CycleGAN (Zhu et al. 2017): a residual encoder-decoder and a patch discriminator.

Instance normalisation has neither affine parameters nor running statistics, so an image's answer
never depends on its neighbours in the batch.
"""

import torch
from jaxtyping import Float
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.layout import channels_last

Images = Float[torch.Tensor, "batch channels height width"]


class ResidualBlock(nn.Module):
    """Two reflected 3x3 convolutions with instance normalisation, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(
        self, x: Float[torch.Tensor, "batch width h w"]
    ) -> Float[torch.Tensor, "batch width h w"]:
        return x + self.layers(x)


class CycleGenerator(nn.Module):
    """7,837,699 parameters at width 64, six blocks, two halvings, stem 7 and three channels.

    With ``skip`` the last convolution sees the image beside the features: for budgets too small to
    learn to carry an image's detail through all the layers.
    """

    def __init__(
        self, *, channels: int, width: int, blocks: int, downs: int, stem: int, skip: bool
    ) -> None:
        super().__init__()
        pad = stem // 2
        layers: list[nn.Module] = [nn.ReflectionPad2d(pad), nn.Conv2d(channels, width, stem)]
        layers += [nn.InstanceNorm2d(width), nn.ReLU()]
        for level in range(downs):
            inside, outside = width * 2**level, width * 2 ** (level + 1)
            layers += [nn.Conv2d(inside, outside, 3, stride=2, padding=1)]
            layers += [nn.InstanceNorm2d(outside), nn.ReLU()]
        layers += [ResidualBlock(width * 2**downs) for _ in range(blocks)]
        for level in reversed(range(downs)):
            inside, outside = width * 2 ** (level + 1), width * 2**level
            up = nn.ConvTranspose2d(inside, outside, 3, stride=2, padding=1, output_padding=1)
            layers += [up, nn.InstanceNorm2d(outside), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        seen = width + channels if skip else width
        self.last = nn.Sequential(nn.ReflectionPad2d(pad), nn.Conv2d(seen, channels, stem))
        self.skip = skip

    def forward(self, images: Images) -> Images:
        features = self.layers(images)
        if self.skip:
            features = torch.cat([features, images], dim=1)
        return torch.tanh(self.last(features))


class PatchDiscriminator(nn.Module):
    """Judge overlapping patches: 662,977 parameters at width 64, two layers and three channels."""

    def __init__(self, *, channels: int, width: int, layers: int) -> None:
        super().__init__()
        stack: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1)]
        stack += [nn.LeakyReLU(0.2)]
        inside = width
        for level in range(1, layers + 1):
            outside, stride = width * 2 ** min(level, 3), 2 if level < layers else 1
            stack += [nn.Conv2d(inside, outside, 4, stride=stride, padding=1)]
            stack += [nn.InstanceNorm2d(outside), nn.LeakyReLU(0.2)]
            inside = outside
        stack += [nn.Conv2d(inside, 1, 4, padding=1)]
        self.stack = nn.Sequential(*stack)

    def forward(self, images: Images) -> Float[torch.Tensor, "batch 1 rows columns"]:
        return self.stack(images)


def cycle_generator(
    shape: tuple[int, int, int],
    *,
    width: int,
    blocks: int,
    downs: int,
    stem: int = 7,
    skip: bool = False,
) -> nn.Module:
    """Build a generator; both sides of the images must be multiples of 2**downs."""
    height, breadth, channels = shape
    if height % 2**downs or breadth % 2**downs or min(height, breadth) < 2 ** (downs + 1):
        raise ConfigurationError(
            "E052",
            f"{downs} halvings need sides that are multiples of {2**downs} and at least"
            f" {2 ** (downs + 1)} pixels, got {height} x {breadth}",
            where="transform.downs",
            fix="Choose fewer halvings, or resize the images.",
        )
    generator = CycleGenerator(
        channels=channels, width=width, blocks=blocks, downs=downs, stem=stem, skip=skip
    )
    return _prepared(generator)


def patch_discriminator(shape: tuple[int, int, int], *, width: int, layers: int) -> nn.Module:
    """Build a discriminator; what is left after its halvings must still hold a patch."""
    height, breadth, channels = shape
    if min(height, breadth) // 2**layers < 3:
        raise ConfigurationError(
            "E052",
            f"a discriminator of {layers} strided layers needs sides of {3 * 2**layers} pixels,"
            f" got {height} x {breadth}",
            where="transform.discriminator_layers",
            fix="Choose fewer layers.",
        )
    return _prepared(PatchDiscriminator(channels=channels, width=width, layers=layers))


def _prepared(module: nn.Module) -> nn.Module:
    """Draw every weight from N(0, 0.02^2), set every bias to zero."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.02)
        else:
            nn.init.zeros_(parameter)
    return channels_last(module)
