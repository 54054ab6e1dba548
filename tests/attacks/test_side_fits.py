from statistics import fmean, median, pstdev

import numpy as np
import pytest

from pryproof.attacks import side_fits
from pryproof.attacks.side_fits import Shadows, fits
from pryproof.compiled import available

BOTH = (False, True)


def world(seed: int = 0, runs: int = 13, queries: int = 2, samples: int = 40, ties: float = 1e9):
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(runs, queries, samples)) * ties) / ties
    return values, rng.random((runs, samples)) < 0.4


@pytest.mark.parametrize("centre", ["median", "mean"])
@pytest.mark.parametrize("pooled", ["values", "residuals"])
@pytest.mark.parametrize("truncate", [True, False])
def test_fits_of_small_data(centre, pooled, truncate):
    values, member = world()
    member[:2] = [[True], [False]]  # both sides have a run
    runs = np.array([0, 1, 3, 4, 5, 6, 7, 9, 12])
    shadows = Shadows(
        values=values, member=member, runs=runs, centre=centre, pooled=pooled, truncate=truncate
    )
    for side, fit in fits(shadows, BOTH).items():
        number = (member[runs] == side).sum(axis=0)
        number = np.full_like(number, number.min()) if truncate else number
        assert np.array_equal(fit.count, number)
        everything = []
        for x in range(values.shape[2]):
            for query in range(values.shape[1]):
                seen = values[runs, query, x][member[runs, x] == side][: number[x]].tolist()
                middle = median(seen) if centre == "median" else fmean(seen)
                assert fit.centre[query, x] == pytest.approx(middle, rel=1e-12)
                assert fit.spread[query, x] == pytest.approx(pstdev(seen), rel=1e-12)
                everything += [each - middle * (pooled == "residuals") for each in seen]
        assert fit.pooled == pytest.approx(pstdev(everything), rel=1e-12)


def test_a_sample_without_runs_on_a_side_has_no_fit():
    values, member = world(1)
    member[:, 3] = True
    shadows = Shadows(values=values, member=member, runs=np.arange(13), centre="mean")
    fit = fits(shadows, BOTH)[False]
    assert fit.count[3] == 0
    assert np.isnan(fit.centre[:, 3]).all()
    assert np.isnan(fit.spread[:, 3]).all()
    assert np.isnan(fit.pooled)


@pytest.mark.skipif(not available(), reason="needs Numba")
@pytest.mark.parametrize("centre", ["median", "mean"])
@pytest.mark.parametrize("pooled", ["values", "residuals"])
@pytest.mark.parametrize("ties", [1e9, 2.0, 0.3])
def test_the_compiled_loops_give_the_same_fits(centre, pooled, ties, monkeypatch):
    values, member = world(2, samples=100, ties=ties)
    values[:, :, :30] += 1e7  # a spread that is small beside the mean
    values[:, :, 30:33] = 0.1  # none at all, but for rounding
    member[:, 7], member[:, 8] = True, False
    shadows = Shadows(
        values=values, member=member, runs=np.arange(1, 13), centre=centre, pooled=pooled
    )
    plain = fits(shadows, BOTH)
    monkeypatch.setattr(side_fits, "WORTH_COMPILING", 0)
    for side, fast in fits(shadows, BOTH).items():
        assert np.array_equal(fast.count, plain[side].count)
        if centre == "median":
            assert np.array_equal(fast.centre, plain[side].centre, equal_nan=True)
        else:
            assert fast.centre == pytest.approx(plain[side].centre, rel=1e-12, nan_ok=True)
        # 1e7 costs the residuals 8 digits of 16
        assert fast.spread == pytest.approx(plain[side].spread, rel=1e-9, abs=0, nan_ok=True)
        assert fast.pooled == pytest.approx(plain[side].pooled, rel=1e-9)


@pytest.mark.skipif(not available(), reason="needs Numba")
def test_the_compiled_loops_give_the_same_truncated_fits(monkeypatch):
    values, member = world(3, samples=64)
    member[:2] = [[True], [False]]
    shadows = Shadows(
        values=values, member=member, runs=np.arange(13), centre="median", truncate=True
    )
    plain = fits(shadows, BOTH)
    monkeypatch.setattr(side_fits, "WORTH_COMPILING", 0)
    for side, fast in fits(shadows, BOTH).items():
        assert np.array_equal(fast.centre, plain[side].centre)
        assert fast.spread == pytest.approx(plain[side].spread, rel=1e-12, abs=0)


def test_the_float_type_of_the_values_stays():
    values, member = world(4)
    shadows = Shadows(
        values=values.astype(np.float32),
        member=member,
        runs=np.arange(13),
        centre="mean",
        pooled="values",
    )
    fit = fits(shadows, (True,))[True]
    assert {fit.centre.dtype, fit.spread.dtype, fit.pooled.dtype} == {np.dtype(np.float32)}


def test_blocks_do_not_show(monkeypatch):
    values, member = world(5)
    shadows = Shadows(
        values=values, member=member, runs=np.arange(13), centre="median", pooled="residuals"
    )
    whole = fits(shadows, (True,))[True]
    monkeypatch.setattr(side_fits, "SAMPLES", 7)
    parts = fits(shadows, (True,))[True]
    assert np.array_equal(parts.spread, whole.spread, equal_nan=True)
    assert parts.pooled == whole.pooled
