"""The split's law, that no teacher answers what it saw, resume, and what SELENA is for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from defenses.worlds import confidence, real_given
from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.defenses.fit import Given, by_seams
from pryproof.defenses.selena import sees, selena, split, split_answers
from pryproof.evaluation.roc import auc
from pryproof.models.resolve import build
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Defense, Loss
from pryproof.training.predict import predict
from pryproof.training.recipe import Recipe
from training.stopping import StoppedError, StopsAfter, assert_same, toy

SMALL = Recipe(epochs=2, batch=16, learning_rate=0.05)


def given(**changes) -> Given:
    images, labels = toy(32)
    whole = Given(
        make=lambda seed: build("small_cnn", classes=2, shape=(8, 8, 1), seed=seed),
        images=images,
        labels=labels,
        classes=2,
        recipe=SMALL,
        seed=5,
    )
    return replace(whole, **changes)


class Marked(nn.Module):
    """A teacher whose answer says who it is: almost all on class ``number``."""

    def __init__(self, number: int, classes: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(80.0 * torch.eye(classes)[number])

    def forward(self, images):
        return self.logits.expand(len(images), -1)


def test_every_sample_is_hidden_from_exactly_so_many_distinct_teachers():
    hidden = split(2000, teachers=25, unseen=10, seed=1)
    assert all(len(set(row)) == 10 for row in hidden.tolist())
    assert hidden.min() == 0
    assert hidden.max() == 24
    seen = np.array([sees(hidden, number) for number in range(25)])
    assert (seen.sum(axis=0) == 15).all()
    sizes = seen.sum(axis=1)  # binomial, mean 1200, spread 22
    assert np.abs(sizes - 1200).max() < 100
    again = split(2000, teachers=25, unseen=10, seed=2)
    assert not np.array_equal(hidden, again)


def test_known_answer_is_the_mean_of_exactly_the_teachers_that_did_not_see_it():
    hidden = np.array([[0, 2], [1, 3], [2, 3]])
    answers = split_answers(
        [Marked(number, 4) for number in range(4)],
        hidden,
        np.zeros((3, 8, 8, 1), np.uint8),
        seed=0,
        rows=np.arange(3),
    )
    expected = [[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5]]
    assert answers == pytest.approx(np.array(expected), abs=1e-9)


def test_no_member_is_answered_by_a_teacher_that_saw_it():
    hidden = split(40, teachers=6, unseen=2, seed=3)
    images = np.zeros((40, 8, 8, 1), np.uint8)
    models = (Marked(number, 6) for number in range(6))
    answers = split_answers(models, hidden, images, seed=0, rows=np.arange(40))
    for number in range(6):
        assert (answers[sees(hidden, number), number] < 1e-9).all()
        assert answers[~sees(hidden, number), number] == pytest.approx(0.5)


def test_another_query_is_answered_by_the_teachers_of_a_random_member_named_by_its_pixels():
    hidden = split(40, teachers=6, unseen=2, seed=3)
    images = seeds.generator(0, "queries").integers(0, 256, (300, 4, 4, 1), dtype=np.uint8)
    models = [Marked(number, 6) for number in range(6)]
    answers = split_answers(models, hidden, images, seed=0)
    patterns = {tuple(np.flatnonzero(row > 0.1)) for row in answers}
    assert patterns == {tuple(row) for row in hidden.tolist()}  # every member's, no other
    backwards = split_answers(models, hidden, images[::-1].copy(), seed=0)
    assert np.array_equal(answers, backwards[::-1])
    assert not np.array_equal(answers, split_answers(models, hidden, images, seed=1))


def test_the_student_learns_the_split_answers_of_the_images_as_stored():
    tables: list[np.ndarray] = []

    def spy(targets: np.ndarray) -> Loss:
        tables.append(targets)
        return lambda logits, _: logits.square().mean()

    keep = StopsAfter(10**6)
    one = given(keep=keep)
    selena(padding=1, teachers=3, unseen=1, student_loss=spy)(one)
    hidden = split(32, teachers=3, unseen=1, seed=5)
    for number in range(3):
        model = one.make(0)
        kept = keep.kept[f"teacher{number}"]
        model.load_state_dict({k: torch.from_numpy(v) for k, v in kept.arrays.items()})
        alone = ~sees(hidden, number)
        said = torch.softmax(torch.from_numpy(predict(model, one.images)), dim=1).numpy()
        assert tables[0][alone] == pytest.approx(said[alone], abs=1e-6)


def test_a_stopped_run_goes_on_to_the_same_bytes():
    fit = selena(padding=1, teachers=3, unseen=1)
    whole = fit(given())
    steps = 3 * 2 * 1 + 2 * 2  # three teachers of one batch an epoch, the student of two
    for stop in range(1, steps + 1):
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            fit(given(keep=keep))
        keep.left = -1
        again = fit(given(keep=keep))
        assert_same(module_arrays(whole.model), module_arrays(again.model))
        assert np.array_equal(whole.history.batch_loss, again.history.batch_loss)


def test_finished_teachers_are_not_trained_again_and_progress_goes_over_all():
    keep, told = StopsAfter(9), []  # within the student: all six teacher steps are done

    def progress(share: float, words: str) -> None:
        told.append((share, words))

    fit = selena(padding=1, teachers=3, unseen=1)
    with pytest.raises(StoppedError):
        fit(given(keep=keep, progress=progress))
    assert [words.split(",")[0] for _, words in told] == [
        *("teacher 1 of 3", "teacher 1 of 3"),
        *("teacher 2 of 3", "teacher 2 of 3"),
        *("teacher 3 of 3", "teacher 3 of 3"),
        "student",
    ]
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    told.clear()
    keep.left = -1
    fit(given(keep=keep, progress=progress))
    assert {words.split(",")[0] for _, words in told} == {"student"}
    assert told[-1][0] == 1.0


def test_a_reduced_setting_says_so():
    small = selena(padding=0, teachers=3, unseen=1)(given())
    assert small.facts["teachers"] == 3
    assert "the paper has 25 and 10" in str(small.facts["reduced"])


@pytest.mark.parametrize(("teachers", "unseen"), [(3, 3), (3, 0), (1, 1)])
def test_an_impossible_split_is_refused(teachers, unseen):
    with pytest.raises(ConfigurationError, match="1 <= unseen < teachers"):
        selena(padding=0, teachers=teachers, unseen=unseen)


def test_it_tells_less_of_the_members_than_plain_training():
    one, images, labels = real_given()
    told = {}
    for name, fit in {
        "plain": by_seams(Defense),
        "selena": selena(padding=0, teachers=4, unseen=2),
    }.items():
        model = fit(one).model
        score = confidence(model, images, labels)
        told[name] = auc(score[:300], score[300:])
    assert told["selena"] < told["plain"] - 0.05
