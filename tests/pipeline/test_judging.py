"""Whom attacks call members: by the shadows' cuts, in the evaluation and in every figure alike."""

from dataclasses import replace

import numpy as np
import pytest

from pryproof import seeds
from pryproof.attacks import THRESHOLD_ATTACKS, threshold
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.steps.judging import Run, called, cuts
from pryproof.store.workspace import Stored

SIZE, CLASSES = 60, 2
PARTS = ("members", "shadow0", "shadow1", "outside", "evaluation")
COUNT = SIZE * len(PARTS)


@pytest.fixture(scope="module")
def data() -> Loaded:
    return Loaded(
        images=np.zeros((COUNT, 2, 2, 1), np.uint8),
        labels=np.arange(COUNT) % CLASSES,
        ids=[str(place) for place in range(COUNT)],
        classes=["cat", "dog"],
        parts={name: slice(k * SIZE, (k + 1) * SIZE) for k, name in enumerate(PARTS)},
    )


def run(data: Loaded, fold: str, number: int, *, reference: bool = False) -> Run:
    """Draw a run whose losses (nats) are lower on its own fold."""
    losses = np.exp(seeds.generator(number, "judging", fold).normal(size=COUNT))
    losses[data.fold(fold)] *= 0.3
    said = {"logp": -losses, "phi": -losses, "log_mentropy": np.log(losses)}
    said |= {"entropy": losses, "correct": (losses < 0.7).astype(np.float64)}
    arrays = {f"signal.{name}": value for name, value in said.items()}
    stored = Stored(arrays=arrays, facts={"uses_reference": reference}, record={})
    return Run.of(stored, fold=fold)


def shadows(data: Loaded, *, reference: bool = False) -> list[Run]:
    folds = ("shadow0", "shadow0", "shadow1")
    return [run(data, fold, number, reference=reference) for number, fold in enumerate(folds)]


def elsewhere(given: Run, *parts: slice) -> Run:
    """Return a run that says the same everywhere but in some parts."""
    said = {name: values.copy() for name, values in given.said.items()}
    for values in said.values():
        for part in parts:
            values[part] = 0.5 + 3 * np.arange(len(values[part])) / SIZE
    return replace(given, said=said)


def test_cuts_are_those_of_every_shadows_own_fold_against_the_images_outside(data):
    own, outside, labels, others = [], [], [], []
    for each in shadows(data):
        score = THRESHOLD_ATTACKS["modified_entropy"](each.said)
        own.append(score[data.parts[each.fold]])
        labels.append(data.labels[data.parts[each.fold]])
        outside.append(score[data.parts["outside"]])
        others.append(data.labels[data.parts["outside"]])
    tables = [np.concatenate(each) for each in (own, labels, outside, others)]
    expected = threshold.fit(*tables, classes=CLASSES)
    found = cuts("modified_entropy", data, shadows(data))
    assert np.array_equal(found.per_class, expected.per_class)
    assert found.overall == expected.overall


def test_what_is_judged_moves_no_cut(data):
    before = cuts("confidence", data, shadows(data))
    judged = [data.parts["members"], data.parts["evaluation"]]
    after = cuts("confidence", data, [elsewhere(each, *judged) for each in shadows(data)])
    assert np.array_equal(before.per_class, after.per_class)
    moved = cuts("confidence", data, [elsewhere(e, data.parts["outside"]) for e in shadows(data)])
    assert not np.array_equal(before.per_class, moved.per_class)


@pytest.mark.parametrize("reference", [False, True])
def test_images_that_served_the_defense_stand_for_nobody(data, reference):
    before = shadows(data, reference=reference)
    after = [elsewhere(each, data.defenders()) for each in before]
    found = [cuts("entropy", data, given).per_class for given in (before, after)]
    assert np.array_equal(*found) == reference


def test_a_fixed_cut_is_fitted_on_nothing(data):
    assert cuts("correctness", data, []).overall == 0.5


def test_targets_are_called_by_the_shadows_cuts(data):
    targets = [run(data, "target", number) for number in (7, 8)]
    found = called("modified_entropy", data, targets, shadows(data))
    assert found.shape == (2, COUNT)
    assert found[:, data.parts["members"]].mean() > found[:, data.parts["evaluation"]].mean() + 0.2
    alone = called("modified_entropy", data, targets[1:], shadows(data))
    assert np.array_equal(alone[0], found[1])
