import numpy as np
import pytest

from pryproof.attacks import lira as lira_file
from pryproof.attacks import moments
from pryproof.attacks.evidence import evidence
from pryproof.attacks.lira import TABLE, lira, lira_offline, lira_scores
from pryproof.checks import DataError
from pryproof.compiled import available
from reference.lira import lira_naive, lira_offline_naive, scores_naive

# methods section 14: IN (3, 4, 5), OUT (1, 3, -1), target 3.5
PHI = np.array([[3.5], [3.0], [4.0], [5.0], [1.0], [3.0], [-1.0]])
MEMBER = np.array([[True], [True], [True], [True], [False], [False], [False]])
OWN = np.array([0])

VARIANTS = [
    (online, spread)
    for online in (True, False)
    for spread in ("pooled", "per_sample", "fixed", "common")
    if online or spread != "common"
]
every_variant = pytest.mark.parametrize(("online", "spread"), VARIANTS)


def test_known_online_score():
    # means 4 and 1, spreads 1 and 2 (freedom corrected): log 2 + 2.5**2 / 8 - 0.5**2 / 2
    expected = np.log(2) + 0.78125 - 0.125
    assert lira(PHI, MEMBER, np.arange(7))[0, 0] == pytest.approx(expected)


def test_known_offline_score():
    # (3.5 - 1) / 2; with the population's spread this is the golden 2.5 / 1.63299 = 1.53093
    score = lira_offline(PHI, MEMBER, np.arange(7))[0, 0]
    assert score == pytest.approx(1.25)
    assert score * np.sqrt(3 / 2) == pytest.approx(1.5309310892)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("lira/per_sample", 1.6775221806),
        ("lira/common", 1.8),
        ("lira/offline_per_sample", 1.5309310892),  # P[Z <= z] = .9371067877
        ("lira", np.log(2) + 0.78125 - 0.125),
        ("lira/offline", 1.25),
    ],
)
def test_golden_values_of_the_variants(variant: str, expected: float):
    found = evidence({"phi": PHI, "member": MEMBER})
    score = TABLE[variant].score(found, OWN, reference=None, options={})
    assert score == pytest.approx(np.array([[expected]]), rel=1e-10)


def test_the_one_spread_of_the_scores_holds_the_differences_between_samples():
    # two samples with IN 3, 5 and 13, 15, OUT 1, 3 and 11, 13: means 9 and 7, variance 26 each
    phi = np.array([[4.5, 14.0], [3.0, 13.0], [5.0, 15.0], [1.0, 11.0], [3.0, 13.0]])[:, None]
    member = np.array([[False] * 2, [True] * 2, [True] * 2, [False] * 2, [False] * 2])
    found = lira_scores(phi, member, np.arange(5), OWN, spread="fixed")
    assert found[0] == pytest.approx([(2.5**2 - 0.5**2) / 52, (2.0**2 - 0.0) / 52])


def world(seed: int, runs: int = 9, samples: int = 12, queries: int = 1):
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    group = rng.integers(5, size=runs)
    phi = rng.integers(-4, 5, size=(runs, queries, samples)) / 2 + 2.0 * member[:, None]
    return phi, member, group


@pytest.mark.parametrize("seed", range(8))
def test_agree_with_the_naive_forms(seed: int):
    phi, member, group = world(seed)
    phi = phi[:, 0]
    assert lira_offline(phi, member, group) == pytest.approx(
        np.array(lira_offline_naive(phi, member, group)), nan_ok=True
    )
    assert lira(phi, member, group) == pytest.approx(
        np.array(lira_naive(phi, member, group)), nan_ok=True
    )


@every_variant
@pytest.mark.parametrize("seed", range(4))
def test_every_variant_agrees_with_its_naive_form(online, spread: str, seed: int):
    phi, member, group = world(seed, queries=1 + seed % 3)
    everyone = np.arange(9)
    found = lira_scores(phi, member, group, everyone, online=online, spread=spread)
    expected = np.array(scores_naive(phi, member, group, online=online, spread=spread))
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10, nan_ok=True)


@every_variant
def test_some_targets_have_the_scores_they_have_among_all(online, spread: str):
    phi, member, group = world(3, runs=12, samples=40, queries=2)
    whole = lira_scores(phi, member, group, np.arange(12), online=online, spread=spread)
    for targets in ([7], [11, 0, 7], [2, 2]):
        some = lira_scores(phi, member, group, np.array(targets), online=online, spread=spread)
        assert some == pytest.approx(whole[targets], rel=1e-10, abs=1e-10, nan_ok=True)


