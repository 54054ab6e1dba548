"""Generators and discriminators of TAC-GAN (Gong et al. 2019): published, medium and small ones.

Every generator starts from a bottom of 4 to 7 pixels and doubles it. Every discriminator is
spectrally normalised throughout, sums its last features over space and answers three times:
real or fake, the class (taught on real images), and the class (its twin, taught on fakes).

A convolution next to a doubling or a halving is one 4x4 convolution with it, strided: the same map,
4/9 of the work.
"""

from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar, cast

import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import ParametrizationList

from pryproof.checks import ConfigurationError
from pryproof.models.layout import channels_last

Network = Literal["published", "medium", "small"]
Images = Float[torch.Tensor, "batch channels height width"]
Features = Float[torch.Tensor, "batch _ _ _"]
Labels = Int64[torch.Tensor, " batch"]
Layer = TypeVar("Layer", bound=nn.Module)


class Answers(NamedTuple):
    """What a discriminator says of a batch."""

    real: Float[torch.Tensor, " batch"]  # higher = more real
    label: Float[torch.Tensor, "batch classes"]  # logits, taught on real images only
    twin: Float[torch.Tensor, "batch classes"]  # logits, taught on fakes only


class ConditionalNorm(nn.Module):
    """Batch normalisation whose gain, 1 + a table's row, and bias are the class's own."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.gain = nn.Embedding(classes, width)
        self.bias = nn.Embedding(classes, width)

    def forward(self, x: Features, labels: Labels) -> Features:
        gain, bias = self.gain(labels), self.bias(labels)
        return self.norm(x) * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


class UpBlock(nn.Module):
    """Normalise, double, convolve, normalise, convolve; a doubled 1x1 convolution runs beside."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm1 = ConditionalNorm(width, classes)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = ConditionalNorm(width, classes)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.shortcut = nn.Conv2d(width, width, 1)

    def forward(self, x: Features, labels: Labels) -> Features:
        y = doubled_then_convolved(functional.relu(self.norm1(x, labels)), self.conv1)
        y = self.conv2(functional.relu(self.norm2(y, labels)))
        return y + _doubled(
            self.shortcut(x)
        )  # 1x1 before doubling: the same map, a quarter of the work


class PublishedGenerator(nn.Module):
    """Residual doublings of one width: 4,580,867 parameters at 32 px, width 256, 100 classes."""

    def __init__(
        self, *, shape: tuple[int, int, int], classes: int, width: int, latent: int
    ) -> None:
        super().__init__()
        self.bottom, doublings = bottom_and_doublings(shape)
        self.linear = nn.Linear(latent, width * self.bottom**2)
        self.blocks = nn.ModuleList(UpBlock(width, classes) for _ in range(doublings))
        self.norm = nn.BatchNorm2d(width)
        self.conv = nn.Conv2d(width, shape[2], 3, padding=1)

    def forward(self, z: Float[torch.Tensor, "batch latent"], labels: Labels) -> Images:
        x = self.linear(z).unflatten(1, (-1, self.bottom, self.bottom))
        x = x.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, labels)
        return torch.tanh(self.conv(functional.relu(self.norm(x))))


