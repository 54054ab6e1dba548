"""Golden values of methods section 14, and that the loss is really held near its target."""

import numpy as np
import pytest
import torch

from defenses.test_augmentation import given, leak, plain, resumes, toys
from pryproof.checks import ConfigurationError
from pryproof.defenses.relax_loss import binding, by_source, relax_loss, relaxed
from pryproof.training.defense import Seen, cross_entropy
from pryproof.training.loop import History

LOGITS = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], dtype=torch.float64).log()
LABELS = torch.tensor([0, 0])
MEAN = 1.0601317682


def seen(epoch: int) -> Seen:
    """Return a step on the two samples; a batch loss looks at nothing else."""
    rows = torch.arange(2)
    images = torch.zeros(2, 1, 4, 4)
    return Seen(
        images=images, labels=LABELS, rows=rows, epoch=epoch, step=epoch, model=torch.nn.Identity()
    )


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
    assert relax_loss(alpha)(LOGITS, seen(epoch)).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("dialect", "flat"),
    [("crl", 1.0442712651), ("paper", 1.0807355764 / 2)],  # all softly; only the wrong one
)
def test_dialects_that_count_epochs_from_one(dialect, flat):
    for epoch, alpha, expected in [
        (1, 1.5, 0.4398682318),
        (1, 1.0, MEAN - 1.0),
        (0, 1.5, flat),
        (0, 1.0, MEAN),
    ]:
        found = relax_loss(alpha, dialect=dialect)(LOGITS, seen(epoch)).item()
        assert found == pytest.approx(expected, abs=1e-9)


def test_even_epochs_ascend_below_the_target_and_descend_above():
    for alpha, sign in ((2.0, -1.0), (0.5, 1.0)):
        logits = LOGITS.clone().requires_grad_()
        (relaxed_by,) = torch.autograd.grad(relax_loss(alpha)(logits, seen(0)), logits)
        (descent,) = torch.autograd.grad(cross_entropy(logits, seen(0)), logits)
        assert torch.allclose(relaxed_by, sign * descent)


def test_the_soft_target_is_a_constant():
    logits = LOGITS.clone().requires_grad_()
    relax_loss(1.5)(logits, seen(1)).backward()
    p = LOGITS.exp()
    soft = torch.tensor([[0.6, 0.2, 0.2], [0.2, 0.4, 0.4]], dtype=torch.float64)
    hard = torch.tensor([[1.0, 0, 0], [1.0, 0, 0]], dtype=torch.float64)
    wrong = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    expected = (wrong * (p - soft) - (p - hard)) / 2
    assert torch.allclose(logits.grad, expected)


def test_gradients_can_pass_through_the_target():
    """The difference is -sum_j log p_j dt_j: dt_y = dp_y, dt_j = -dp_y / 2, dp_y = p_y (1 - p)."""
    found = {}
    for detach in (True, False):
        logits = LOGITS.clone().requires_grad_()
        loss = relax_loss(1.5, dialect="crl", detach_target=detach)(logits, seen(0))
        assert loss.item() == pytest.approx(1.0442712651, abs=1e-9)
        loss.backward()
        found[detach] = logits.grad
    p = LOGITS.exp()
    slope = -p[:, :1] * p
    slope[:, 0] += p[:, 0]  # of the true class's probability
    by_target = -(LOGITS[:, :1] - LOGITS[:, 1:].mean(dim=1, keepdim=True))
    assert torch.allclose(found[False] - found[True], by_target * slope / 2)


def test_the_cap_bounds_the_true_class():
    free = relax_loss(1.5)(LOGITS, seen(1))
    capped = relax_loss(1.5, upper=0.1)(LOGITS, seen(1))
    assert free.item() != pytest.approx(capped.item())


def test_impossible_targets_and_unknown_dialects_are_refused():
    with pytest.raises(ConfigurationError, match="alpha must be 0 nats or more"):
        relax_loss(-0.1)
    with pytest.raises(ConfigurationError, match="upper lie in"):
        relax_loss(1.0, upper=0.0)
    with pytest.raises(ConfigurationError, match=r"Did you mean official\?"):
        relax_loss(1.0, dialect="oficial")


@pytest.mark.parametrize("dialect", ["official", "paper", "crl"])
def test_a_stopped_run_goes_on_to_the_same_bytes(dialect):
    resumes(lambda: relaxed(padding=1, alpha=0.4, dialect=dialect), stops=range(1, 21, 2))


def test_binding_is_counted_over_the_last_quarter():
    losses = np.array([[0.1, 0.1]] * 6 + [[0.5, 0.3], [0.2, 0.9]])
    history = History(
        batch_loss=losses, batch_accuracy=losses, source_loss=losses, steps=16, rollbacks=0
    )
    assert binding(history, alpha=0.4) == {"binds": 0.5}
    told = binding(history, alpha=0.2)
    assert told["binds"] == 0.0
    assert "0.0% of the late batches" in told["warning"]


def test_each_source_is_held_near_the_target_by_itself():
    logits = LOGITS.clone().requires_grad_()
    source = np.array([0, 1])
    apart = by_source(relax_loss(0.8), source)(logits, seen(0))
    low, high = -np.log(0.6), -np.log(0.2)  # the first lies below the target, the second above
    assert apart.item() == pytest.approx((abs(low - 0.8) + abs(high - 0.8)) / 2)
    (slope,) = torch.autograd.grad(apart, logits)
    (plain,) = torch.autograd.grad(cross_entropy(logits, seen(0)), logits)
    assert torch.allclose(slope, plain * torch.tensor([[-1.0], [1.0]], dtype=torch.float64))
    alone = by_source(relax_loss(0.8), np.zeros(2, np.int64))(LOGITS, seen(0))
    assert alone.item() == pytest.approx(relax_loss(0.8)(LOGITS, seen(0)).item())


def test_losses_of_reals_and_fakes_are_told_apart():
    source = (np.arange(96) >= 60).astype(np.int64)
    fitted = relaxed(padding=0, alpha=0.3)(toys(source=source))
    assert fitted.facts["loss_real"] == pytest.approx(fitted.history.source_loss[-2:, 0].mean())
    assert fitted.facts["loss_fake"] == pytest.approx(fitted.history.source_loss[-2:, 1].mean())
    assert "loss_real" not in relaxed(padding=0, alpha=0.3)(toys()).facts


def test_the_loss_is_held_near_its_target_and_leaks_less():
    fitted = relaxed(padding=0, alpha=0.8)(given())
    late = fitted.history.batch_loss[-5:].mean()
    assert abs(late - 0.8) < 0.25
    assert fitted.facts["binds"] > 0.1
    assert leak(fitted) < leak(plain())
