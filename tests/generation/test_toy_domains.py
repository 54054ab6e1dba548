"""On domains that can be told apart the transform works, by an independent judge; slow."""

import numpy as np
import pytest

from generation.toy_pictures import SHAPE, domain
from pryproof.generation.domains import PremiseSettings
from pryproof.generation.fit_cycle_gan import CycleGan, fit_cycle_gan
from pryproof.generation.judge_transform import Domains, JudgedTransform, judge_transform
from pryproof.generation.settings import CycleGanSettings
from pryproof.generation.transform import transform

JUDGE = PremiseSettings(folds=3, epochs=8, batch=32)


def moved_and_judged(
    kind: str, *, conditional: bool, classes: int
) -> tuple[CycleGan, list[JudgedTransform]]:
    """Train on 160 images of each domain; judge both directions on 150 others of each."""
    settings = CycleGanSettings(
        channels=8,
        blocks=1,
        downs=1,
        stem=3,
        skip=True,
        discriminator_channels=16,
        discriminator_layers=1,
        steps=300,
        batch=16,
        learning_rate=2e-3,
        records=2,
        conditional=conditional,
    )
    safe, risky = (
        domain(kind, f"{r} train", risky=r, count=160, classes=classes) for r in (False, True)
    )
    images, labels = zip(safe, risky, strict=True)
    fitted = fit_cycle_gan(*images, *labels, settings=settings, seed=0)
    others = [domain(kind, f"{r} test", risky=r, count=150, classes=classes) for r in (False, True)]
    judged = []
    for direction, (source, own), (target, theirs) in (
        ("s2r", *others),
        ("r2s", *reversed(others)),
    ):
        moved = transform(
            fitted.weights, source, direction=direction, settings=settings, shape=SHAPE, labels=own
        )
        domains = Domains(
            source=source, target=target, source_labels=own, target_labels=theirs, classes=classes
        )
        by_label = kind == "by label"
        judged.append(judge_transform(domains, moved, settings=JUDGE, seed=0, conditional=by_label))
    return fitted, judged


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bright", "stripes"])
def test_what_can_be_seen_is_learned(kind):
    fitted, judged = moved_and_judged(kind, conditional=False, classes=3)
    for direction in judged:
        assert direction.source.value < 0.1
        assert direction.moved.value >= 0.9
        assert direction.target.value > 0.9
    assert fitted.facts["held_cycle"] < 0.1
    assert fitted.warnings == ()


@pytest.mark.slow
def test_domains_that_turn_with_the_label_need_a_conditional_transform():
    _, plain = moved_and_judged("by label", conditional=False, classes=2)
    assert max(direction.moved.value for direction in plain) < 0.6
    fitted, told = moved_and_judged("by label", conditional=True, classes=2)
    for direction in told:
        assert direction.source.value < 0.1
        assert direction.moved.value >= 0.9
        assert np.isfinite(direction.target.value)
    assert fitted.facts["held_cycle"] < 0.1
