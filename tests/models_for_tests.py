"""Networks of a user, for the tests of what happens to them."""

import torch
from torch import nn


class Fixed(nn.Module):
    """A network that knows one image size only."""

    def __init__(self, *, classes: int, channels: int) -> None:
        super().__init__()
        self.head = nn.Linear(channels * 64, classes)

    def forward(self, images):
        return self.head(images.flatten(1))


class Wide(Fixed):
    """A network that answers one logit too many."""

    def __init__(self, *, classes: int, channels: int) -> None:
        super().__init__(classes=classes + 1, channels=channels)


class Pair(Fixed):
    """A network that answers features beside its logits."""

    def forward(self, images):
        return images, super().forward(images)


class Named(Fixed):
    """A network that answers a dictionary."""

    def forward(self, images):
        return {"loss": None, "logits": super().forward(images)}


class Nothing(Fixed):
    """A network that forgot its return."""

    def forward(self, images):
        self.head(images.flatten(1))


class Auxiliary(Fixed):
    """A network with a second head that answers while training only."""

    def forward(self, images):
        logits = super().forward(images)
        return (logits, logits) if self.training else logits


class Softmax(Fixed):
    """A network that answers probabilities."""

    def forward(self, images):
        return super().forward(images).softmax(dim=1)


class LogSoftmax(Fixed):
    """A network that answers log-probabilities."""

    def forward(self, images):
        return super().forward(images).log_softmax(dim=1)


class Standardised(Fixed):
    """A network that divides an image by its spread, which a blank one has not."""

    def forward(self, images):
        return super().forward(images / images.std(dim=(1, 2, 3), keepdim=True))


class Overflowing(Fixed):
    """A network that answers infinity."""

    def forward(self, images):
        return super().forward(images) / 0


class AlwaysDropout(Fixed):
    """A network whose dropout does not stop for the evaluation."""

    def forward(self, images):
        return super().forward(nn.functional.dropout(images, 0.5))


class OfTheBatch(Fixed):
    """A network that normalises by the batch it sees, in evaluation too."""

    def forward(self, images):
        return super().forward(images - images.mean(dim=0))


class Viewing(Fixed):
    """A network that reads the memory as if channels came first."""

    def forward(self, images):
        return self.head(images.view(len(images), -1))


class Counting(Fixed):
    """A well-behaved network with running statistics and dropout."""

    def __init__(self, *, classes: int, channels: int) -> None:
        super().__init__(classes=classes, channels=channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, images):
        return super().forward(nn.functional.dropout(self.norm(images), 0.5, self.training))


class Sided(nn.Module):
    """A network made for the side it is told."""

    def __init__(self, *, classes: int, channels: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels * side**2, classes))

    def forward(self, images):
        return images.flatten(1) @ self.weight
