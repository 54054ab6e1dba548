"""A small convolutional network for 28-pixel images: the demo's classifier."""

import torch
from jaxtyping import Float
from torch import nn


class SmallCnn(nn.Module):
    """Three strided convolutions with batch normalisation, global mean, one linear layer.

    No operation is in place, so per-sample gradients (DP-SGD) stay possible.
    """

    def __init__(self, *, classes: int, channels: int, width: int = 16) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _block(channels, width, stride=2),
            _block(width, 2 * width, stride=2),
            _block(2 * width, 4 * width, stride=2),
        )
        self.head = nn.Linear(4 * width, classes)

    def forward(
        self, images: Float[torch.Tensor, "batch channels height width"]
    ) -> Float[torch.Tensor, "batch classes"]:
        return self.head(self.features(images).mean(dim=(2, 3)))


def _block(inside: int, outside: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
    )
