import math

import numpy as np
import pytest

from attacks.dialect_worlds import asked, world
from pryproof.attacks.tf_privacy import TABLE, likelihood, offset
from pryproof.checks import DataError
from reference.lira import log_normal
from reference.lira_dialects import tf_privacy_naive

RUNS = np.array([0, 5, 10])
OPTIONS = ("both", "in", "out")
CENTRES = ("median", "mean")
every_offset = pytest.mark.parametrize(
    ("option", "centre"), [(o, c) for o in OPTIONS for c in CENTRES]
)


def sparse(seed: int):
    phi, member, group = world(seed, queries=1 + seed % 3, ties=seed == 3)
    member[:, 5], member[:, 6] = True, False  # no OUT, no IN
    group[5] = 2  # a twin of run 2
    return phi, member, group


@every_offset
@pytest.mark.parametrize("spread", ["per", "fixed"])
@pytest.mark.parametrize("seed", range(4))
def test_likelihoods_agree_with_the_naive_form(option, centre, spread, seed):
    phi, member, group = sparse(seed)
    how = {"option": option, "centre": centre, "spread": spread}
    found = likelihood(phi, member, group, RUNS, **how)
    for row, run in zip(found, RUNS, strict=True):
        expected = tf_privacy_naive(phi, member, group, run, **how)
        assert row == pytest.approx(expected, rel=1e-10, abs=1e-10)


@every_offset
@pytest.mark.parametrize("seed", range(4))
def test_offsets_agree_with_the_naive_form(option, centre, seed):
    phi, member, group = sparse(seed)
    found = offset(phi, member, group, RUNS, option=option, centre=centre)
    for row, run in zip(found, RUNS, strict=True):
        expected = tf_privacy_naive(
            phi, member, group, run, option=option, centre=centre, spread=None
        )
        assert row == pytest.approx(expected, rel=1e-10, abs=1e-12)


# IN 3, 4, 8 and OUT 1, 3, -1; the second sample has no IN
PHI = np.array(
    [[3.5, 0.0], [3.0, 2.0], [4.0, 4.0], [8.0, 6.0], [1.0, 3.0], [3.0, 5.0], [-1.0, 7.0]]
)
MEMBER = np.array([[0, 0], [1, 0], [1, 0], [1, 0], [0, 0], [0, 0], [0, 0]]) > 0


def test_known_scores():
    found = {
        name.partition("/")[2]: asked(TABLE, name, {"phi": PHI, "member": MEMBER}, 0)[0]
        for name in TABLE
    }
    sd_in, sd_out = math.sqrt(14 / 3), math.sqrt(8 / 3)  # about the means 5 and 1
    inside, outside = log_normal(3.5, 4.0, sd_in), log_normal(3.5, 1.0, sd_out)
    assert found["both_median_per"][0] == pytest.approx(inside - outside)
    # the second sample takes IN centre and spread of the first
    assert found["in_median_per"] == pytest.approx([inside, log_normal(0.0, 4.0, sd_in)])
    assert found["out_mean_per"][0] == pytest.approx(-outside)
    # residuals about the medians, -1, 0, 4, have mean 1
    assert found["in_median_fixed"][0] == pytest.approx(inside)
    assert found["both_median"].tolist() == [3.5 - 2.5, 0.0 - (4.0 + 4.5) / 2]
    assert found["in_mean"].tolist() == [-1.5, -5.0]


def test_probabilities_are_taken_as_they_are():
    probabilities = np.array([[[0.25, 0.75]], [[0.5, 0.5]], [[0.125, 0.875]]], np.float32)
    arrays = {
        "probabilities": probabilities,
        "labels": np.zeros(1, int),
        "member": np.array([[0], [1], [0]]) > 0,
    }
    found = asked(TABLE, "offset@tf_privacy/in_mean", arrays, 0)
    assert found[0, 0] == float(np.log(np.float32(0.25)) - np.log(np.float32(0.75)))


def test_no_sample_with_shadows_on_a_side_is_refused():
    arrays = {"phi": PHI, "member": np.zeros_like(MEMBER)}
    for name in ("lira@tf_privacy/both_mean_per", "lira@tf_privacy/in_median_fixed"):
        with pytest.raises(DataError, match="both with and without"):
            asked(TABLE, name, arrays, 0)
    assert np.isfinite(asked(TABLE, "lira@tf_privacy/out_mean_fixed", arrays, 0)).all()