@every_variant
def test_blocks_do_not_show(online, spread: str, monkeypatch):
    phi, member, group = world(5, samples=300, queries=2)
    arguments = phi, member, group, np.array([1, 4])
    whole = lira_scores(*arguments, online=online, spread=spread)
    monkeypatch.setattr(lira_file, "CELLS", 1)
    monkeypatch.setattr(lira_file, "NARROWEST", 7)
    parts = lira_scores(*arguments, online=online, spread=spread)
    assert parts == pytest.approx(whole, rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.skipif(not available(), reason="needs Numba")
@pytest.mark.parametrize("online", [True, False])
def test_the_compiled_loop_gives_the_same_numbers(online, monkeypatch):
    phi, member, group = world(6, runs=20, samples=70, queries=2)
    arguments = phi + np.linspace(-9, 9, 70), member, group, np.array([3])
    plain = lira_scores(*arguments, online=online)
    monkeypatch.setattr(moments, "WORTH_COMPILING", 0)
    fast = lira_scores(*arguments, online=online)
    assert fast == pytest.approx(plain, rel=1e-12, abs=1e-12, nan_ok=True)


@every_variant
def test_a_runs_own_row_of_membership_never_enters_its_scores(online, spread: str):
    phi, member, group = world(7, runs=10, samples=30, queries=2)
    everyone = np.arange(10)
    whole = lira_scores(phi, member, group, everyone, online=online, spread=spread)
    for run in range(10):
        flipped = member.copy()
        flipped[run] ^= True
        found = lira_scores(phi, flipped, group, everyone, online=online, spread=spread)
        assert np.array_equal(found[run], whole[run], equal_nan=True)


def test_a_spread_is_zero_where_all_agree_whatever_the_value():
    # 0.1 + 0.1 + 0.1 is not 0.3: a spread from rounding alone would pass for one
    phi = np.array([[0.3], [0.1], [0.1], [0.1], [5.0], [6.0]])[:, None]
    member = np.array([[False], [True], [True], [True], [False], [False]])
    own = lira_scores(phi, member, np.arange(6), OWN, spread="per_sample")
    # IN falls back to the pooled spread, which is not estimable and borrows that of OUT
    sd = np.sqrt(0.5)
    density_in = -((0.2 / sd) ** 2) / 2 - np.log(sd)
    density_out = -((5.2 / 0.5) ** 2) / 2 - np.log(0.5)
    assert own[0, 0] == pytest.approx(density_in - density_out)


def test_a_small_spread_far_from_zero_keeps_its_digits():
    rng = np.random.default_rng(0)
    phi = rng.normal(size=(40, 1, 30))
    member = rng.random((40, 30)) < 0.5
    arguments = member, np.arange(40), np.arange(40)
    plain = lira_scores(phi, *arguments)
    moved = lira_scores(phi + 2.0**20, *arguments)
    assert moved == pytest.approx(plain, rel=1e-6, abs=1e-6)  # 2**20 itself costs 20 bits of 53


def test_planted_leak_is_found_and_planted_null_is_not():
    rng = np.random.default_rng(5)
    runs, samples = 16, 400
    member = rng.random((runs, samples)) < 0.5
    difficulty = rng.normal(scale=5, size=samples)
    leaks = np.arange(samples) < samples // 2
    phi = difficulty + rng.normal(size=(runs, samples)) + 3.0 * (member & leaks)
    for attack in (lira, lira_offline):
        scores = attack(phi, member, np.arange(runs))
        for part, low, high in ((leaks, 0.93, 1.0), (~leaks, 0.46, 0.54)):
            inside = scores[:, part][member[:, part]]
            outside = scores[:, part][~member[:, part]]
            assert low < np.mean(inside[:, None] > outside[None]) < high


def test_twins_of_a_training_set_are_no_shadows():
    phi = np.array([[5.0], [4.9], [1.0], [2.0]])
    member = np.zeros((4, 1), bool)
    scores = lira_offline(phi, member, np.array([0, 0, 1, 1]))
    assert scores[0, 0] == pytest.approx((5.0 - 1.5) / np.sqrt(0.5))


def test_a_single_shadow_gives_differences_in_nats():
    phi = np.array([[5.0, 3.0], [1.0, 2.0]])
    scores = lira_offline(phi, np.zeros((2, 2), bool), np.arange(2))
    assert scores.tolist() == [[4.0, 1.0], [-4.0, -1.0]]


def test_shadows_that_all_agree_give_differences_in_nats():
    phi = np.array([[5.0], [1.0], [1.0]])
    assert lira_offline(phi, np.zeros((3, 1), bool), np.array([0, 1, 1]))[0, 0] == 4.0


def test_a_side_without_a_spread_borrows_the_other():
    phi = np.array([[3.0], [4.0], [1.0], [3.0]])
    member = np.array([[True], [True], [False], [False]])
    scores = lira(phi, member, np.arange(4))
    # IN: one run at 4; OUT: mean 2, variance 2 for both sides
    assert scores[0, 0] == pytest.approx(((3 - 2) ** 2 - (3 - 4) ** 2) / 4)


def test_a_sample_all_others_trained_on_is_not_measured():
    phi = np.arange(6.0).reshape(3, 2)
    member = np.array([[False, False], [True, False], [True, False]])
    scores = lira_offline(phi, member, np.arange(3))
    assert np.isnan(scores[0, 0])
    assert np.isfinite(scores[:, 1]).all()


def test_refusals():
    phi, member = np.zeros((2, 3)), np.zeros((2, 3), bool)
    with pytest.raises(DataError, match=r"run 0.*different groups"):
        lira_offline(phi, member, np.zeros(2, np.int64))
    with pytest.raises(DataError, match=r"both with and without"):
        lira(phi, member, np.arange(2))
    phi[1, 2] = np.nan
    with pytest.raises(DataError, match=r"run 1, sample 2"):
        lira_offline(phi, member, np.arange(2))
    phi[1, 2] = 1e200  # its square overflows
    with pytest.raises(DataError, match=r"run 1, sample 2"):
        lira_offline(phi, member, np.arange(2))


def test_evidence_without_phi_is_refused():
    found = evidence({"entropy": np.zeros((3, 2)), "member": np.zeros((3, 2), bool)})
    with pytest.raises(DataError, match="needs phi"):
        TABLE["lira"].score(found, OWN, reference=None, options={})


def test_nothing_to_score():
    phi, member = np.zeros((3, 1, 2)), np.zeros((3, 2), bool)
    assert lira_scores(phi, member, np.arange(3), OWN[:0]).shape == (0, 2)
