"""Wide residual networks (Zagoruyko & Komodakis 2016): WRN-28-2, as LiRA's papers train it."""

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional


class PreActivationBlock(nn.Module):
    """Twice norm, ReLU and a 3x3 convolution, added to the input.

    Where the width changes, a 1x1 convolution of what the first ReLU answers is added instead.
    """

    def __init__(self, inside: int, outside: int, *, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.shortcut: nn.Module | None = None
        if inside != outside:
            self.shortcut = nn.Conv2d(inside, outside, 1, stride=stride, bias=False)

    def forward(
        self, x: Float[torch.Tensor, "batch _ height width"]
    ) -> Float[torch.Tensor, "batch _ _ _"]:
        active = functional.relu(self.norm1(x))
        y = self.conv2(functional.relu(self.norm2(self.conv1(active))))
        return y + (x if self.shortcut is None else self.shortcut(active))


class WideResNet(nn.Module):
    """A 3x3 stem of 16, three groups of 16, 32 and 64 times ``widen``, norm, mean, linear head.

    ``depth`` counts the convolutions: six for a block in each group, the stem and three shortcuts.
    """

    def __init__(self, *, classes: int, channels: int, depth: int, widen: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, 16, 3, padding=1, bias=False)]
        inside = 16
        for group in range(3):
            outside = 16 * widen * 2**group
            for block in range((depth - 4) // 6):
                stride = 2 if group > 0 and block == 0 else 1
                layers.append(PreActivationBlock(inside, outside, stride=stride))
                inside = outside
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(inside), nn.ReLU())
        self.head = nn.Linear(inside, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(
        self, images: Float[torch.Tensor, "batch channels height width"]
    ) -> Float[torch.Tensor, "batch classes"]:
        return self.head(self.features(images).mean(dim=(2, 3)))


def wrn_28_2(*, classes: int, channels: int) -> WideResNet:
    """Build WRN-28-2: 1,467,610 parameters at 10 classes and three channels."""
    return WideResNet(classes=classes, channels=channels, depth=28, widen=2)
