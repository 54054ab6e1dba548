"""A TAC-GAN as a script would train it: float32, contiguous, a ``DataLoader``, no care for speed.

The networks compute the same functions as ours, in the order in which they are usually written:
double, then convolve; convolve, then halve. As in the official script, fakes for the discriminator
are made without gradients, real and fake pass it together, and the generator's update leaves the
discriminator's weights their gradients, unless ``frozen``.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader, TensorDataset

from pryproof.generation.fit_tac_gan import fit_tac_gan
from pryproof.generation.settings import TacGanSettings
from pryproof.models.randomness import global_draws
from pryproof.models.tac_gan import ConditionalNorm, Network, SubPixel, bottom_and_doublings
from pryproof.seeds import generator
from pryproof.training.recipe import Precision


@dataclass(frozen=True, kw_only=True)
class Work:
    """What both sides do; ``precision`` is ours, the plain script trains in float32."""

    network: Network
    channels: int
    side: int = 32
    classes: int = 10
    samples: int = 256
    batch: int = 64
    steps: int = 20
    runs: int = 4
    latent: int = 64
    discriminator_steps: int = 2
    learning_rate: float = 2e-4
    precision: Precision = "float32"
    frozen: bool = False

    @property
    def images(self) -> int:
        """Real images that one run learns from, all updates together."""
        return self.batch * self.steps * self.discriminator_steps


PLANS = {
    "small, 32 channels, 32 px": Work(network="small", channels=32, steps=30),
    "small, 32 channels, 64 px": Work(network="small", channels=32, side=64, steps=8),
    "medium, 24 channels, 32 px": Work(network="medium", channels=24, steps=20),
    "published, 64 channels, 32 px": Work(network="published", channels=64, steps=6),
    "published, 32 channels, 64 px": Work(network="published", channels=32, side=64, steps=4),
}


def data(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Draw images with one coarse pattern a class, half hidden in noise."""
    draws = generator(0, "benchmark", "images")
    patterns = draws.normal(size=(work.classes, 4, 4, 3))
    patterns = patterns.repeat(work.side // 4, axis=1).repeat(work.side // 4, axis=2)
    labels = np.arange(work.samples) % work.classes
    noisy = patterns[labels] + draws.normal(size=(work.samples, work.side, work.side, 3))
    return np.clip(128 + 32 * noisy, 0, 255).astype(np.uint8), labels


def ours(work: Work, index: int) -> dict[str, float]:
    """Train one run with the package; return its last losses."""
    images, labels = data(work)
    settings = TacGanSettings(
        network=work.network,
        channels=work.channels,
        latent=work.latent,
        steps=work.steps,
        discriminator_steps=work.discriminator_steps,
        batch=work.batch,
        learning_rate=work.learning_rate,
        ema_start=0,
        standing_batches=1,
        records=4,
        precision=work.precision,
    )
    fitted = fit_tac_gan(images, labels, classes=work.classes, settings=settings, seed=index)
    return {name: float(fitted.history[name][-1]) for name in ("d_loss", "g_loss")}


def plain(work: Work, index: int) -> dict[str, float]:
    """Train one run as a script would; return its last losses."""
    images, labels = data(work)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
    with global_draws(index, "plain"):
        return train(work, TensorDataset(pixels, torch.from_numpy(labels)))


def train(work: Work, samples: TensorDataset) -> dict[str, float]:
    """Train all steps; return the mean losses of the last quarter."""
    net_g, net_d = Generator(work), Discriminator(work)
    average = copy.deepcopy(net_g)
    opt_g, opt_d = (
        torch.optim.Adam(net.parameters(), lr=work.learning_rate, betas=(0.0, 0.999))
        for net in (net_g, net_d)
    )
    batches = endless(DataLoader(samples, batch_size=work.batch, shuffle=True, drop_last=True))
    d_losses, g_losses = [], []
    for _ in range(work.steps):
        d_losses += [
            update_d(work, net_g, net_d, opt_d, batch=next(batches))
            for _ in range(work.discriminator_steps)
        ]
        g_losses.append(update_g(work, net_g, net_d, opt_g))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), net_g.parameters(), strict=True):
                mean.mul_(0.9999).add_(now, alpha=1 - 0.9999)
    last = max(1, work.steps // 4)
    return {
        "d_loss": float(np.mean(d_losses[-last * work.discriminator_steps :])),
        "g_loss": float(np.mean(g_losses[-last:])),
    }


def endless(loader: DataLoader) -> Iterator[list[torch.Tensor]]:
    """Go through the data again and again."""
    while True:
        yield from loader


def update_d(
    work: Work,
    net_g: nn.Module,
    net_d: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    batch: list[torch.Tensor],
) -> float:
    """Update the discriminator once."""
    real, labels = batch
    wanted = torch.randint(work.classes, (work.batch,))
    with torch.no_grad():
        fake = net_g(torch.randn(work.batch, work.latent), wanted)
    score, aux, twin = net_d(diff_augment(torch.cat([real, fake])))
    on_real, on_fake = score.chunk(2)
    loss = functional.relu(1 - on_real).mean() + functional.relu(1 + on_fake).mean()
    loss = loss + functional.cross_entropy(aux[: work.batch], labels)
    loss = loss + functional.cross_entropy(twin[work.batch :], wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def update_g(
    work: Work, net_g: nn.Module, net_d: nn.Module, optimizer: torch.optim.Optimizer
) -> float:
    """Update the generator once."""
    net_d.requires_grad_(not work.frozen)
    wanted = torch.randint(work.classes, (work.batch,))
    fake = net_g(torch.randn(work.batch, work.latent), wanted)
    score, aux, twin = net_d(diff_augment(fake))
    loss = functional.cross_entropy(aux, wanted) - functional.cross_entropy(twin, wanted)
    loss = loss - score.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    net_d.requires_grad_(requires_grad=True)
    return loss.item()


def diff_augment(images: torch.Tensor) -> torch.Tensor:
    """Shift by up to an eighth of the side and blank a square of half the side."""
    count, _, side, _ = images.shape
    most, hole = side // 8, side // 2
    down, right = torch.randint(0, 2 * most + 1, (2, count, 1))
    rows, columns = torch.arange(side) + down, torch.arange(side) + right
    padded = functional.pad(images, [most] * 4).permute(0, 2, 3, 1)
    each = torch.arange(count)[:, None, None]
    shifted = padded[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    top, left = torch.randint(0, side + 1, (2, count, 1)) - hole // 2
    place = torch.arange(side)
    in_rows, in_columns = ((place >= first) & (place < first + hole) for first in (top, left))
    mask = 1 - (in_rows[:, :, None] & in_columns[:, None, :]).float()
    return (shifted * mask[:, None]).contiguous()


class Generator(nn.Module):
    """The published, the medium or the small generator, in the usual order."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.bottom, doublings = bottom_and_doublings((work.side, work.side, 3))
        published, width = work.network == "published", work.channels
        widths = [width * min(4, 2**level) for level in reversed(range(doublings))]
        first = width if published else widths[0]
        self.linear = nn.Linear(work.latent, first * self.bottom**2)
        self.prototype = None if published else nn.Embedding(work.classes, first * self.bottom**2)
        if published:
            self.blocks = nn.ModuleList(Up(width, work.classes) for _ in range(doublings))
            self.last = nn.Sequential(
                nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1)
            )
        else:
            medium = work.network == "medium"
            outs = [*widths[1:], width if medium else 3]
            self.blocks = nn.ModuleList(
                SmallUp(*pair, work.classes) for pair in zip(widths, outs, strict=True)
            )
            self.last = Painted(width, work.classes) if medium else nn.Identity()
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
                drawn(layer)
            if isinstance(layer, SubPixel):
                layer.start_even()

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Draw images in [-1, 1]."""
        x = self.linear(z)
        if self.prototype is not None:
            x = x + self.prototype(labels)
        x = x.view(len(z), -1, self.bottom, self.bottom)
        for block in self.blocks:
            x = block(x, labels)
        return torch.tanh(self.last(x, labels) if isinstance(self.last, Painted) else self.last(x))


class Painted(nn.Module):
    """Normalise, then convolve to pixels at full size."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm, self.conv = ConditionalNorm(width, classes), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Paint."""
        return self.conv(functional.relu(self.norm(x, labels)))


class Up(nn.Module):
    """A residual doubling."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = (ConditionalNorm(width, classes) for _ in range(2))
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.shortcut = nn.Conv2d(width, width, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Double the side."""
        y = functional.interpolate(functional.relu(self.norm1(x, labels)), scale_factor=2)
        y = self.conv2(functional.relu(self.norm2(self.conv1(y), labels)))
        return y + self.shortcut(functional.interpolate(x, scale_factor=2))


class SmallUp(nn.Module):
    """Normalise, then a sub-pixel doubling."""

    def __init__(self, inside: int, outside: int, classes: int) -> None:
        super().__init__()
        self.norm, self.up = ConditionalNorm(inside, classes), SubPixel(inside, outside)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Double the side."""
        return self.up(functional.relu(self.norm(x, labels)))


class Discriminator(nn.Module):
    """The published, the medium or the small discriminator, in the usual order."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        _, doublings = bottom_and_doublings((work.side, work.side, 3))
        width = work.channels
        if work.network == "published":
            halving = [Down(width, width, halve=True) for _ in range(max(1, doublings - 2))]
            same = [Down(width, width, halve=False) for _ in range(2)]
            first = Down(3, width, halve=True, pixels=True)
            self.body, top = nn.Sequential(first, *halving, *same, nn.ReLU()), width
        elif work.network == "medium":
            widths = [width * min(4, 2**level) for level in range(doublings)]
            halving = [Down(*pair, halve=True) for pair in pairwise(widths)]
            self.body, top = (
                nn.Sequential(conv(3, width, 4, stride=2), *halving, nn.ReLU()),
                widths[-1],
            )
        else:
            widths = [3, *(width * min(4, 2**level) for level in range(doublings))]
            layers = []
            for inside, outside in pairwise(widths):
                layers += [conv(inside, outside, 4, stride=2), nn.LeakyReLU(0.2)]
            top = 4 * width
            layers += [conv(widths[-1], top, 3, stride=2), nn.LeakyReLU(0.2)]
            self.body = nn.Sequential(*layers)
        outs = (1, work.classes, work.classes)
        self.heads = nn.ModuleList(spectral_norm(drawn(nn.Linear(top, out))) for out in outs)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Answer real or fake, the class, the class to the twin."""
        h = self.body(images).sum(dim=(2, 3))
        score, aux, twin = (head(h) for head in self.heads)
        return score.squeeze(1), aux, twin


class Down(nn.Module):
    """A residual block, perhaps halving."""

    def __init__(self, inside: int, width: int, *, halve: bool, pixels: bool = False) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(inside, width, 3), conv(width, width, 3)
        self.shortcut = conv(inside, width, 1) if halve else nn.Identity()
        self.halve, self.pixels = halve, pixels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve twice, halve."""
        y = self.conv2(functional.relu(self.conv1(x if self.pixels else functional.relu(x))))
        if not self.halve:
            return y + self.shortcut(x)
        if self.pixels:  # where both orders cost so differently, everybody halves first
            return functional.avg_pool2d(y, 2) + self.shortcut(functional.avg_pool2d(x, 2))
        return functional.avg_pool2d(y, 2) + functional.avg_pool2d(self.shortcut(x), 2)


def conv(inside: int, outside: int, kernel: int, *, stride: int = 1) -> nn.Module:
    """Return a spectrally normalised convolution."""
    layer = nn.Conv2d(inside, outside, kernel, stride=stride, padding=(kernel - 1) // 2)
    return spectral_norm(drawn(layer))


def drawn(layer: nn.Module) -> nn.Module:
    """Draw the weights from N(0, 0.02^2), set the bias to zero."""
    nn.init.normal_(layer.weight, std=0.02)
    if getattr(layer, "bias", None) is not None:
        nn.init.zeros_(layer.bias)
    return layer
