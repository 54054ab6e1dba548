"""The independent judge: floor and ceiling, perfect and idle transforms, and the label."""

from dataclasses import replace

import numpy as np
import pytest

from generation.toy_pictures import brighter, domain, pictures
from pryproof.checks import DataError
from pryproof.generation.domains import PremiseSettings
from pryproof.generation.judge_transform import Domains, judge_transform
from pryproof.intervals import wilson

SETTINGS = PremiseSettings(folds=2, epochs=6, batch=16)
COUNT = 60


def toy(kind: str) -> Domains:
    (source, source_labels), (target, target_labels) = (
        domain(kind, name, risky=risky, count=COUNT, classes=2)
        for name, risky in (("source", False), ("target", True))
    )
    return Domains(
        source=source,
        target=target,
        source_labels=source_labels,
        target_labels=target_labels,
        classes=2,
    )


def test_a_perfect_and_an_idle_transform():
    domains = toy("bright")
    perfect = judge_transform(domains, brighter(domains.source), settings=SETTINGS, seed=0)
    idle = judge_transform(domains, domains.source, settings=SETTINGS, seed=0)
    assert perfect.source.value < 0.1
    assert perfect.target.value > 0.9
    assert perfect.moved.value > 0.9
    assert idle.moved == idle.source
    low, high = wilson(round(perfect.moved.value * COUNT), COUNT)
    assert (perfect.moved.low, perfect.moved.high, perfect.moved.n) == (low, high, COUNT)


def test_only_a_judge_that_is_told_the_label_sees_domains_that_differ_by_it():
    """Brighter for class 0 and darker for class 1: to an unlabelled judge nothing has changed."""
    domains = toy("by label")
    plain = pictures("source", COUNT, 2)[0]
    marked = domains.source_labels == 0
    moved = np.where(marked[:, None, None, None], brighter(plain), plain)
    settings = replace(SETTINGS, epochs=12)
    told = judge_transform(domains, moved, settings=settings, seed=0, conditional=True)
    assert told.source.value < 0.1
    assert told.moved.value > 0.9
    assert told.target.value > 0.9


def test_only_those_asked_about_are_judged():
    domains = toy("bright")
    asked = np.arange(COUNT) < 10
    half = domains.source.copy()
    half[:10] = brighter(half[:10])
    found = judge_transform(domains, half, settings=SETTINGS, seed=0, asked=asked)
    assert found.moved.n == found.source.n == 10
    assert found.moved.value > 0.9
    nobody = judge_transform(domains, half, settings=SETTINGS, seed=0, asked=asked & ~asked)
    assert np.isnan(nobody.moved.value)


def test_images_that_do_not_fit_are_refused():
    domains = toy("bright")
    with pytest.raises(DataError, match=r"E056.*every source image"):
        judge_transform(domains, domains.source[:5], settings=SETTINGS, seed=0)
    few = replace(domains, source=domains.source[:1], source_labels=domains.source_labels[:1])
    with pytest.raises(DataError, match=r"E045.*2 images or more, got 1 and 60"):
        judge_transform(few, few.source, settings=SETTINGS, seed=0)
