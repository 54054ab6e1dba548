import math

import numpy as np
import pytest

from attacks.dialect_worlds import asked, world
from pryproof.attacks.amulet import TABLE
from reference.lira_dialects import truncated_naive


@pytest.mark.parametrize("variant", ["online", "online_fixed", "offline", "offline_fixed"])
@pytest.mark.parametrize("seed", range(3))
def test_agree_with_the_naive_form(variant, seed):
    phi, member, group = world(seed, ties=seed == 2)
    found = asked(TABLE, f"lira@amulet/{variant}", {"phi": phi, "member": member}, 0, 7)
    how = {"online": variant.startswith("online"), "fixed": variant.endswith("fixed")}
    for row, run in zip(found, (0, 7), strict=True):
        expected = truncated_naive(phi, member, group, run, shared=False, **how)
        assert row == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_fixed_spreads_are_one_a_side():
    # IN 3 and 5 (spread 1), OUT -2 and 2 (spread 2)
    phi = np.array([[5.0], [3.0], [5.0], [-2.0], [2.0]])
    member = np.array([[0], [1], [1], [0], [0]]) > 0
    found = asked(TABLE, "lira@amulet/online_fixed", {"phi": phi, "member": member}, 0)
    assert found[0, 0] == pytest.approx(math.log(2) + 25 / 8 - 1 / 2)


def test_probabilities_are_raised_to_a_floor():
    logits = np.array([[[0.0, 200.0]], [[200.0, 0.0]], [[1.0, 0.0]], [[0.0, 0.0]]])
    arrays = {
        "logits": logits,
        "labels": np.zeros(1, int),
        "member": np.array([[0], [1], [1], [0]]) > 0,
    }
    found = asked(TABLE, "lira@amulet/offline", arrays, 0)
    # OUT: one run, phi 0; the target's statistic is the floor; spread 1e-30
    z = math.log(1e-45) / 1e-30
    assert found[0, 0] == pytest.approx(z**2 / 2, rel=1e-12)
