"""Which epoch is released, by hand and on real images, and what the held-back samples do not do."""

import numpy as np
import pytest
import torch
from torch import nn

from defenses.test_augmentation import given, leak, plain, resumes, toys
from pryproof.checks import ConfigurationError, DataError
from pryproof.defenses.early_stopping import BestEpoch, early_stopping, held_back
from pryproof.training.checkpoint import module_arrays
from pryproof.training.trace import LossTrace

HELD = np.zeros((4, 1, 1, 1), dtype=np.uint8)


class Says(nn.Module):
    """Answer one class whatever it sees, as set."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.bias.expand(len(images), 3)


def watched(classes: list[int], **options) -> tuple[BestEpoch, list[dict]]:
    """Watch a model that answers one class after another; class 2 is right thrice, 1 once."""
    model, weights = Says(), []
    watch = BestEpoch(HELD, np.array([2, 2, 1, 2]), **options)
    for epoch, kind in enumerate(classes):
        model.bias.data = torch.eye(3)[kind] * (epoch + 1)
        weights.append(module_arrays(model))
        watch.after(model, epoch=epoch)
    return watch, weights


def test_the_first_of_the_best_epochs_is_kept():
    watch, weights = watched([0, 2, 1, 2])
    assert watch.accuracy.tolist() == [0.0, 0.75, 0.25, 0.75]
    assert watch.epoch == 1
    assert np.array_equal(watch.weights["bias"], weights[1]["bias"])


def test_patience_ends_the_choice():
    """Accuracies .25, 0, 0 and then .75: two without a better one, so the last does not count."""
    hasty, weights = watched([1, 0, 0, 2], patience=2)
    assert (hasty.epoch, len(hasty.accuracy)) == (0, 3)
    assert np.array_equal(hasty.weights["bias"], weights[0]["bias"])
    assert watched([1, 0, 0, 2], patience=3)[0].epoch == 3
    assert watched([1, 0, 0, 2])[0].epoch == 3


def test_it_takes_up_what_it_gave():
    first, _ = watched([1, 2])
    second, _ = watched([])
    assert second.epoch == -1
    second.restore(first.arrays())
    assert second.accuracy.tolist() == [0.25, 0.75]
    assert np.array_equal(second.weights["bias"], first.weights["bias"])


def test_a_tenth_of_every_class_is_held_back_by_name():
    labels = np.repeat(np.arange(4), [40, 25, 10, 1])
    held = held_back(labels, seed=3)
    assert np.bincount(labels[held], minlength=4).tolist() == [4, 2, 1, 0]
    assert np.array_equal(held, held_back(labels, seed=3))
    assert not np.array_equal(held, held_back(labels, seed=4))
    with pytest.raises(DataError, match="leaves none to hold back"):
        held_back(np.arange(5), seed=0)


def test_a_stopped_run_goes_on_to_the_same_bytes():
    whole = resumes(lambda: early_stopping(padding=1), stops=range(1, 20, 2))
    assert whole.facts["held_back"] == 10
    assert whole.history.steps == 4 * 5  # 86 samples in batches of about 16


def test_another_watch_still_sees_every_epoch():
    trace = LossTrace(toys().images[:6], toys().labels[:6])
    early_stopping(padding=0, patience=1)(toys(watch=trace))
    assert trace.losses.shape == (4, 6)


def test_only_reals_are_held_back():
    where = (np.arange(96) >= 60).astype(np.int64)
    fitted = early_stopping(padding=0)(toys(source=where))
    assert fitted.facts["held_back"] == 6


@pytest.mark.parametrize("options", [{"share": 0.0}, {"share": 1.0}, {"patience": 0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ConfigurationError, match="share must lie in"):
        early_stopping(padding=0, **options)


def test_an_early_epoch_leaks_less():
    fitted = early_stopping(padding=0)(given())
    assert fitted.facts["best_epoch"] < 20
    assert leak(fitted) < leak(plain())
