"""The premise check: planted truths of picture, contrast, class and nothing at all."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.generation.domains import (
    VIEWS,
    Premise,
    PremiseSettings,
    domain_premise,
    premise_warnings,
)

QUICK = PremiseSettings(folds=3, epochs=1, batch=32)
SETTINGS = PremiseSettings(folds=3, epochs=8, batch=16, learning_rate=0.05)
COUNT, SIDE = 120, 10


def noise(name: str, count: int = COUNT) -> np.ndarray:
    draws = seeds.generator(0, "premise test", name)
    return draws.integers(60, 190, (count, SIDE, SIDE, 1), dtype=np.uint8)


def judged(
    safe, risky, safe_labels=None, risky_labels=None, *, classes=2, seed=0, settings=SETTINGS
):
    safe_labels = np.arange(len(safe)) % 2 if safe_labels is None else safe_labels
    risky_labels = np.arange(len(risky)) % 2 if risky_labels is None else risky_labels
    return domain_premise(
        safe, risky, safe_labels, risky_labels, classes=classes, settings=settings, seed=seed
    )


def test_what_contrast_tells_everything_but_the_label_sees():
    flat = (noise("risky") // 4 + 94).astype(np.uint8)
    premise = judged(noise("safe"), flat)
    for view in ("image", "image_within", "pixels", "pixels_within"):
        assert premise.accuracy(view) > 0.95, view
    assert premise.accuracy("label") < 0.6
    assert premise.classes_within == 2


def test_what_only_the_picture_tells_pixel_statistics_do_not_see():
    """A bright corner: left above in the safe, right below in the risky."""
    safe, risky = noise("safe"), noise("risky")
    safe[:, :4, :4], risky[:, -4:, -4:] = 220, 220
    premise = judged(safe, risky)
    assert premise.accuracy("image") > 0.9
    assert premise.accuracy("image_within") > 0.9
    assert 0.35 < premise.accuracy("pixels") < 0.65


def test_what_only_the_class_tells_vanishes_within_it():
    """Class 1 is bright and mostly risky, class 0 is dark and mostly safe."""
    labels = np.concatenate([np.zeros(96, dtype=np.int64), np.ones(24, dtype=np.int64)])
    safe, risky = noise("safe") // 2, noise("risky") // 2
    safe[labels == 1] += 110
    risky[labels == 0] += 110
    premise = judged(safe, risky, labels, 1 - labels)
    assert premise.accuracy("label") == pytest.approx(0.8)
    assert premise.accuracy("image") > 0.7
    assert 0.3 < premise.accuracy("image_within") < 0.7
    assert premise.effective("image_within") < premise.effective("image")


def test_two_draws_of_the_same_cannot_be_told_apart():
    premise = judged(noise("safe"), noise("risky"))
    for view in VIEWS:
        assert 0.35 < premise.accuracy(view) < 0.65, view


def test_hits_and_weights():
    safe, risky = noise("safe", 90), noise("risky", 30)
    labels = np.arange(30) % 2
    labels[:2] = 2  # two images only: this class is not judged within
    premise = judged(safe, risky, np.arange(90) % 3, labels, classes=3, settings=QUICK)
    for view in VIEWS:
        assert premise.hits[view].shape == premise.weights[view].shape == (120,)
        assert set(premise.hits[view].tolist()) <= {0.0, 0.5, 1.0}
        assert premise.weights[view].sum() == pytest.approx(1.0)
        assert premise.weights[view][:90].sum() == pytest.approx(0.5)  # balanced
    assert premise.classes_within == 2
    outside = np.concatenate([np.arange(90) % 3, labels]) == 2
    assert (premise.weights["image_within"][outside] == 0).all()
    assert (premise.hits["image_within"][outside] == 0.5).all()
    assert premise.effective("image") == pytest.approx(1 / (90 / 180**2 + 30 / 60**2))


def test_without_a_common_class_nothing_is_judged_within():
    zeros, ones = np.zeros(COUNT, dtype=np.int64), np.ones(COUNT, dtype=np.int64)
    premise = judged(noise("safe"), noise("risky"), zeros, ones, settings=QUICK)
    assert premise.accuracy("label") == pytest.approx(1.0)
    assert premise.classes_within == 0
    assert not premise.weights["image_within"].any()
    assert premise.effective("image_within") == 0.0


def test_the_seed_decides():
    first, again, other = (
        judged(noise("safe"), noise("risky"), seed=seed, settings=QUICK) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(first.hits[view], again.hits[view]) for view in VIEWS)
    assert any(not np.array_equal(first.hits[view], other.hits[view]) for view in VIEWS)


def test_an_empty_domain_is_refused():
    with pytest.raises(ConfigurationError, match=r"E045.*120 safe and 0 risky.*Raise value"):
        judged(noise("safe"), noise("risky", 0))


def premise_of(*, classes: int = 2, **shares: float) -> Premise:
    """Write a premise of these accuracies: one image right and one wrong, weighted."""
    views = {"image": 0.8, "image_within": 0.8, "pixels": 0.6, "pixels_within": 0.6, "label": 0.5}
    return Premise(
        hits=dict.fromkeys(views, np.array([1.0, 0.0])),
        weights={view: np.array([x, 1 - x]) for view, x in (views | shares).items()},
        classes_within=classes,
    )


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"image_within": 0.55}, "only class or contrast"),
        ({"pixels_within": 0.79}, "nine pixel statistics"),
        ({"label": 0.85}, "the domains are classes"),
        ({"classes": 0}, "no class has enough images"),
    ],
)
def test_what_the_premise_forbids_is_said(shares, words):
    (found,) = premise_warnings(premise_of(**shares))
    assert words in found


def test_a_good_premise_is_not_warned_of():
    assert premise_warnings(premise_of()) == ()
