"""Who rose and who fell: known answers, a naive count, and nothing where nothing happened."""

from itertools import product

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.evaluation.migration import migration


def arm(exposure: np.ndarray, *, runs: int, name: str, noise: float = 1.0) -> np.ndarray:
    return exposure + noise * seeds.generator(3, name).normal(size=(runs, len(exposure)))


def test_shares_are_counts_over_all_pairs_of_runs():
    draws = seeds.generator(0, "migration")
    before, after = draws.normal(size=(3, 40)), draws.normal(size=(2, 40)) + 0.4
    found = before > 0.2, after > 0.2
    made = migration(before, after, *found)
    pairs = list(product(*found))
    assert made.exposed.value == pytest.approx(np.mean([~b & a for b, a in pairs]))
    assert made.shielded.value == pytest.approx(np.mean([b & ~a for b, a in pairs]))
    assert made.still_found.value == pytest.approx(np.mean([b & a for b, a in pairs]))
    assert made.net.value == pytest.approx(made.exposed.value - made.shielded.value)
    own = [(i, j) for i, j in product(range(3), range(3)) if i != j]
    expected = np.mean([~found[0][i] & found[0][j] for i, j in own])
    assert made.by_chance.value == pytest.approx(expected)
    assert made.change.value == pytest.approx(made.by_sample.mean())
    assert np.allclose(made.by_sample, after.mean(axis=0) - before.mean(axis=0))


def test_nothing_happened():
    exposure = seeds.generator(1, "exposure").normal(size=4000)
    before, after = (arm(exposure, runs=3, name=name) for name in ("before", "after"))
    made = migration(before, after, before > 1.5, after > 1.5)
    assert made.exposed.contains(made.by_chance.value)
    assert made.shielded.contains(made.by_chance.value)
    assert made.net.contains(0.0)
    assert made.change.contains(0.0)
    assert abs(made.raised.value - 0.25) < 0.02
    assert abs(made.lowered.value - 0.25) < 0.02
    assert made.most_raised.contains(0.0)
    assert made.most_lowered.contains(0.0)


def test_a_planted_fifth_rises_while_the_average_falls():
    exposure = seeds.generator(1, "exposure").normal(size=4000)
    moved = np.where(np.arange(4000) % 5 == 0, 3.0, -1.0)
    before = arm(exposure, runs=3, name="before")
    after = arm(exposure + moved, runs=3, name="after")
    made = migration(before, after, before > 1.5, after > 1.5)
    assert made.change.high < 0
    assert made.most_raised.low > 2.0
    assert made.most_lowered.high < -0.7
    assert made.exposed.low > made.by_chance.high
    assert made.raised.value > 0.18
    assert made.lowered.value > 0.45
    top = np.argsort(-made.by_sample)[:800]
    assert np.mean(top % 5 == 0) > 0.9


def test_the_interval_of_the_net_holds_what_it_says():
    held = 0
    for study in range(200):
        draws = seeds.generator(study, "coverage")
        exposure = draws.normal(size=300)
        shift = draws.normal(size=6) * 0.1  # runs differ as a whole too
        before = exposure + draws.normal(size=(3, 300)) + shift[:3, None]
        after = exposure + draws.normal(size=(3, 300)) + shift[3:, None]
        made = migration(before, after, before > 1.0, after > 1.0)
        held += made.net.contains(0.0)
    assert held >= 184


def test_one_run_says_what_it_cannot_know():
    scores = np.array([[0.0, 1.0, 2.0, 3.0]])
    made = migration(scores, scores[:, ::-1].copy(), scores > 1.5, scores[:, ::-1] > 1.5)
    assert made.exposed.value == 0.5
    assert made.exposed.method == "over samples"
    for missing in (made.by_chance, made.raised, made.lowered, made.most_raised, made.most_lowered):
        assert "two runs" in missing.method
        assert np.isnan(missing.value)


@pytest.mark.parametrize("samples", [3, 5])
def test_other_samples_are_refused(samples):
    four, other = np.zeros((2, 4)), np.zeros((2, samples))
    with pytest.raises(DataError, match="same samples"):
        migration(four, other, four > 0, other > 0)


def test_an_empty_arm_is_refused():
    four, none = np.zeros((2, 4)), np.zeros((0, 4))
    with pytest.raises(DataError, match="a run in each arm"):
        migration(four, none, four > 0, none > 0)
