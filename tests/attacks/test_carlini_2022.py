import math

import numpy as np
import pytest

from attacks.dialect_worlds import asked, world
from pryproof.attacks.carlini_2022 import TABLE, truncated
from pryproof.checks import DataError
from reference.lira import log_normal
from reference.lira_dialects import truncated_naive

VARIANTS = {
    f"{side}{fixed}": {"online": side == "online", "fixed": bool(fixed)}
    for side in ("online", "offline")
    for fixed in ("", "_fixed")
}
OWN = np.array([0])

# run 0 is the target; sample 0: IN 3, 4, 9, OUT 1, 3, -1; sample 1 has two IN, four OUT runs:
# so of sample 0 the IN run that says 9 is not looked at, nor of sample 1 the OUT run that says 70
PHI = np.array(
    [[3.5, 0.0], [3.0, 2.0], [4.0, 4.0], [9.0, 1.0], [1.0, 3.0], [3.0, 5.0], [-1.0, 70.0]]
)
MEMBER = np.array([[0, 0], [1, 1], [1, 1], [1, 0], [0, 0], [0, 0], [0, 0]]) > 0


def test_known_scores():
    found = {name: asked(TABLE, f"lira@carlini_2022/{name}", {"phi": PHI, "member": MEMBER}, 0)[0]
             for name in (*VARIANTS, "global")}  # fmt: skip
    sd = math.sqrt(8 / 3)  # of 1, 3, -1 and of 1, 3, 5
    outside = [log_normal(3.5, 1.0, sd), log_normal(0.0, 3.0, sd)]
    inside = [log_normal(3.5, 3.5, 0.5), log_normal(0.0, 3.0, 1.0)]
    assert found["online"] == pytest.approx(np.subtract(inside, outside))
    assert found["offline"] == pytest.approx(np.negative(outside))
    # IN scores 3, 4, 2, 4: their spread serves both sides
    sd = math.sqrt(2.75 / 4)
    assert found["online_fixed"] == pytest.approx([2.5**2 / (2 * sd**2), 0.0])
    sd = math.sqrt(22 / 6)  # OUT scores 1, 3, -1, 1, 3, 5 about 2
    expected = [-log_normal(3.5, 1.0, sd), -log_normal(0.0, 3.0, sd)]
    assert found["offline_fixed"] == pytest.approx(expected)
    assert found["global"].tolist() == [3.5, 0.0]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(4))
def test_agree_with_the_naive_form(variant, seed):
    phi, member, group = world(seed, queries=1 + seed % 2, ties=seed == 3)
    group[5] = 2  # a twin of run 2
    found = truncated(phi, member, group, np.arange(11), **VARIANTS[variant])
    for run in range(11):
        expected = truncated_naive(phi, member, group, run, shared=True, **VARIANTS[variant])
        assert found[run] == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_shadows_are_taken_in_their_order():
    names = [f"lira@carlini_2022/{name}" for name in VARIANTS]
    swapped = np.array([0, 3, 2, 1, 4, 5, 6])  # now 9 and 4 are the first two IN of sample 0
    for name in names[:2]:
        before = asked(TABLE, name, {"phi": PHI, "member": MEMBER}, 0)
        after = asked(TABLE, name, {"phi": PHI[swapped], "member": MEMBER[swapped]}, 0)
        assert before[0, 0] != pytest.approx(after[0, 0])
        assert "order" in TABLE[name].differs


def test_a_spread_of_zero_is_1e_30():
    phi = np.array([[2.0], [1.0], [1.0], [0.0], [4.0]])
    member = np.array([[0], [1], [1], [0], [0]]) > 0
    found = asked(TABLE, "lira@carlini_2022/online", {"phi": phi, "member": member}, 0)
    expected = log_normal(2.0, 1.0, 1e-30) - log_normal(2.0, 2.0, 2.0)
    assert found == pytest.approx(np.array([[expected]]))


def test_the_statistic_of_logits_is_in_their_float_type_and_has_a_floor():
    logits = np.zeros((4, 2, 3), np.float32)
    logits[:, 0, 0] = [5.0, 200.0, -200.0, 30.0]
    logits[:, 1, 1] = 0.1
    arrays = {"logits": logits, "labels": np.zeros(2, int), "member": np.zeros((4, 2), bool)}
    found = asked(TABLE, "lira@carlini_2022/global", arrays, 0, 1, 2, 3)
    # the exponential of -30 is rounded to float32, and no probability is below 1e-45
    floor = math.log(1e-45)
    assert found[1:3, 0] == pytest.approx([-floor, floor - math.log(1.0)], rel=1e-12)
    rest = 2 * float(np.exp(np.float32(-30.0)))
    assert found[3, 0] == pytest.approx(-math.log(rest), rel=1e-12)
    own = float(np.exp(np.float32(0) - np.float32(0.1)))
    assert found[0, 1] == pytest.approx(math.log(own) - math.log(1 + own), rel=1e-12)


def test_a_float32_phi_is_worked_on_as_float32():
    phi, member, group = world(7)
    small = phi.astype(np.float32)
    half = truncated(small, member, group, OWN, online=True, fixed=False)
    full = truncated(small.astype(float), member, group, OWN, online=True, fixed=False)
    assert half.dtype == np.float64
    assert half == pytest.approx(full, rel=1e-3)
    assert not np.array_equal(half, full)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_sample_without_shadows_on_a_side_is_refused(variant):
    phi, member = PHI.copy(), MEMBER.copy()
    member[1:, 1] = variant.startswith("offline")
    with pytest.raises(DataError, match=r"1 of 2 samples have none.*sample 1"):
        asked(TABLE, f"lira@carlini_2022/{variant}", {"phi": phi, "member": member}, 0)


def test_a_lone_run_has_no_shadows():
    arrays = {"phi": PHI[:1], "member": MEMBER[:1]}
    with pytest.raises(DataError, match="needs shadows"):
        asked(TABLE, "lira@carlini_2022/online", arrays, 0)
    assert asked(TABLE, "lira@carlini_2022/global", arrays, 0).tolist() == [[3.5, 0.0]]


def test_infinite_values_are_refused():
    with pytest.raises(DataError, match=r"run 1, sample 0"):
        asked(
            TABLE,
            "lira@carlini_2022/online",
            {"p": np.array([[0.5], [1.0], [0.5]]), "member": np.array([[0], [1], [0]]) > 0},
            0,
        )


def test_values_whose_squares_overflow_are_refused():
    arrays = {"phi": PHI * np.where(np.arange(7) == 2, 1e200, 1.0)[:, None], "member": MEMBER}
    for name in ("online", "online_fixed"):
        with pytest.raises(DataError, match=r"run 2, sample 0"):
            asked(TABLE, f"lira@carlini_2022/{name}", arrays, 0)