class SubPixel(nn.Module):
    """Double the side: a 3x3 convolution whose four answers a pixel are laid out as a square.

    It works on the small side, which a CPU does several times faster than the doubled one.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, 4 * outside, 3, padding=1)

    def forward(self, x: Features) -> Features:
        return functional.pixel_shuffle(self.conv(x), 2)

    def start_even(self) -> None:
        """Give the four answers the same weights: no checkerboard to unlearn."""
        with torch.no_grad():
            self.conv.weight.copy_(self.conv.weight[::4].repeat_interleave(4, dim=0))


class SmallGenerator(nn.Module):
    """A prototype a class plus noise, then sub-pixel doublings, each half as wide as the last."""

    def __init__(
        self, *, shape: tuple[int, int, int], classes: int, width: int, latent: int
    ) -> None:
        super().__init__()
        self.bottom, doublings = bottom_and_doublings(shape)
        widths = [width * min(4, 2**level) for level in reversed(range(doublings))]
        self.linear = nn.Linear(latent, widths[0] * self.bottom**2)
        self.prototype = nn.Embedding(classes, widths[0] * self.bottom**2)
        self.norms = nn.ModuleList(ConditionalNorm(width, classes) for width in widths)
        self.ups = nn.ModuleList(
            SubPixel(inside, outside) for inside, outside in pairwise([*widths, shape[2]])
        )

    def forward(self, z: Float[torch.Tensor, "batch latent"], labels: Labels) -> Images:
        return torch.tanh(self.features(z, labels))

    def features(self, z: Float[torch.Tensor, "batch latent"], labels: Labels) -> Features:
        """Return what the last doubling answers."""
        x = (self.linear(z) + self.prototype(labels)).unflatten(1, (-1, self.bottom, self.bottom))
        x = x.contiguous(memory_format=torch.channels_last)
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = up(functional.relu(norm(x, labels)))
        return x


class MediumGenerator(SmallGenerator):
    """As the small one, but what it doubled last is normalised and painted at full size.

    Without that, squares of 2 x 2 pixels are drawn apart from each other, and their seams show.
    """

    def __init__(
        self, *, shape: tuple[int, int, int], classes: int, width: int, latent: int
    ) -> None:
        super().__init__(shape=shape, classes=classes, width=width, latent=latent)
        self.ups[-1] = SubPixel(width, width)
        self.norm = ConditionalNorm(width, classes)
        self.conv = nn.Conv2d(width, shape[2], 3, padding=1)

    def forward(self, z: Float[torch.Tensor, "batch latent"], labels: Labels) -> Images:
        x = self.features(z, labels)
        return torch.tanh(self.conv(functional.relu(self.norm(x, labels))))


class DownBlock(nn.Module):
    """Two spectrally normalised convolutions, perhaps halved; the first block takes raw pixels."""

    def __init__(self, inside: int, width: int, *, halve: bool, pixels: bool = False) -> None:
        super().__init__()
        self.conv1 = _conv(inside, width, 3)
        self.conv2 = _conv(width, width, 3)
        self.shortcut = _conv(inside, width, 1) if halve else nn.Identity()
        self.halve, self.pixels = halve, pixels

    def forward(self, x: Features) -> Features:
        y = functional.relu(self.conv1(x if self.pixels else functional.relu(x)))
        if not self.halve:
            return self.conv2(y) + x
        return convolved_then_halved(y, self.conv2) + self.shortcut(functional.avg_pool2d(x, 2))


class Heads(nn.Module):
    """Sum over space, then three linear answers."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.real = _normalised(nn.Linear(width, 1))
        self.label = _normalised(nn.Linear(width, classes))
        self.twin = _normalised(nn.Linear(width, classes))

    def forward(self, x: Features) -> Answers:
        h = x.sum(dim=(2, 3))
        return Answers(real=self.real(h).squeeze(1), label=self.label(h), twin=self.twin(h))


class PublishedDiscriminator(nn.Module):
    """Residual blocks, the last two at full size: 4,256,201 parameters at 32 px and 100 classes."""

    def __init__(self, *, shape: tuple[int, int, int], classes: int, width: int) -> None:
        super().__init__()
        _, doublings = bottom_and_doublings(shape)
        first = DownBlock(shape[2], width, halve=True, pixels=True)
        halving = [DownBlock(width, width, halve=True) for _ in range(max(1, doublings - 2))]
        plain = [DownBlock(width, width, halve=False) for _ in range(2)]
        self.blocks = nn.Sequential(first, *halving, *plain)
        self.heads = Heads(width, classes)

    def forward(self, images: Images) -> Answers:
        return self.heads(functional.relu(self.blocks(images)))


class SmallDiscriminator(nn.Module):
    """Strided convolutions with leaky rectifiers, each twice as wide as the one before."""

    def __init__(self, *, shape: tuple[int, int, int], classes: int, width: int) -> None:
        super().__init__()
        _, doublings = bottom_and_doublings(shape)
        widths = [shape[2], *(width * min(4, 2**level) for level in range(doublings))]
        self.downs = nn.ModuleList(
            _conv(inside, outside, 4, stride=2) for inside, outside in pairwise(widths)
        )
        self.last = _conv(widths[-1], 4 * width, 3, stride=2)
        self.heads = Heads(4 * width, classes)

    def forward(self, images: Images) -> Answers:
        x = images
        for conv in self.downs:
            x = functional.leaky_relu(conv(x), 0.2)
        return self.heads(functional.leaky_relu(self.last(x), 0.2))


