"""The small vision transformer: its size by hand, what its patches and positions are, its decay."""

import pytest
import torch
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.randomness import torch_generator
from pryproof.models.resolve import build
from pryproof.models.vit import VisionTransformer, vit_mini


def parameters(*, classes: int, channels: int, side: int) -> int:
    """Add up the layers: weights and bias of every linear map, gain and bias of every norm."""
    width, tokens, heads = 48, 16, 4
    patches = (channels * (side // 4) ** 2 + 1) * width
    attention = (width + 1) * 3 * width + (width + 1) * width + (2 * 4 - 1) ** 2 * heads
    mlp = (width + 1) * 4 * width + (4 * width + 1) * width
    block = 2 * width + attention + 2 * width + mlp
    return patches + tokens * width + 2 * block + 2 * width + (width + 1) * classes


@pytest.mark.parametrize(
    ("classes", "shape", "count"),
    [(10, (28, 28, 1), 60_690), (10, (28, 28, 3), 65_394), (10, (32, 32, 3), 67_554)],
)
def test_the_parameters_by_hand(classes, shape, count):
    model = build("vit_mini", classes=classes, shape=shape, seed=0)
    assert sum(p.numel() for p in model.parameters()) == count
    assert parameters(classes=classes, channels=shape[2], side=shape[0]) == count


@pytest.mark.parametrize("side", [2, 30])
def test_a_side_that_four_tokens_do_not_fit_is_refused(side):
    with pytest.raises(ConfigurationError, match=rf"E052.*side divisible by 4, got {side}.*Resize"):
        vit_mini(classes=3, channels=1, side=side)


def shuffled(images: torch.Tensor) -> torch.Tensor:
    """Move every patch to another place; none is changed within."""
    side = images.shape[-1] // 4
    patches = images.unflatten(2, (4, side)).unflatten(4, (4, side)).transpose(3, 4)
    order = torch.arange(16).roll(5)
    patches = patches.flatten(2, 3)[:, :, order].unflatten(2, (4, 4))
    return patches.transpose(3, 4).flatten(4, 5).flatten(2, 3)


@pytest.fixture
def model() -> VisionTransformer:
    """Return a network whose positions and biases matter more than when freshly drawn."""
    found = build("vit_mini", classes=5, shape=(12, 12, 2), seed=0).eval()
    draws = torch_generator(0, "places")
    for name, parameter in found.named_parameters():
        if name == "position" or name.endswith("relative_bias"):
            parameter.data = torch.randn(parameter.shape, generator=draws)
    return found


def test_only_positions_and_biases_know_where_a_patch_is(model):
    images = torch.randn((3, 2, 12, 12), generator=torch_generator(0, "images"))
    moved = shuffled(images)
    assert not torch.equal(moved, images)
    position, tables = model.position, [block.attention.relative_bias for block in model.blocks]
    with torch.no_grad():
        assert (model(moved) - model(images)).abs().max() > 1e-3
        position.zero_()
        assert (model(moved) - model(images)).abs().max() > 1e-3  # the tables know it still
        for table in tables:
            table.zero_()
        torch.testing.assert_close(model(moved), model(images))


def test_a_token_sees_its_own_patch_alone(model):
    images = torch.zeros((1, 2, 12, 12), requires_grad=True)
    tokens = model.patches(images).flatten(2).transpose(1, 2)
    tokens[0, 4 * 1 + 2].sum().backward()  # second row, third column
    seen = images.grad.abs().sum(dim=(0, 1)) > 0
    assert seen[3:6, 6:9].all()
    assert seen.sum() == 9


def test_what_weight_decay_spares(model):
    spared = model.no_weight_decay()
    decayed = {name for name, _ in model.named_parameters()} - spared
    linear = {f"{name}.weight" for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    assert decayed == linear | {"patches.weight"}
    assert {"position", "blocks.1.attention.relative_bias", "last_norm.weight"} < spared
