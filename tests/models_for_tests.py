"""Networks of a user, for the tests of what happens to them."""

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
