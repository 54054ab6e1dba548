"""Residual networks for small images (He et al. 2016): ResNet18, and a small one."""

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; a 1x1 convolution where the shape changes."""

    def __init__(self, inside: int, outside: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outside)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride=stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(
        self, x: Float[torch.Tensor, "batch _ height width"]
    ) -> Float[torch.Tensor, "batch _ _ _"]:
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return functional.relu(y + self.shortcut(x))


class ResNet(nn.Module):
    """A 3x3 stem, stages of basic blocks, global mean, linear head.

    Every stage but the first halves the side.
    """

    def __init__(
        self, *, classes: int, channels: int, widths: tuple[int, ...], depth: int, stem_stride: int
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, widths[0], 3, stride=stem_stride, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        inside = widths[0]
        stages: list[nn.Module] = []
        for index, width in enumerate(widths):
            for block in range(depth):
                stride = 2 if index > 0 and block == 0 else 1
                stages.append(BasicBlock(inside, width, stride=stride))
                inside = width
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(inside, classes)

    def forward(
        self, images: Float[torch.Tensor, "batch channels height width"]
    ) -> Float[torch.Tensor, "batch classes"]:
        return self.head(self.stages(self.stem(images)).mean(dim=(2, 3)))


def resnet18(*, classes: int, channels: int) -> ResNet:
    """Build ResNet18 with a stem of stride 1 and no pooling: 11,220,132 parameters at C = 100."""
    return ResNet(
        classes=classes, channels=channels, widths=(64, 128, 256, 512), depth=2, stem_stride=1
    )


def small_resnet(*, classes: int, channels: int) -> ResNet:
    """Build a three-stage residual network with stem stride 2: 0.18 M parameters at C = 20."""
    return ResNet(classes=classes, channels=channels, widths=(24, 48, 96), depth=1, stem_stride=2)
