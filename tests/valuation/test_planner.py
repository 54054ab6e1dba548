import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.valuation.planner import plan_runs, reliability_of
from pryproof.valuation.ranks import ranks
from pryproof.valuation.votes import RISKY, SAFE, vote


def planted(rng: np.random.Generator, runs: int, samples: int, truth: float) -> np.ndarray:
    """Margins of which the share ``truth`` of the variance is the sample's own."""
    effect = np.sqrt(truth) * rng.normal(size=samples)
    return effect + np.sqrt(1 - truth) * rng.normal(size=(runs, samples))


def correlation_naive(margin: np.ndarray) -> float:
    """Mean product of two different runs' normal scores, over their mean square."""
    order = ranks(margin, seed=0)
    grid = np.linspace(-8, 8, 400_001)
    density = np.exp(-(grid**2) / 2)
    below = np.cumsum(density) / density.sum()
    scores = np.interp((order - 0.5) / order.shape[1], below, grid)
    products = [
        np.mean(scores[i] * scores[j])
        for i in range(len(scores))
        for j in range(len(scores))
        if i != j
    ]
    return float(np.mean(products) / np.mean(scores**2))


@pytest.mark.parametrize("truth", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("runs", [3, 5])
def test_reliability_agrees_with_the_mean_correlation_of_pairs(runs: int, truth: float):
    margin = planted(np.random.default_rng(1), runs, 300, truth)
    assert reliability_of(margin, seed=0).value == pytest.approx(
        correlation_naive(margin), abs=2e-4
    )


@pytest.mark.parametrize("truth", [0.0, 0.4, 0.9])
def test_reliability_interval_covers_what_was_planted(truth: float):
    rng = np.random.default_rng(2)
    found = [reliability_of(planted(rng, 3, 300, truth), seed=k) for k in range(300)]
    assert np.mean([each.contains(truth) for each in found]) >= 0.92
    assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.02)


def test_perfect_agreement_needs_few_runs():
    plan = plan_runs(np.tile(np.arange(500.0), (3, 1)), seed=0, most=12)
    assert (plan.runs, plan.more, plan.fewest, plan.largest) == (2, 0, 2, 2)
    assert plan.reliability.value == pytest.approx(1.0)
    assert all(each.overlap.value == 1 and each.moved.value == 0 for each in plan.curve)
    assert "enough" in plan.reason


def test_pure_noise_is_never_settled():
    margin = np.random.default_rng(3).normal(size=(4, 800))
    plan = plan_runs(margin, seed=0, most=20, seconds_per_run=5.0)
    assert (plan.runs, plan.more, plan.seconds, plan.largest) == (None, None, None, None)
    assert plan.reliability.contains(0)
    assert "no more than chance" in plan.reason
    assert [each.runs for each in plan.curve] == list(range(2, 21))
    assert plan.curve[-1].rule == "mean_rank"


def test_runs_all_tied_are_noise():
    assert reliability_of(np.zeros((3, 400)), seed=0).contains(0)


def test_some_noise_is_not_settled_soon_and_says_so():
    plan = plan_runs(planted(np.random.default_rng(4), 4, 800, 0.3), seed=0, most=6)
    assert plan.runs is None
    assert plan.reason.startswith("Not settled after 6 runs")


def test_the_forecast_meets_real_runs():
    """Five pilot runs foretell what new runs of the same samples show."""
    rng = np.random.default_rng(5)
    samples, truth, top = 2_000, 0.85, 0.05
    plan = plan_runs(planted(rng, 5, samples, truth), seed=0, top=top, most=12)
    for runs in (2, 5, 11):
        found = []
        for _ in range(10):
            order = ranks(planted(rng, runs + 1, samples, truth), seed=0)
            now, then = vote(order[:runs]), vote(order)
            lists = [set(np.argsort(-each.mean_rank)[: int(top * samples)]) for each in (now, then)]
            found.append(
                (
                    np.mean(now.verdict == SAFE),
                    np.mean(now.verdict == RISKY),
                    np.mean(now.verdict != then.verdict),
                    len(lists[0] & lists[1]) / (top * samples),
                )
            )
        safe, risky, moved, kept = np.mean(found, axis=0)
        point = plan.curve[runs - 2]
        assert point.safe.value == pytest.approx(safe, abs=0.02)
        assert point.risky.value == pytest.approx(risky, abs=0.02)
        assert point.moved.value == pytest.approx(moved, abs=0.02)
        assert point.overlap.value == pytest.approx(kept, abs=0.02)


def test_runs_are_the_first_that_settle_and_cost_what_they_cost():
    margin = planted(np.random.default_rng(6), 3, 1_000, 0.9)
    plan = plan_runs(margin, seed=0, top=0.05, tolerance=0.05, most=20, seconds_per_run=30.0)
    assert plan.runs is not None
    assert plan.fewest is not None
    still = [each.moved.value > 0.05 or each.overlap.value < 0.95 for each in plan.curve]
    assert plan.runs == 2 + still.index(False)
    assert plan.more == max(0, plan.runs - 3)
    assert plan.seconds == 30.0 * plan.more
    assert plan.fewest <= plan.runs <= (plan.largest or 99)
    assert all(each.overlap.contains(each.overlap.value) for each in plan.curve)


def test_more_reliable_runs_need_fewer():
    rng = np.random.default_rng(7)
    needed = [
        plan_runs(planted(rng, 4, 800, truth), seed=0, top=0.05, tolerance=0.05, most=40).runs
        for truth in (0.6, 0.8, 0.95)
    ]
    assert None not in needed
    assert needed == sorted(needed, reverse=True)
    assert needed[0] > needed[-1]


def test_unanimity_shrinks_until_the_mean_rank_takes_over():
    plan = plan_runs(planted(np.random.default_rng(8), 4, 800, 0.3), seed=0, most=14)
    rules = [each.rule for each in plan.curve]
    assert rules[0] == "unanimous"
    assert rules[-1] == "mean_rank"
    assert plan.curve[0].safe.value > plan.curve[1].safe.value
    assert plan.curve[-1].safe.value == pytest.approx(0.25, abs=0.005)


def test_order_of_samples_and_runs_does_not_matter():
    rng = np.random.default_rng(9)
    margin = planted(rng, 4, 300, 0.7)
    shuffled = margin[rng.permutation(4)][:, rng.permutation(300)]
    one, other = (plan_runs(each, seed=0, most=6) for each in (margin, shuffled))
    assert one.runs == other.runs
    assert one.reliability.value == pytest.approx(other.reliability.value)
    assert one == plan_runs(margin, seed=0, most=6)


def test_refusals():
    margin = np.random.default_rng(0).normal(size=(3, 200))
    with pytest.raises(DataError, match=r"E045.*got 2 runs"):
        plan_runs(margin[:2], seed=0)
    with pytest.raises(DataError, match="50 samples"):
        plan_runs(margin[:, :50], seed=0)
    with pytest.raises(DataError, match="got 1 and 200"):
        reliability_of(margin[:1], seed=0)
    for wrong in (
        {"share": 0.6},
        {"top": 0.0},
        {"tolerance": 0.0},
        {"most": 1},
        {"seconds_per_run": -1.0},
        {"seconds_per_run": np.nan},
    ):
        with pytest.raises(ConfigurationError, match="E044"):
            plan_runs(margin, seed=0, **wrong)
    margin[1, 3] = np.nan
    with pytest.raises(DataError, match="E056"):
        plan_runs(margin, seed=0)
