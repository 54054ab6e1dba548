"""CRL by hand: shortening, both relaxed losses and the centres' own step; and what it does."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from defenses.test_augmentation import MEMBERS, OTHERS, accuracy, given, leak, plain, resumes, toys
from pryproof.checks import ConfigurationError
from pryproof.defenses.crl import (
    Centres,
    Relaxing,
    crl,
    last_linear,
    relaxed_cross_entropy,
    relaxed_distance,
    shortened,
)
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Seen
from training.stopping import assert_same

LONG = Relaxing(shorten=0.0, centre_shorten=0.0)
LOGITS = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], dtype=torch.float64).log()
FEATURES = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
CENTRES = torch.tensor([[3.0, 0.0], [0.0, 1.0]])  # squared distances 16 and 1: D = 17 / 4


def seen(labels: list[int], *, epoch: int = 0) -> Seen:
    count = len(labels)
    return Seen(
        images=torch.zeros(count, 1, 4, 4),
        labels=torch.tensor(labels),
        rows=torch.arange(count),
        epoch=epoch,
        step=0,
        model=nn.Identity(),
    )


def test_vectors_are_shortened():
    """Length 5 and 0.2 a unit halve a vector; the zero vector has a gradient."""
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    found = shortened(vectors, 0.2)
    assert torch.allclose(found, torch.tensor([[1.5, 2.0], [0.0, 0.0]]))
    found.sum().backward()
    assert torch.isfinite(vectors.grad).all()


@pytest.mark.parametrize(
    ("epoch", "alpha", "expected"),
    [
        (1, 1.5, 0.4398682318),  # the second epoch: |L - alpha|
        (0, 1.5, 1.0442712651),  # the first, below: soft labels for all
        (0, 1.0, 1.0601317682),  # the first, above: L
    ],
)
def test_golden_values_of_the_loss(epoch, alpha, expected):
    numbers = replace(LONG, alpha=alpha)
    found = relaxed_cross_entropy(LOGITS, torch.tensor([0, 0]), epoch=epoch, numbers=numbers)
    assert found.item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("epoch", "alpha", "upper", "expected"),
    [
        (1, 10.0, 1.0, 10 - 17 / 4),
        (0, 1.0, 1.0, 17 / 4),
        (0, 10.0, 1.0, (0.5 * 16 + 0.5 * 25 + 1) / 4),
        (0, 10.0, 0.5, (0.5 * 16 + 0.5 * 25 + 0.5 * 1 + 0.5 * 4) / 4),
    ],
)
def test_known_answers_of_the_distance(epoch, alpha, upper, expected):
    numbers = replace(LONG, centre_alpha=alpha, centre_upper=upper)
    sure = torch.tensor([0.5, 1.0])
    found = relaxed_distance(FEATURES, CENTRES, sure, epoch=epoch, numbers=numbers)
    assert found.item() == pytest.approx(expected)


def test_centres_take_a_step_with_momentum():
    """The slope is centre - feature: -1, then -0.9; the pace -1, then -1.4; the rate 0.1."""
    numbers = replace(LONG, alpha=0.0, centre_alpha=0.0, weight=1.0, centre_rate=0.1)
    centres = Centres(torch.zeros(2, 2), numbers=numbers, momentum=0.5, weight_decay=0.0)
    for expected in (0.1, 0.24):
        features = torch.tensor([[1.0, 0.0]], requires_grad=True)
        before = centres.at.clone()
        centres.look(nn.Identity(), (features,))
        centres(torch.zeros(1, 2), seen([0])).backward()
        assert torch.allclose(features.grad, features.detach() - before[:1])
        assert torch.allclose(centres.at, torch.tensor([[expected, 0.0], [0.0, 0.0]]))


def test_the_head_is_found_or_asked_for():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    assert last_linear(net, classes=3) is net[2]
    with pytest.raises(ConfigurationError, match="ends in a linear layer of 5 classes"):
        last_linear(net, classes=5)


def test_a_stopped_run_goes_on_to_the_same_bytes():
    whole = resumes(lambda: crl(padding=1, numbers=Relaxing(alpha=0.5, centre_alpha=0.2)))
    assert not whole.model.head._forward_pre_hooks  # nothing is left on the network


def test_centres_come_by_name_and_matter():
    first, again = (module_arrays(crl(padding=0)(toys()).model) for _ in range(2))
    assert_same(first, again)
    alone = crl(padding=0, numbers=Relaxing(weight=0.0))(toys())
    assert not np.array_equal(first["head.weight"], module_arrays(alone.model)["head.weight"])


def test_a_target_that_never_binds_is_told():
    assert "does not bind" in crl(padding=0, numbers=Relaxing(alpha=0.0))(toys()).facts["warning"]


def test_members_look_more_like_others():
    fitted = crl(padding=0)(given())
    assert fitted.facts["binds"] > 0.1
    assert leak(fitted) < leak(plain())
    gap = accuracy(fitted, MEMBERS) - accuracy(fitted, OTHERS)
    assert gap < accuracy(plain(), MEMBERS) - accuracy(plain(), OTHERS)
