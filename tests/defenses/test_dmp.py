"""DMP: which images are chosen, that members reach the student by answers only, and resume."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from defenses.worlds import confidence, real_given, toy_given
from pryproof.checks import ConfigurationError
from pryproof.defenses.dmp import dmp, entropy, surest
from pryproof.defenses.fit import by_seams
from pryproof.evaluation.roc import auc
from pryproof.training.checkpoint import module_arrays
from pryproof.training.defense import Defense
from training.stopping import StoppedError, StopsAfter, assert_same


def test_known_entropies_and_the_rows_that_are_sure():
    p = np.array([[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    assert entropy(p) == pytest.approx([np.log(4), np.log(2), 0.0])
    logits = np.array([[0.0, 900.0], [0.0, 1.0], [0.3, 0.0], [50.0, 0.0]])
    assert surest(logits, 1).tolist() == [0]
    assert surest(logits, 2).tolist() == [0, 3]
    assert surest(logits, 3).tolist() == [0, 1, 3]


def test_the_student_sees_the_chosen_reference_images_alone():
    seen = []

    class Records(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, images):
            if self.training:
                seen.append(images.detach().clone())
            return self.net(images)

    one = toy_given(epochs=2)
    fitted = dmp(padding=0, share=0.25)(replace(one, make=lambda seed: Records(one.make(seed))))
    shown = torch.cat(seen[2 * 4 :])  # after the teacher's two epochs of four batches
    stored = ((shown + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert fitted.facts["transferred"] == 8
    members = {image.tobytes() for image in one.images}
    references = {image.tobytes() for image in one.reference[0]}
    student = {np.ascontiguousarray(image).tobytes() for image in stored}
    assert len(student) == 8
    assert student <= references
    assert not student & members


def test_labels_of_the_reference_are_not_used():
    one = toy_given(epochs=2)
    images, labels = one.reference
    first = dmp(padding=1)(one)
    second = dmp(padding=1)(replace(one, reference=(images, 1 - labels)))
    assert_same(module_arrays(first.model), module_arrays(second.model))


def test_share_and_temperature_change_the_student():
    plain, all_of_it, warm = (
        module_arrays(dmp(padding=0, **options)(toy_given(epochs=2)).model)
        for options in ({}, {"share": 1.0}, {"temperature": 4.0})
    )
    assert not np.array_equal(plain["head.weight"], all_of_it["head.weight"])
    assert not np.array_equal(plain["head.weight"], warm["head.weight"])


def test_a_stopped_run_goes_on_to_the_same_bytes():
    fit = dmp(padding=1)
    whole = fit(toy_given(epochs=2))
    for stop in range(1, 2 * 4 + 2 * 2 + 1):  # teacher and student, two epochs each
        keep = StopsAfter(stop)
        with pytest.raises(StoppedError):
            fit(toy_given(epochs=2, keep=keep))
        keep.left = -1
        told = []
        again = fit(
            toy_given(epochs=2, keep=keep, progress=lambda _, words, told=told: told.append(words))
        )
        assert any("teacher" in words for words in told) == (stop < 8)
        assert_same(module_arrays(whole.model), module_arrays(again.model))
        assert np.array_equal(whole.history.batch_loss, again.history.batch_loss)


@pytest.mark.parametrize("options", [{"share": 0.0}, {"share": 1.5}, {"temperature": 0.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ConfigurationError, match="share in"):
        dmp(padding=0, **options)


def test_no_reference_is_refused():
    with pytest.raises(ConfigurationError, match="DMP needs reference images"):
        dmp(padding=0)(toy_given(epochs=2, reference=None))


def test_it_tells_less_of_the_members_than_plain_training():
    one, images, labels = real_given()
    told = {}
    for name, fit in {"plain": by_seams(Defense), "dmp": dmp(padding=0, share=0.8)}.items():
        score = confidence(fit(one).model, images, labels)
        told[name] = auc(score[:300], score[300:])
    assert told["dmp"] < told["plain"] - 0.05
