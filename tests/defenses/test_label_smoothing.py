"""Label smoothing by hand, and what it does to members."""

import numpy as np
import pytest
import torch

from defenses.test_augmentation import MEMBERS, given, losses, plain, resumes
from pryproof.checks import ConfigurationError
from pryproof.defenses.label_smoothing import label_smoothing, smoothed_cross_entropy
from pryproof.training.defense import Seen


def seen(labels: list[int]) -> Seen:
    count = len(labels)
    return Seen(
        images=torch.zeros(count, 1, 4, 4),
        labels=torch.tensor(labels),
        rows=torch.arange(count),
        epoch=0,
        step=0,
        model=torch.nn.Identity(),
    )


def test_known_answer():
    """Logits (2, 0, -1): cross entropy .16984601956; mean of -log p is .16984601956 + 5/3."""
    logits = torch.tensor([[2.0, 0.0, -1.0]], dtype=torch.float64)
    expected = 0.9 * 0.16984601956 + 0.1 * (0.16984601956 + 5 / 3)
    assert smoothed_cross_entropy()(logits, seen([0])).item() == pytest.approx(expected, abs=1e-10)
    bare = smoothed_cross_entropy(0.0)(logits, seen([0])).item()
    assert bare == pytest.approx(0.16984601956, abs=1e-10)


def test_the_best_logits_are_the_smoothed_label():
    target = torch.tensor([[0.9 + 0.1 / 4, 0.1 / 4, 0.1 / 4, 0.1 / 4]], dtype=torch.float64)
    logits = target.log().requires_grad_()
    smoothed_cross_entropy(0.1)(logits, seen([0])).backward()
    assert torch.allclose(logits.grad, torch.zeros_like(logits), atol=1e-12)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_a_share_outside_the_unit_interval_is_refused(smoothing):
    with pytest.raises(ConfigurationError, match=r"smoothing must lie in \[0, 1\)"):
        label_smoothing(padding=0, smoothing=smoothing)


def test_a_stopped_run_goes_on_to_the_same_bytes():
    resumes(lambda: label_smoothing(padding=1))


def test_members_are_kept_from_certainty():
    fitted = label_smoothing(padding=0, smoothing=0.3)(given())
    floor = -np.log(0.7 + 0.03)  # the loss of a member that is said exactly as smoothed
    assert np.median(losses(fitted, MEMBERS)) > 0.7 * floor
    assert np.median(losses(plain(), MEMBERS)) < np.median(losses(fitted, MEMBERS))
