import numpy as np
import pytest

from pryproof.attacks.ranking import Side
from pryproof.attacks.shrinkage import fit_shrunk, weights
from pryproof.attacks.threshold import fit
from reference.shrinkage import gain_naive, weights_naive


def world(seed: int, apart: float, *, size: int = 60, classes: int = 4, levels: int = 0):
    rng = np.random.default_rng(seed)
    sides = []
    for shift in (0.8, 0.0):
        labels = rng.integers(classes, size=size)
        values = rng.normal(size=size) + shift + apart * labels
        sides += [np.round(values * levels) / levels if levels else values, labels]
    return sides


@pytest.mark.parametrize("apart", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("levels", [0, 3])
def test_every_cut_is_the_best_of_the_mixed_gain(apart, levels):
    members, of_members, others, of_others = world(1, apart, levels=levels)
    found = fit_shrunk(members, of_members, others, of_others, classes=5)
    weight = weights_naive(members, of_members, others, of_others, 5)
    for c in range(5):
        inside, outside = members[of_members == c], others[of_others == c]
        if c == 4:
            assert found.fallback[c]
            assert found.per_class[c] == found.overall
            continue

        def mixed(cut: float, inside=inside, outside=outside, w=weight[c]) -> float:
            own = gain_naive(inside, outside, cut)
            return w * own + (1 - w) * gain_naive(members, others, cut)

        points = np.unique([*inside, *outside])
        cuts = [*((points[1:] + points[:-1]) / 2), found.overall, np.inf]
        assert mixed(found.per_class[c]) == pytest.approx(max(mixed(cut) for cut in cuts))


def test_weights_agree_with_the_naive_ones():
    members, of_members, others, of_others = world(2, 0.7)
    found = weights(
        Side(values=members, groups=of_members), Side(values=others, groups=of_others), classes=6
    )
    assert found == pytest.approx(weights_naive(members, of_members, others, of_others, 6))
    assert found[4:].tolist() == [0.0, 0.0]
    assert np.all(found[:4] > 0.5)


def test_classes_that_are_alike_share_one_cut_and_those_far_apart_have_their_own():
    alike = world(5, 0.0, size=3000)
    found = fit_shrunk(*alike, classes=4)
    assert (
        weights(
            Side(values=alike[0], groups=alike[1]),
            Side(values=alike[2], groups=alike[3]),
            classes=4,
        ).max()
        < 0.6
    )
    assert np.abs(found.per_class - found.overall).max() < 0.5
    apart = world(5, 9.0, size=3000)
    own, plain = fit_shrunk(*apart, classes=4), fit(*apart, classes=4)
    assert own.per_class == pytest.approx(plain.per_class, abs=0.3)


def test_one_class_has_the_overall_cut():
    members, of_members, others, of_others = world(3, 0.0, classes=1)
    found = fit_shrunk(members, of_members, others, of_others, classes=1)
    assert found.per_class.tolist() == [found.overall]


def test_all_ties_and_infinite_scores_call_nobody():
    zeros = np.zeros(3, np.int64)
    assert fit_shrunk(np.ones(3), zeros, np.ones(3), zeros, classes=1).per_class.tolist() == [
        np.inf
    ]
    inf = np.full(3, np.inf)
    assert fit_shrunk(np.ones(3), zeros, inf, zeros, classes=1).per_class.tolist() == [np.inf]
    finite = fit_shrunk(inf, zeros, np.ones(3), zeros, classes=1).per_class
    assert 1 < finite[0] < np.inf


def test_the_order_of_samples_does_not_matter():
    members, of_members, others, of_others = world(4, 0.4, levels=2)
    plain = fit_shrunk(members, of_members, others, of_others, classes=4)
    order = np.random.default_rng(0).permutation(len(members))
    mixed = fit_shrunk(members[order], of_members[order], others, of_others, classes=4)
    assert np.array_equal(plain.per_class, mixed.per_class)


def test_shrinking_helps_where_classes_are_alike_and_small():
    """Methods section 13, A3: a cut fitted on few samples is mostly chance."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(20):
        known, judged = (
            world(int(rng.integers(1 << 30)), 0.0, size=400, classes=40),
            world(int(rng.integers(1 << 30)), 0.0, size=2000, classes=40),
        )
        members, of_members, others, of_others = judged
        cuts = [each(*known, classes=40).per_class for each in (fit_shrunk, fit)]
        gains.append(
            [(members >= c[of_members]).mean() - (others >= c[of_others]).mean() for c in cuts]
        )
    shrunk, plain = np.mean(gains, axis=0)
    assert shrunk > plain + 0.02
