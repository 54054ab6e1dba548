"""Do the intervals hold the truth as often as they say? Reduced, with fixed seeds.

Nominal is 95%. Some 150 studies show a share with a standard error of 1.8%; with ten times as many
it lies within 92% and 98% (a little above where an attack is nearly perfect, or where one false
positive is allowed). Quantiles over samples and Clopper-Pearson hold at least 95% by construction.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from pryproof.evaluation.crossed import auc_of, balanced_accuracy_of, rate_of
from pryproof.evaluation.low_fpr import tpr_of
from pryproof.evaluation.per_sample import exposure, per_sample_tpr
from pryproof.evaluation.precision import precision_at, precision_of
from pryproof.evaluation.scored import scored
from pryproof.records import Estimate
from reference.worlds import Targets, one_target, scores, true_auc, true_tpr

pytestmark = pytest.mark.slow

STUDIES = 150


def share(truth: float, studies: Iterable[Estimate]) -> float:
    held = [study.contains(truth) for study in studies if not np.isnan(study.value)]
    return float(np.mean(held))


def simulated(study: Callable[[np.random.Generator], Estimate], studies: int = STUDIES):
    return [study(np.random.default_rng([7, k])) for k in range(studies)]


@pytest.mark.parametrize(("members", "others"), [(50, 50), (50, 300)])
@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        ("normal", 0.0),
        ("normal", 1.0),
        ("normal", 3.3),
        ("few", 0.95),
        ("ties", 0.5),
        ("ties", 3.0),
    ],
)
def test_auc(kind: str, strength: float, members: int, others: int):
    def study(rng: np.random.Generator) -> Estimate:
        table, member = one_target(*scores(kind, strength, members, others, rng))
        return auc_of(table, member, ~member)

    assert 0.92 <= share(true_auc(kind, strength), simulated(study)) <= 0.995


@pytest.mark.parametrize(("tpr", "fpr"), [(0.5, 0.5), (0.3, 0.1), (0.99, 0.1)])
def test_balanced_accuracy_and_precision(tpr: float, fpr: float):
    found: list[tuple[Estimate, Estimate]] = []
    for k in range(STUDIES):
        rng = np.random.default_rng([7, k])
        member = np.arange(250)[None] < 150
        called = rng.random((1, 250)) < np.where(member, tpr, fpr)
        rates = rate_of(called, member), rate_of(called, ~member)
        found.append(
            (balanced_accuracy_of(called, member, ~member), precision_of(*rates, prior=0.1))
        )
    balanced, precise = zip(*found, strict=True)
    assert 0.91 <= share((tpr + 1 - fpr) / 2, balanced) <= 0.99
    assert 0.91 <= share(0.1 * tpr / (0.1 * tpr + 0.9 * fpr), precise) <= 0.99


@pytest.mark.parametrize("others", [1000, 100])
@pytest.mark.parametrize(("kind", "strength"), [("normal", 1.0), ("few", 0.1), ("ties", 1.5)])
def test_tpr_at_one_percent(kind: str, strength: float, others: int):
    """10 allowed false positives, and a single one."""

    def study(rng: np.random.Generator) -> Estimate:
        table = scored(*one_target(*scores(kind, strength, 1000, others, rng)))
        return tpr_of(table, fpr=0.01, seed=int(rng.integers(2**31))).estimate

    studies = simulated(study)
    truth = true_tpr(kind, strength, 0.01)
    assert 0.92 <= share(truth, studies) <= (0.995 if others == 1000 else 1.0)
    precise = [precision_at(each, 0.01, prior=0.01) for each in studies]
    known = 0.01 * truth / (0.01 * truth + 0.99 * 0.01)
    assert share(known, precise) == share(truth, studies)


@pytest.mark.parametrize(
    ("world", "strength", "fpr"),
    [
        (Targets(3, 300), 1.0, 0.05),
        (Targets(4, 300, same=True), 1.5, 0.05),
        (Targets(16, 300, sample=0.3), 1.5, 0.02),
        (Targets(16, 300, sample=0.3, target=0.0), 1.5, 0.01),
    ],
    ids=["three", "one training set", "sixteen", "one allowed"],
)
def test_several_targets(world: Targets, strength: float, fpr: float):
    areas, rates = [], []
    for k in range(100):
        table, member = world.draw(np.random.default_rng([7, k]), strength)
        areas.append(auc_of(table, member, ~member))
        rates.append(tpr_of(scored(table, member), fpr=fpr, seed=k).estimate)
    assert 0.90 <= share(world.auc(strength), areas) <= 0.995
    assert 0.90 <= share(world.tpr(strength, fpr), rates) <= 0.995


@pytest.mark.parametrize("targets", [32, 128])
def test_per_sample(targets: int):
    """Each sample's interval on average; quantiles over them always, whatever their number."""
    rng = np.random.default_rng(targets)
    samples = 400
    chances = np.where(np.arange(samples) < 40, rng.beta(8, 2, samples), rng.beta(1, 20, samples))
    member = rng.random((targets, samples)) < 0.5
    found = rng.random(member.shape) < chances
    table = np.where(member, np.where(found, 10.0, -10.0), rng.normal(size=member.shape))
    each = per_sample_tpr(scored(table, member), fpr=0.05)
    assert 0.92 <= np.mean((each.low <= chances) & (chances <= each.high)) <= 0.98
    quantiles = np.quantile(chances, [0.5, 0.9, 0.99, 1.0])
    for estimate, truth in zip(each.quantiles.values(), quantiles, strict=True):
        assert estimate.contains(truth)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_exposure(strength: float):
    rng = np.random.default_rng(0)
    member = rng.random((64, 1500)) < 0.5
    found = exposure(scored(rng.normal(size=member.shape) + strength * member, member))
    truth = true_auc("normal", strength)
    assert 0.92 <= np.mean((found.low <= truth) & (truth <= found.high)) <= 0.98
    assert all(each.contains(truth) for each in found.quantiles.values())
