import math

import numpy as np
import pytest

from attacks.dialect_worlds import asked, world
from pryproof.attacks.leakpro import TABLE, leakpro_lira
from pryproof.checks import DataError
from reference.lira import log_normal
from reference.lira_dialects import leakpro_naive

VARIANCES = ("carlini", "individual_carlini", "fixed")
OWN = np.array([0])


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("runs", [11, 64, 65, 66])
def test_agree_with_the_naive_form(online, variance, runs):
    phi, member, group = world(runs, runs=runs, samples=8)
    phi = phi[:, 0]
    found = leakpro_lira(phi, member, group, OWN, online=online, variance=variance)
    expected = leakpro_naive(phi, member, group, 0, online=online, variance=variance)
    assert found[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_known_scores():
    # IN 3, 4, 5 and OUT 1, 3, -1; the second sample: IN 13, 14, 15 and OUT 11, 13, 9
    phi = np.array([[3.5], [3.0], [4.0], [5.0], [1.0], [3.0], [-1.0]])
    phi = np.hstack([phi, 10 + phi])
    member = np.array([[0], [1], [1], [1], [0], [0], [0]]) * [1, 1] > 0
    found = {
        name.partition("/")[2]: asked(TABLE, name, {"phi": phi, "member": member}, 0)[0, 0]
        for name in TABLE
    }
    assert found["online_fixed"] == pytest.approx(1.6775221806)  # methods section 14
    assert math.exp(found["offline_fixed"]) == pytest.approx(0.9371067877)
    sd_in, sd_out = math.sqrt(25 + 2 / 3), math.sqrt(25 + 8 / 3)
    expected = log_normal(3.5, 4.0, sd_in) - log_normal(3.5, 1.0, sd_out)
    assert found["online_carlini"] == pytest.approx(expected)
    assert found["online_individual_carlini"] == pytest.approx(expected)
    expected = math.log(math.erfc(-2.5 / sd_out / math.sqrt(2)) / 2)
    assert found["offline_carlini"] == pytest.approx(expected)


def test_a_sample_without_shadows_on_a_side_is_not_measured():
    phi, member, group = world(1)
    member[:, 4] = True
    for variance in VARIANCES:
        for online in (True, False):
            found = leakpro_lira(phi[:, 0], member, group, OWN, online=online, variance=variance)
            assert np.flatnonzero(np.isnan(found[0])).tolist() == [4]


def test_the_statistic_stays_in_the_float_type_of_the_logits():
    logits = np.array([[[0.0, 200.0]], [[200.0, 0.0]], [[1.0, 0.0]], [[0.5, 0.0]]], np.float32)
    arrays = {
        "logits": logits,
        "labels": np.zeros(1, int),
        "member": np.array([[0], [1], [1], [0]]) > 0,
    }
    found = asked(TABLE, "lira@leakpro/offline_fixed", arrays, 0)
    floor = np.log(np.float32(1e-45))  # 1.4e-45: the least number that float32 has
    own = np.exp(np.float32(0.0)) / (1 + np.exp(np.float32(-0.5)))
    rest = np.exp(np.float32(-0.5)) / (1 + np.exp(np.float32(-0.5)))
    z = float((floor - (np.log(own) - np.log(rest))) / np.float32(1e-30))
    assert found[0, 0] == pytest.approx(-(z**2) / 2, rel=1e-6)


def test_several_queries_are_refused():
    phi, member, _ = world(0, queries=2)
    with pytest.raises(DataError, match="one query"):
        asked(TABLE, "lira@leakpro/online_carlini", {"phi": phi, "member": member}, 0)