class MediumDiscriminator(nn.Module):
    """A strided convolution, then residual halvings down to the bottom, wider on the way."""

    def __init__(self, *, shape: tuple[int, int, int], classes: int, width: int) -> None:
        super().__init__()
        _, doublings = bottom_and_doublings(shape)
        widths = [width * min(4, 2**level) for level in range(doublings)]
        self.stem = _conv(shape[2], width, 4, stride=2)
        self.blocks = nn.Sequential(
            *(DownBlock(inside, outside, halve=True) for inside, outside in pairwise(widths))
        )
        self.heads = Heads(widths[-1], classes)

    def forward(self, images: Images) -> Answers:
        return self.heads(functional.relu(self.blocks(self.stem(images))))


GENERATORS = {
    "published": PublishedGenerator,
    "medium": MediumGenerator,
    "small": SmallGenerator,
}
DISCRIMINATORS = {
    "published": PublishedDiscriminator,
    "medium": MediumDiscriminator,
    "small": SmallDiscriminator,
}


def bottom_and_doublings(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Say from which side, by how many doublings, a generator reaches ``shape``.

    >>> bottom_and_doublings((28, 28, 1)), bottom_and_doublings((32, 32, 3))
    ((7, 2), (4, 3))
    """
    height, width, _ = shape
    side, doublings = height, 0
    while side % 2 == 0 and side >= 8:
        side, doublings = side // 2, doublings + 1
    if height != width or side not in range(4, 8) or doublings == 0:
        raise ConfigurationError(
            "E052",
            f"TAC-GAN draws squares of 4 to 7 pixels doubled once or more, got {height} x {width}",
            where="generator",
            fix="Resize the images, for example to 28, 32, 48 or 64 pixels a side.",
        )
    return side, doublings


def tac_generator(
    network: Network, *, shape: tuple[int, int, int], classes: int, width: int, latent: int
) -> nn.Module:
    """Build a generator: called as ``(z [batch latent], labels [batch])``, images in [-1, 1]."""
    module = GENERATORS[network](shape=shape, classes=classes, width=width, latent=latent)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            _drawn(layer)
        if isinstance(layer, SubPixel):
            layer.start_even()
    return channels_last(module)


def tac_discriminator(
    network: Network, *, shape: tuple[int, int, int], classes: int, width: int
) -> nn.Module:
    """Build a discriminator: called as ``(images)``, it returns ``Answers``."""
    module = DISCRIMINATORS[network](shape=shape, classes=classes, width=width)
    return channels_last(module)


def _drawn(layer: nn.Module) -> nn.Module:
    """Draw the weights from N(0, 0.02^2), set the bias to zero (methods 6.2)."""
    for name, parameter in layer.named_parameters(recurse=False):
        if name == "weight":
            nn.init.normal_(parameter, std=0.02)
        else:
            nn.init.zeros_(parameter)
    return layer


class _InFloat32(nn.Module):
    """A parametrisation that autocast leaves alone: a norm in bfloat16 has two digits."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            return self.inner(weight)


def _normalised(layer: Layer) -> Layer:
    # drawn first: the norm's power iteration starts from the weights it finds
    spectral_norm(_drawn(layer))
    parametrizations = cast(ParametrizationList, layer.get_submodule("parametrizations.weight"))
    parametrizations[0] = _InFloat32(parametrizations[0])
    return layer


def _conv(inside: int, outside: int, kernel: int, *, stride: int = 1) -> nn.Conv2d:
    padding = (kernel - 1) // 2
    return _normalised(nn.Conv2d(inside, outside, kernel, stride=stride, padding=padding))


def doubled_then_convolved(x: Features, conv: nn.Conv2d) -> Features:
    """Double the side, nearest neighbours, then convolve by 3x3: one transposed convolution."""
    wide = 4 * functional.avg_pool2d(conv.weight.flip(2, 3), 2, stride=1, padding=1)
    return functional.conv_transpose2d(x, wide.transpose(0, 1), conv.bias, stride=2, padding=1)


def convolved_then_halved(x: Features, conv: nn.Conv2d) -> Features:
    """Convolve by 3x3, then average squares of 2x2: one strided convolution."""
    wide = functional.avg_pool2d(conv.weight, 2, stride=1, padding=1)  # zeros around count
    return functional.conv2d(x, wide, conv.bias, stride=2, padding=1)


def _doubled(x: Features) -> Features:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
