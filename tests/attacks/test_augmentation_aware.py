import numpy as np
import pytest

from pryproof.attacks.augmentation_aware import REDUCTIONS, TABLE, advantages
from pryproof.attacks.calibration import halves
from pryproof.attacks.evidence import evidence
from pryproof.checks import DataError
from reference.augmentation_aware import advantage_naive, reduced_naive, reduction_naive

ATTACK = TABLE["augmentation_aware"]


def world(seed: int, runs: int = 4, queries: int = 5, samples: int = 40, *, leak: str = "mean"):
    """Return losses whose members differ in one reduction, and membership."""
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    losses = rng.exponential(size=(runs, queries, samples))
    inside = np.broadcast_to(member[:, None], losses.shape)
    if leak == "mean":
        losses = np.where(inside, losses * 0.4, losses)
    elif leak == "min":
        losses[:, 0] = np.where(member, 0.0, losses[:, 0] + 0.5)
    elif leak == "std":
        losses = np.where(inside, 1 + 0.1 * losses, losses)
    return losses, member


def score(losses, member, *, targets=None, reference=None, **more):
    seen = evidence({"loss": losses, "member": member, **more})
    every = np.arange(len(seen.member)) if targets is None else np.array(targets)
    apart = None if reference is None else evidence(reference)
    return ATTACK.score(seen, every, reference=apart, options={})


@pytest.mark.parametrize("seed", range(4))
def test_advantages_agree_with_trying_every_cut(seed: int):
    losses = np.random.default_rng(seed).integers(0, 6, size=(4, 30)) / 4
    member = np.random.default_rng(seed + 9).random(30) < 0.4
    found = advantages(losses, member)
    assert list(found) == list(REDUCTIONS)
    # four quarters: sums and squares are exact, so ties are ties
    for name, value in found.items():
        expected = advantage_naive(reduced_naive(losses, name), member)
        assert value == pytest.approx(expected), name


@pytest.mark.parametrize("leak", ["mean", "min", "std"])
@pytest.mark.parametrize("seed", range(2))
def test_the_reduction_is_that_of_the_other_runs(seed: int, leak: str):
    losses, member = world(seed, leak=leak)
    scores = score(losses, member)
    chosen = set()
    for run in range(len(member)):
        others = [each for each in range(len(member)) if each != run]
        name = reduction_naive(losses, member, others)
        chosen.add(name)
        assert -scores[run] == pytest.approx(reduced_naive(losses[run], name))
    assert leak in chosen


def test_a_reference_decides_where_there_is_one():
    losses, member = world(1, leak="min")
    theirs, known = world(2, runs=1, leak="std")
    scores = score(losses, member, reference={"loss": theirs, "member": known})
    assert -scores[0] == pytest.approx(reduced_naive(losses[0], "std"))


def test_one_run_alone_is_judged_by_its_other_half():
    losses, member = world(3, runs=1, samples=60, leak="min")
    scores = score(losses, member)
    assert -scores[0] == pytest.approx(reduced_naive(losses[0], "min"))


def test_halves_that_are_reduced_differently_are_standardised():
    # search for a world without a leak in which the two halves choose differently
    for seed in range(50):
        losses, member = world(seed, runs=1, leak="none")
        seen = evidence({"loss": losses, "member": member})
        half = halves(seen, 0)
        names = [
            reduction_naive(losses[:, :, part], member[:, part], [0]) for part in (~half, half)
        ]
        if names[0] != names[1]:
            break
    assert names[0] != names[1]
    scores = score(losses, member)[0]
    for judged, name in zip((half, ~half), names, strict=True):
        values = np.array(reduced_naive(losses[0], name))
        strangers = np.sort(values[~judged & ~member[0]])
        low, middle, high = (
            strangers[int(share * (len(strangers) - 1))] for share in (0.25, 0.5, 0.75)
        )
        assert -scores[judged] == pytest.approx((values[judged] - middle) / (high - low))


def test_a_planted_null_is_at_chance_even_across_halves():
    found = []
    for seed in range(30):
        losses, member = world(seed, runs=1, samples=200, leak="none")
        scores = score(losses, member)[0]
        inside, outside = scores[member[0]], scores[~member[0]]
        found.append(np.mean(inside[:, None] > outside[None]))
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)


def test_infinite_losses_have_no_spread_but_all_else():
    losses, member = world(5, leak="std")
    losses[:, 0, 0] = np.inf
    scores = score(losses, member)
    assert not np.isnan(scores).any()
    assert "std" not in advantages(losses[0], member[0])


def test_the_own_membership_never_enters():
    losses, member = world(6)
    flipped = member.copy()
    flipped[1] = ~flipped[1]
    whole, other = (score(losses, each, targets=[1]) for each in (member, flipped))
    assert np.array_equal(whole, other)


def test_refusals():
    losses, member = world(7)
    with pytest.raises(DataError, match=r"at least 2 queries a sample, got 1"):
        score(losses[:, :1], member)
    with pytest.raises(DataError, match=r"needs logp, got correct"):
        ATTACK.score(
            evidence({"correct": losses, "member": member}),
            np.array([0]),
            reference=None,
            options={},
        )
    everyone = np.ones((3, 40), bool)
    with pytest.raises(DataError, match=r"got one kind only in 3 known runs"):
        score(losses, np.vstack([member[:1], everyone]), targets=[0])
