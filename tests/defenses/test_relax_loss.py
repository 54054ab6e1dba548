"""Golden values of methods section 14, and that the loss is really held near its target."""

import pytest
import torch

from pryproof.defenses.relax_loss import relax_loss

LOGITS = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], dtype=torch.float64).log()
LABELS = torch.tensor([0, 0])
MEAN = 1.0601317682


@pytest.mark.parametrize(
    ("epoch", "alpha", "expected"),
    [
        (0, 1.5, 0.4398682318),  # even, below the target: ascent
        (0, 1.0, MEAN - 1.0),  # even, above: descent
        (1, 1.5, -0.5197639799),  # odd, below: flattening
        (1, 1.0, MEAN),  # odd, above: plain cross entropy
    ],
)
def test_known_answers(epoch, alpha, expected):
    objective = relax_loss(alpha)(LOGITS, LABELS, epoch)
    assert objective.descend.item() == pytest.approx(expected, abs=1e-9)
    assert objective.cross_entropy.item() == pytest.approx(MEAN, abs=1e-9)


def test_even_epochs_ascend_below_the_target_and_descend_above():
    for alpha, sign in ((2.0, -1.0), (0.5, 1.0)):
        logits = LOGITS.clone().requires_grad_()
        objective = relax_loss(alpha)(logits, LABELS, 0)
        (relaxed,) = torch.autograd.grad(objective.descend, logits, retain_graph=True)
        (plain,) = torch.autograd.grad(objective.cross_entropy, logits)
        assert torch.allclose(relaxed, sign * plain)


def test_the_soft_target_is_a_constant():
    logits = LOGITS.clone().requires_grad_()
    relax_loss(1.5)(logits, LABELS, 1).descend.backward()
    p = LOGITS.exp()
    soft = torch.tensor([[0.6, 0.2, 0.2], [0.2, 0.4, 0.4]], dtype=torch.float64)
    hard = torch.tensor([[1.0, 0, 0], [1.0, 0, 0]], dtype=torch.float64)
    wrong = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    expected = (wrong * (p - soft) - (p - hard)) / 2
    assert torch.allclose(logits.grad, expected)


def test_the_cap_bounds_the_true_class():
    free = relax_loss(1.5)(LOGITS, LABELS, 1).descend
    capped = relax_loss(1.5, upper=0.1)(LOGITS, LABELS, 1).descend
    assert free.item() != pytest.approx(capped.item())
