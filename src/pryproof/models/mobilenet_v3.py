"""MobileNetV3-Small (Howard et al. 2019) with the strides the field uses at 32 pixels."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import nn

Strides = Literal["crl", "torchvision", "bsconv"]

# kernel, expansion, out, squeeze-and-excite, hard-swish, stride
BLOCKS = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
FIRST_STRIDES = {"crl": (1, 2), "torchvision": (2, 2), "bsconv": (1, 1)}  # stem, first block


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate computed from its mean."""

    def __init__(self, width: int) -> None:
        super().__init__()
        squeezed = _divisible(width // 4)
        self.reduce = nn.Conv2d(width, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, width, 1)
        self.relu = nn.ReLU()
        self.gate = nn.Hardsigmoid()

    def forward(
        self, x: Float[torch.Tensor, "batch width h w"]
    ) -> Float[torch.Tensor, "batch width h w"]:
        mean = x.mean(dim=(2, 3), keepdim=True)
        return x * self.gate(self.expand(self.relu(self.reduce(mean))))


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter per channel, optionally squeeze-and-excite, project by 1x1."""

    def __init__(
        self, inside: int, block: tuple[int, int, int, bool, bool, int], *, stride: int
    ) -> None:
        super().__init__()
        kernel, expansion, outside, squeeze, hard_swish, _ = block
        act = nn.Hardswish if hard_swish else nn.ReLU
        layers: list[nn.Module] = []
        if expansion != inside:
            layers += [*_conv_norm(inside, expansion, 1), act()]
        layers += [
            *_conv_norm(expansion, expansion, kernel, stride=stride, groups=expansion),
            act(),
        ]
        if squeeze:
            layers.append(SqueezeExcite(expansion))
        layers += _conv_norm(expansion, outside, 1)
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inside == outside

    def forward(self, x: Float[torch.Tensor, "batch _ _ _"]) -> Float[torch.Tensor, "batch _ _ _"]:
        y = self.layers(x)
        return x + y if self.residual else y


class MobileNetV3Small(nn.Module):
    """1,620,356 parameters at 100 classes and three channels."""

    def __init__(self, *, classes: int, channels: int, strides: Strides = "crl") -> None:
        super().__init__()
        stem_stride, first_stride = FIRST_STRIDES[strides]
        layers: list[nn.Module] = [*_conv_norm(channels, 16, 3, stride=stem_stride), nn.Hardswish()]
        inside = 16
        for index, block in enumerate(BLOCKS):
            stride = first_stride if index == 0 else block[5]
            layers.append(InvertedResidual(inside, block, stride=stride))
            inside = block[2]
        layers += [*_conv_norm(inside, 576, 1), nn.Hardswish()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(576, 1024), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(1024, classes)
        )

    def forward(
        self, images: Float[torch.Tensor, "batch channels height width"]
    ) -> Float[torch.Tensor, "batch classes"]:
        return self.head(self.features(images).mean(dim=(2, 3)))


def _conv_norm(
    inside: int, outside: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    conv = nn.Conv2d(
        inside, outside, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )
    return [conv, nn.BatchNorm2d(outside, eps=1e-3, momentum=0.01)]


def _divisible(width: int, by: int = 8) -> int:
    """Round to a multiple of ``by`` without losing more than a tenth."""
    rounded = max(by, (width + by // 2) // by * by)
    return rounded + by if rounded < 0.9 * width else rounded
