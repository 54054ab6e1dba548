"""DP-SGD: plain SGD where nothing is clipped, its bound, its noise, its epsilon, its resume."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from defenses.stepping import network, norm, smooth, some, step
from defenses.test_augmentation import MEMBERS, OTHERS, accuracy, given, leak, plain, resumes, toys
from pryproof.checks import ConfigurationError, TrainingError
from pryproof.defenses.augmentation import dynamic_crop_flip
from pryproof.defenses.dp_sgd import PRESETS, dp_sgd, noise_for, poisson, spent
from pryproof.defenses.per_sample import Clipped, in_views, mean_over_views
from pryproof.models.randomness import torch_generator
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Defense
from pryproof.training.loop import scaled, train
from pryproof.training.recipe import Recipe
from training.stopping import toy

PLAIN_SGD = Recipe(epochs=2, batch=16, learning_rate=0.05, momentum=0.0, weight_decay=0.0)
NO_CLIP = 1e9


@pytest.mark.parametrize("views", [1, 3])
def test_without_clipping_and_noise_it_is_plain_sgd_on_the_same_batches(views):
    """Plain SGD by hand: the sum of the gradients over the expected batch, not the drawn one."""
    images, labels = toy()
    rate, model, twin = 16 / 96, smooth(), smooth()
    batch = in_views(dynamic_crop_flip(1), views)
    update = Clipped(noise=0.0, clip=NO_CLIP, expected=16.0, views=views)
    defense = Defense(batch=batch, loss=mean_over_views(), order=poisson(rate), update=update)
    train(model, images, labels, defense=defense, recipe=PLAIN_SGD, seed=7)
    rates, sizes = iter(_rates()), []
    for epoch in range(2):
        rows_by_step = poisson(rate)(samples=96, batches=6, seed=7, epoch=epoch)
        for index, rows in enumerate(rows_by_step):
            draws = torch_generator(7, "augmentation", epoch, index)
            pixels = batch(scaled(torch.from_numpy(images)[rows]), rows, draws)
            total = sum(
                functional.cross_entropy(
                    twin(view), torch.from_numpy(labels)[rows], reduction="sum"
                )
                for view in pixels.chunk(views, dim=1)
            )
            slopes = torch.autograd.grad(total / views / 16, list(twin.parameters()))
            here = next(rates)
            with torch.no_grad():
                for weights, slope in zip(twin.parameters(), slopes, strict=True):
                    weights.sub_(here * slope)
            sizes.append(len(rows))
    assert len(set(sizes)) > 3  # Poisson batches differ in size
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(one, other, atol=2e-6)


def _rates() -> list[float]:
    by_progress = [0.0 + index / 12 for index in range(12)]
    rise = [0.05 * (0.05 + 0.95 * p / 0.25) for p in by_progress if p < 0.25]
    fall = [0.025 * (1 + math.cos(math.pi * (p - 0.25) / 0.75)) for p in by_progress if p >= 0.25]
    return rise + fall


@pytest.mark.parametrize("views", [1, 4])
def test_one_sample_moves_a_step_by_at_most_clip_over_the_expected_batch(views):
    images, labels = some(9)
    images = torch.cat([images * (1 + k / 2) for k in range(views)], dim=1)
    clip, expected = 0.01, 7.0
    moved = [
        step(
            network(),
            images[:n],
            labels[:n],
            Clipped(noise=0.0, clip=clip, expected=expected, views=views),
        )
        for n in (8, 9)
    ]
    bound = clip / expected
    change = norm([one - other for one, other in zip(*moved, strict=True)])
    assert 0.9 * bound < change <= bound * (1 + 1e-5)  # every sample is clipped here


def test_clipping_by_hand():
    """A linear model w = 0 on x = (3, 4) and two classes: the gradient is +-x/2, norm 5/sqrt(2)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    nn.init.zeros_(model[1].weight)
    images, labels = torch.tensor([[[[3.0, 4.0]]], [[[0.3, 0.4]]]]), torch.tensor([0, 0])
    (fell,) = step(model, images, labels, Clipped(noise=0.0, clip=1.0, expected=2.0))
    large = np.array([[-1.5, -2.0], [1.5, 2.0]]) / (5 / math.sqrt(2))  # clipped to norm 1
    small = np.array([[-0.15, -0.2], [0.15, 0.2]])  # norm .354, left alone
    assert fell.numpy() == pytest.approx((large + small) / 2, abs=1e-6)


