"""The choice by hand with made-up accuracies, and that a stopped search goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from defenses.test_augmentation import none, toys
from pryproof.checks import ConfigurationError, DataError, TrainingError
from pryproof.defenses.choose_alpha import GRID, choose_alpha
from pryproof.defenses.fit import Fitted
from pryproof.defenses.relax_loss import relaxed
from pryproof.training.loop import History
from training.stopping import StoppedError, StopsAfter

IMAGES = np.zeros((1000, 1, 1, 1), dtype=np.uint8)
LABELS = np.repeat(np.arange(2), 500)
NONE = np.zeros((1, 1))
EMPTY = History(batch_loss=NONE, batch_accuracy=NONE, source_loss=NONE, steps=1, rollbacks=0)


class Silent(nn.Module):
    """Has a weight and says nothing of use."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(images), 2)


def right_on(count: int, tried: list | None = None, name: object = None):
    """Return a fit whose service is right on so many of the thousand validation images."""

    def fit(given) -> Fitted:
        if tried is not None:
            tried.append(name)
        said = np.where(np.arange(1000) < count, LABELS, 1 - LABELS)
        return Fitted(model=Silent(), history=EMPTY, answer=lambda _: np.eye(2)[said])

    return fit


def choose(ce: int, by_alpha: dict[float, int], **options):
    tried: list = []
    chosen = choose_alpha(
        toys(),
        fit_ce=right_on(ce),
        fit_relaxed=lambda alpha: right_on(by_alpha[alpha], tried, alpha),
        validation=(IMAGES, LABELS),
        **{"grid": tuple(by_alpha)} | options,
    )
    return chosen, tried


def test_the_largest_target_within_one_point_is_chosen():
    chosen, tried = choose(800, {0.5: 801, 1.0: 790, 1.5: 789, 2.0: 600})
    assert chosen.alpha == 1.0  # exactly one point less; 1.5 loses eleven thousandths
    assert tried == [2.0, 1.5, 1.0]  # 0.5 need not be trained
    assert chosen.accuracy_ce == 0.8
    assert chosen.accuracy == {2.0: 0.6, 1.5: 0.789, 1.0: 0.79}


def test_the_default_grid():
    assert GRID == (0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    assert choose(800, dict.fromkeys(GRID, 795))[0].alpha == 3.0


def test_no_fitting_target_is_an_error_that_tells_all():
    with pytest.raises(ConfigurationError, match=r"0\.800 of cross entropy \(1\.0: 0\.600, 0\.5"):
        choose(800, {0.5: 700, 1.0: 600})


def test_the_least_target_may_stand_in_and_says_so():
    chosen, _ = choose(800, {0.5: 700, 1.0: 600}, or_least=True)
    assert chosen.alpha == 0.5
    assert "no alpha keeps within one point" in chosen.warning
    assert choose(800, {0.5: 800}, or_least=True)[0].warning == ""


def test_a_target_whose_training_diverges_does_not_qualify():
    def fit_relaxed(alpha: float):
        def diverges(_given):
            raise TrainingError("E070", "the loss became nan", fix="-")

        return diverges if alpha == 2.0 else right_on(800)

    given = {"fit_ce": right_on(800), "validation": (IMAGES, LABELS), "grid": (1.0, 2.0)}
    chosen = choose_alpha(toys(), fit_relaxed=fit_relaxed, **given)
    assert chosen.alpha == 1.0
    assert chosen.accuracy[2.0] == 0.0


def test_bad_grids_and_no_validation_are_refused():
    with pytest.raises(ConfigurationError, match="the grid of alpha must hold"):
        choose(800, {}, grid=())
    with pytest.raises(DataError, match="needs validation images"):
        choose_alpha(
            toys(),
            fit_ce=none(padding=0),
            fit_relaxed=lambda _: none(padding=0),
            validation=(IMAGES[:0], LABELS[:0]),
        )


def test_a_stopped_search_goes_on_and_trains_nothing_twice():
    validation = (toys().images[:48], toys().labels[:48])

    def search(keep=None):
        given = toys() if keep is None else toys(keep=keep)
        given = replace(given, recipe=replace(given.recipe, epochs=2))
        return choose_alpha(
            given,
            fit_ce=none(padding=0),
            fit_relaxed=lambda alpha: relaxed(padding=0, alpha=alpha),
            validation=validation,
            grid=(0.05, 9.0),
        )

    whole = search()
    for stop in range(2, 24, 2):
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            search(keep)
        keep.left = -1  # it stops once
        assert search(keep) == whole
        left = keep.left
        assert search(keep) == whole
        assert keep.left == left  # nothing was trained again: nobody asked whether to keep
