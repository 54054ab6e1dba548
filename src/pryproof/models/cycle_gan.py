"""The networks of CycleGAN (Zhu et al. 2017): a residual encoder-decoder and a patch discriminator.

Instance normalisation has neither affine parameters nor running statistics, so an image's answer
never depends on its neighbours in the batch.

With ``classes`` both know the label. A generator's normalisations are then scaled and shifted by
it (Dumoulin et al. 2017); a label given as input planes would be lost, for the first normalisation
subtracts exactly what a constant plane adds. A discriminator adds the projection of its features on
the label's own direction (Miyato and Koyama 2018).
"""

import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn import functional

from pryproof.checks import ConfigurationError

Images = Float[torch.Tensor, "batch channels height width"]
Labels = Int64[torch.Tensor, " batch"]


class LabelNorm(nn.Module):
    """Instance normalisation, then a scale and a shift of every channel that the label chooses."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.normalise = nn.InstanceNorm2d(width)
        self.by_label = nn.Embedding(classes, 2 * width)

    def forward(
        self, x: Float[torch.Tensor, "batch width h w"], labels: Labels
    ) -> Float[torch.Tensor, "batch width h w"]:
        scale, shift = self.by_label(labels)[:, :, None, None].chunk(2, dim=1)
        return self.normalise(x) * (1.0 + scale) + shift


def _norm(width: int, classes: int) -> nn.Module:
    return LabelNorm(width, classes) if classes else nn.InstanceNorm2d(width)


def _through(layers: nn.Sequential, x: torch.Tensor, labels: Labels | None) -> torch.Tensor:
    """Apply layer after layer, and show the label to those that ask for it."""
    for layer in layers:
        x = layer(x, labels) if isinstance(layer, LabelNorm | ResidualBlock) else layer(x)
    return x


class ResidualBlock(nn.Module):
    """Two reflected 3x3 convolutions with instance normalisation, added to the input."""

    def __init__(self, width: int, classes: int = 0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            _norm(width, classes),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            _norm(width, classes),
        )

    def forward(
        self, x: Float[torch.Tensor, "batch width h w"], labels: Labels | None = None
    ) -> Float[torch.Tensor, "batch width h w"]:
        return x + _through(self.layers, x, labels)


class CycleGenerator(nn.Module):
    """7,837,699 parameters at width 64, six blocks, two halvings, stem 7 and three channels.

    With ``skip`` the last convolution sees the image beside the features: for budgets too small to
    learn to carry an image's detail through all the layers. With ``classes`` > 0 every image comes
    with a label.
    """

    def __init__(
        self,
        *,
        channels: int,
        width: int,
        blocks: int,
        downs: int,
        stem: int,
        skip: bool,
        classes: int = 0,
    ) -> None:
        super().__init__()
        pad = stem // 2
        layers: list[nn.Module] = [nn.ReflectionPad2d(pad), nn.Conv2d(channels, width, stem)]
        layers += [_norm(width, classes), nn.ReLU()]
        for level in range(downs):
            inside, outside = width * 2**level, width * 2 ** (level + 1)
            layers += [nn.Conv2d(inside, outside, 3, stride=2, padding=1)]
            layers += [_norm(outside, classes), nn.ReLU()]
        layers += [ResidualBlock(width * 2**downs, classes) for _ in range(blocks)]
        for level in reversed(range(downs)):
            inside, outside = width * 2 ** (level + 1), width * 2**level
            up = nn.ConvTranspose2d(inside, outside, 3, stride=2, padding=1, output_padding=1)
            layers += [up, _norm(outside, classes), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        seen = width + channels if skip else width
        self.last = nn.Sequential(nn.ReflectionPad2d(pad), nn.Conv2d(seen, channels, stem))
        self.skip = skip

    def forward(self, images: Images, labels: Labels | None = None) -> Images:
        features = _through(self.layers, images, labels)
        if self.skip:
            features = torch.cat([features, images], dim=1)
        return torch.tanh(self.last(features))


class PatchDiscriminator(nn.Module):
    """Judge overlapping patches: 662,977 parameters at width 64, two layers and three channels."""

    def __init__(self, *, channels: int, width: int, layers: int, classes: int = 0) -> None:
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
        self.by_label = nn.Embedding(classes, inside) if classes else None

    def forward(
        self, images: Images, labels: Labels | None = None
    ) -> Float[torch.Tensor, "batch 1 rows columns"]:
        features = self.stack[:-1](images)
        answers = self.stack[-1](features)
        if self.by_label is None or labels is None:
            return answers
        direction = self.by_label(labels)[:, :, None, None]
        projection = (features * direction).sum(dim=1, keepdim=True)
        # the last convolution leaves one row and column less, and so does a mean of 2 x 2
        return answers + functional.avg_pool2d(projection, 2, stride=1)


def cycle_generator(
    shape: tuple[int, int, int],
    *,
    width: int,
    blocks: int,
    downs: int,
    stem: int = 7,
    skip: bool = False,
    classes: int = 0,
) -> nn.Module:
    """Build a generator; both sides of the images must be multiples of 2**downs.

    ``classes`` = 0 makes one that knows no label.
    """
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
        channels=channels,
        width=width,
        blocks=blocks,
        downs=downs,
        stem=stem,
        skip=skip,
        classes=classes,
    )
    return _prepared(generator)


def patch_discriminator(
    shape: tuple[int, int, int], *, width: int, layers: int, classes: int = 0
) -> nn.Module:
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
    discriminator = PatchDiscriminator(
        channels=channels, width=width, layers=layers, classes=classes
    )
    return _prepared(discriminator)


def _prepared(module: nn.Module) -> nn.Module:
    """Draw every weight from N(0, 0.02^2), set every bias to zero.

    The weights stay contiguous, unlike all other networks': instance normalisation answers so
    whatever it is given, and channels last between it and the convolutions costs a copy each way.
    """
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.02)
        else:
            nn.init.zeros_(parameter)
    return module