def test_views_are_averaged_before_they_are_clipped():
    """Views x and -x of one image: their gradients cancel, whatever the clip norm."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    nn.init.zeros_(model[1].weight)
    views = torch.tensor([[[[30.0, 40.0]], [[-30.0, -41.0]]]])
    (fell,) = step(
        model, views, torch.tensor([0]), Clipped(noise=0, clip=1.0, expected=1.0, views=2)
    )
    assert fell.numpy() == pytest.approx(np.array([[0.0, 0.25], [0.0, -0.25]]), abs=1e-5)


def test_the_noise_has_the_stated_spread():
    """An empty batch moves the weights by the noise alone, one draw a weight."""
    empty = torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.int64)
    fell = step(network(), *empty, Clipped(noise=1.5, clip=0.2, expected=4.0), seed=3, step=5)
    drawn = torch.cat([part.flatten() for part in fell]).double()
    count, spread = len(drawn), 1.5 * 0.2 / 4.0
    assert count > 20_000
    assert abs(drawn.mean()) < 4 * spread / math.sqrt(count)
    assert abs(drawn.std() / spread - 1) < 4 / math.sqrt(2 * count)
    again = step(network(), *empty, Clipped(noise=1.5, clip=0.2, expected=4.0), seed=3, step=5)
    other = step(network(), *empty, Clipped(noise=1.5, clip=0.2, expected=4.0), seed=3, step=6)
    assert all(torch.equal(one, two) for one, two in zip(fell, again, strict=True))
    third = torch.cat([part.flatten() for part in other]).double()
    assert abs(torch.corrcoef(torch.stack([drawn, third]))[0, 1]) < 4 / math.sqrt(count)


def test_poisson_batches_are_independent_draws():
    batches = [
        rows
        for epoch in range(40)
        for rows in poisson(0.2)(samples=50, batches=10, seed=0, epoch=epoch)
    ]
    sizes = np.array([len(rows) for rows in batches])
    assert abs(sizes.mean() - 10) < 4 * math.sqrt(8 / 400)  # binomial(50, .2): variance 8
    assert abs(sizes.var() / 8 - 1) < 4 * math.sqrt(2 / 400)
    seen = np.bincount(torch.cat(batches).numpy(), minlength=50)
    assert np.abs(seen - 80).max() < 4.5 * math.sqrt(400 * 0.2 * 0.8)
    assert all(len(rows) == len(set(rows.tolist())) for rows in batches)


def _exact_delta(epsilon: float, noise: float) -> float:
    """One Gaussian answer (Balle & Wang 2018, theorem 8)."""

    def phi(x: float) -> float:
        return math.erfc(-x / math.sqrt(2)) / 2

    half = 1 / (2 * noise)
    return phi(half - epsilon * noise) - math.exp(epsilon) * phi(-half - epsilon * noise)


@pytest.mark.parametrize("noise", [0.8, 2.0])
def test_epsilon_of_one_step_at_rate_1_is_the_gaussian_mechanism(noise):
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _exact_delta(middle, noise) > 1e-5 else (low, middle)
    renyi, prv = spent(noise=noise, rate=1.0, steps=1, delta=1e-5)
    assert prv == pytest.approx(high, abs=0.02)
    # Renyi: order a has divergence a / (2 noise^2) (Mironov 2017), turned into epsilon as in
    # Balle et al. 2020
    orders = np.arange(1.1, 64, 0.01)
    bound = orders / (2 * noise**2) + np.log1p(-1 / orders)
    bound -= (math.log(1e-5) + np.log(orders)) / (orders - 1)
    assert renyi == pytest.approx(bound.min(), abs=0.01)
    assert renyi > high


def test_epsilon_grows_with_steps_and_rate_and_falls_with_noise():
    base = {"noise": 1.0, "rate": 0.1, "steps": 50, "delta": 1e-5}
    renyi, prv = spent(**base)
    assert prv < renyi
    for worse in ({"noise": 0.9}, {"rate": 0.12}, {"steps": 60}, {"delta": 1e-6}):
        assert all(np.greater(spent(**(base | worse)), (renyi, prv)))


def test_the_noise_for_an_epsilon():
    noise = noise_for(epsilon=3.0, rate=0.1, steps=100, delta=1e-5)
    assert 2.96 <= spent(noise=noise, rate=0.1, steps=100, delta=1e-5)[0] <= 3.0
    with pytest.raises(ConfigurationError, match="no noise keeps"):
        noise_for(epsilon=1e-9, rate=1.0, steps=100, delta=1e-5)


def test_a_stopped_run_goes_on_to_the_same_bytes_and_epsilon():
    fitted = resumes(lambda: dp_sgd(padding=1, views=2))
    facts = fitted.facts
    assert facts["steps"] == fitted.history.steps == 24
    assert facts["sample_rate"] == 16 / 96
    assert facts["epsilon"] == spent(noise=1.0, rate=16 / 96, steps=24, delta=1e-5)[0]
    assert "warning" not in facts


def test_the_released_network_is_the_plain_one():
    fitted = dp_sgd(padding=0)(toys())
    assert type(fitted.model).__name__ == "SmallCnn"
    groups = [m.num_groups for m in fitted.model.modules() if isinstance(m, nn.GroupNorm)]
    assert groups == [16, 32, 32]  # gcd(32, channels) of 16, 32 and 64 channels
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fitted.model.modules())
    assert not any(m._forward_hooks or m._backward_hooks for m in fitted.model.modules())
    assert not any(vars(weights) for weights in fitted.model.parameters())
    assert module_arrays(fitted.model).keys() == module_arrays(network()).keys()


def test_empty_batches_are_steps_of_noise():
    """A mean batch of one: more than a third of the batches are empty."""
    recipe = Recipe(epochs=1, batch=1, learning_rate=0.01)
    history = dp_sgd(padding=1)(toys(recipe=recipe)).history
    assert 0.2 < (history.batch_loss == 0).mean() < 0.55
    assert np.isfinite(history.batch_loss).all()


def test_a_run_that_diverges_is_taken_back_and_says_so():
    recipe = replace(PLAIN_SGD, learning_rate=1e30)
    with pytest.raises(TrainingError, match="again at half the learning rate"):
        dp_sgd(padding=0)(toys(recipe=recipe))
    spoiled = {3}

    def loss(log_p, seen):
        bad = seen.step in spoiled
        spoiled.discard(seen.step)
        return mean_over_views()(log_p, seen) * (float("nan") if bad else 1.0)

    images, labels = toy()
    update = Clipped(noise=1.0, clip=1.0, expected=16.0)
    defense = Defense(loss=loss, order=poisson(16 / 96), update=update)
    model = network()
    history = train(model, images, labels, defense=defense, recipe=PLAIN_SGD, seed=7)
    slow = network()
    half = replace(PLAIN_SGD, learning_rate=0.025)
    calm = replace(
        defense, loss=mean_over_views(), update=Clipped(noise=1.0, clip=1.0, expected=16.0)
    )
    train(slow, images, labels, defense=calm, recipe=half, seed=7)
    assert history.rollbacks == 1
    assert all(map(torch.equal, model.parameters(), slow.parameters()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"noise": -1.0}, "noise must be 0 or more"),
        ({"clip": 0.0}, "clip above 0"),
        ({"clip": float("inf")}, "both finite"),
        ({"views": 0}, "views must be 1 or more"),
        ({"views": 2}, "1 where nothing is augmented"),
        ({"delta": 1.0}, r"delta must lie in \(0, 1\)"),
        ({"epsilon": 0.0}, "epsilon be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(options, words):
    with pytest.raises(ConfigurationError, match=words):
        dp_sgd(padding=0, **options)


def test_a_delta_that_allows_publishing_a_sample_is_refused():
    with pytest.raises(ConfigurationError, match="less than 1 / samples"):
        dp_sgd(padding=0, delta=0.02)(toys())


def test_a_missing_package_names_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "opacus.grad_sample", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'pryproof\[dp\]'"):
        dp_sgd(padding=0)(toys())


def test_what_breaks_the_promise_is_said():
    source = (np.arange(96) % 2).astype(np.int64)
    facts = dp_sgd(padding=0, noise=0.0)(toys(source=source)).facts
    assert facts["epsilon"] == float("inf")
    assert math.isnan(facts["epsilon_prv"])
    assert "no guarantee" in facts["warning"]
    assert "Fakes were trained on" in facts["warning"]
    assert any("secure" in words for words in facts["caveats"])


@pytest.mark.parametrize("name", PRESETS)
def test_the_presets_guarantee_nothing_on_fifty_thousand_images(name):
    preset = PRESETS[name]
    steps = preset.recipe.epochs * round(50_000 / preset.recipe.batch)
    rate = preset.recipe.batch / 50_000
    assert spent(noise=preset.noise, rate=rate, steps=steps, delta=1e-5)[0] > 1000


def test_it_learns_and_memorises_less_than_plain_training():
    recipe = Recipe(epochs=12, batch=64, learning_rate=0.2)
    fitted = dp_sgd(padding=0, epsilon=20.0)(replace(given(), recipe=recipe))
    assert 19.7 < fitted.facts["epsilon"] <= 20.0
    assert accuracy(fitted, OTHERS) > 0.25  # chance is .1
    gap = accuracy(fitted, MEMBERS) - accuracy(fitted, OTHERS)
    assert gap < accuracy(plain(), MEMBERS) - accuracy(plain(), OTHERS)
    assert leak(fitted) < leak(plain())
