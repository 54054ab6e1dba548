"""HiViT: published sizes, what mixes with what, attention by its formula, draws and decay."""

import math

import pytest
import torch
from torch import nn

from pryproof.checks import ConfigurationError
from pryproof.models.hivit import (
    Attention,
    HiViT,
    Merge,
    StochasticDepth,
    hivit_tiny,
    no_weight_decay,
)
from pryproof.models.randomness import global_draws, torch_generator


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch_generator(0, "noise"))


def small(*, side=16, patch=8, kernel=2) -> HiViT:
    with global_draws(0, "test"):
        return HiViT(classes=3, channels=1, side=side, patch=patch, kernel=kernel, depth=1)


@pytest.mark.parametrize(
    ("classes", "side", "options", "count"),
    [
        (1000, 224, {}, 19_181_668),
        (100, 32, {}, 18_749_920),
        (100, 32, {"kernel": 3}, 18_752_224),
        (100, 32, {"patch": 8}, 18_721_792),
        (200, 64, {}, 18_789_284),
    ],
)
def test_the_published_sizes(classes, side, options, count):
    with torch.device("meta"):
        model = hivit_tiny(classes=classes, channels=3, side=side, **options)
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize(("patch", "kernel"), [(4, 1), (4, 3), (8, 2), (8, 3), (16, 4)])
def test_before_the_transformer_a_token_sees_its_patch_alone(patch, kernel):
    model = small(side=4 * patch, patch=patch, kernel=kernel)
    images = noise(1, 1, 4 * patch, 4 * patch).requires_grad_()
    grid = model.stages(model.norm(model.conv(images).permute(0, 2, 3, 1)))
    assert grid.shape == (1, 4, 4, 384)
    grid[0, 1, 2].sum().backward()
    beyond = 0 if kernel == patch // 4 else 1  # a larger kernel sees a pixel of the neighbours
    seen = images.grad[0, 0].abs() > 0
    rows, columns = seen.any(dim=1).nonzero().flatten(), seen.any(dim=0).nonzero().flatten()
    assert rows.min() == patch - beyond
    assert columns.min() == 2 * patch - beyond
    assert rows.max() <= 2 * patch - 1 + beyond
    assert columns.max() <= 3 * patch - 1 + beyond


def test_a_merge_takes_the_four_units_of_a_square():
    merge = Merge(2)
    x = noise(1, 4, 6, 2)
    square = torch.cat([x[0, 2, 4], x[0, 2, 5], x[0, 3, 4], x[0, 3, 5]])
    torch.testing.assert_close(merge(x)[0, 1, 2], merge.reduce(merge.norm(square)))
    assert merge.reduce.bias is None


def test_attention_is_its_formula():
    side, heads, width = 3, 2, 8
    layer = Attention(width, heads=heads, side=side)
    table = noise((2 * side - 1) ** 2, heads)
    layer.relative_bias.data = table
    x = noise(1, side**2, width)
    query, key, value = layer.qkv(x)[0].split(width, dim=1)
    mixed = torch.zeros(side**2, width)
    for head in range(heads):
        own = slice(head * width // heads, (head + 1) * width // heads)
        for i in range(side**2):
            scores = torch.empty(side**2)
            for j in range(side**2):
                down, across = i // side - j // side, i % side - j % side
                place = (down + side - 1) * (2 * side - 1) + across + side - 1
                product = query[i, own] @ key[j, own] / math.sqrt(width // heads)
                scores[j] = product + table[place, head]
            weights = scores.exp() / scores.exp().sum()
            mixed[i, own] = weights @ value[:, own]
    torch.testing.assert_close(layer(x)[0], layer.out(mixed), atol=1e-5, rtol=1e-5)
    assert layer.get_buffer("offsets").unique().numel() == (2 * side - 1) ** 2


def test_the_initialisation():
    model = small()
    weights = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    tables = [model.position, model.blocks[0].attention.relative_bias]
    for tensor in [*weights, *tables]:
        assert tensor.std().item() == pytest.approx(0.02, rel=0.3)
    for name, parameter in model.named_parameters():
        if name.endswith(".bias") and name != "conv.bias":
            assert not parameter.any(), name
    assert model.conv.weight.abs().max() <= 0.5  # torch's own: uniform up to 1 / sqrt(4 inputs)
    assert model.conv.weight.std() > 0.1
    assert all(m.eps == 1e-6 for m in model.modules() if isinstance(m, nn.LayerNorm))


def test_stochastic_depth_grows_over_the_blocks():
    with torch.device("meta"):
        model = hivit_tiny(classes=2, channels=1, side=32)
    rates = [m.rate for m in model.modules() if isinstance(m, StochasticDepth)]
    blocks = [*rates[:4], *rates[4::2]]
    assert rates[4::2] == rates[5::2]  # attention and MLP of a block share a rate
    assert blocks == pytest.approx([0.05 * number / 13 for number in range(14)])


def test_stochastic_depth_leaves_out_whole_images_and_keeps_the_mean():
    layer = StochasticDepth(0.25)
    with global_draws(0, "drop"):
        once = layer(torch.ones(4000, 2, 3))
        state = torch.get_rng_state()
    with global_draws(0, "drop"):
        assert torch.equal(layer(torch.ones(4000, 2, 3)), once)
    assert once.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (once.flatten(1).std(dim=1) == 0).all()
    assert once.mean().item() == pytest.approx(1, abs=0.03)
    with global_draws(0, "drop"):
        assert torch.equal(layer.eval()(once), once)
        assert not torch.equal(torch.get_rng_state(), state)  # an evaluation draws nothing


def test_what_weight_decay_spares():
    model = small()
    spared = no_weight_decay(model)
    decayed = {name for name, _ in model.named_parameters()} - spared
    assert {"position", "blocks.0.attention.relative_bias", "conv.bias", "norm.weight"} < spared
    linear = {f"{name}.weight" for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    assert decayed == linear | {"conv.weight"}
    assert model.no_weight_decay() == spared


@pytest.mark.parametrize(
    ("side", "options", "words"),
    [
        (28, {"patch": 8}, r"E052.*needs a side divisible by 8.*got 28.*another patch"),
        (30, {}, r"E052.*divisible by 4.*got 30"),
        (32, {"patch": 6}, r"E052.*a patch divisible by 4"),
        (4, {"patch": 8}, r"E052.*divisible by 8.*got 4"),
        (224, {"kernel": 3}, r"E052.*its stride \(4\) or a larger odd number, got 3"),
        (32, {"kernel": 2}, r"E052.*its stride \(1\).*got 2.*Leave the kernel out"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(side, options, words):
    with pytest.raises(ConfigurationError, match=words):
        hivit_tiny(classes=2, channels=1, side=side, **options)
