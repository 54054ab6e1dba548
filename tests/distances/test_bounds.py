"""Short vectors never lie farther apart than the rows they stand for, in any basis."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pryproof import seeds
from pryproof.distances import bounds

DRAW = seeds.generator(0, "bounds")
HIDDEN = DRAW.normal(size=(200, 5)) @ DRAW.normal(size=(5, 60))
SETS = {
    "bytes": DRAW.integers(0, 256, (200, 60), dtype=np.uint8),
    "features": HIDDEN + 0.1 * DRAW.normal(size=(200, 60)),
    "far from zero": DRAW.normal(size=(200, 60)) + 1e6,
    "huge": 1e100 * DRAW.normal(size=(200, 60)),
    "one point": np.ones((200, 60), np.float32),
}


def spaces(rows):
    full = bounds.centred(rows, rows)
    basis = bounds.principal(full, rows, kept=16)
    skew = torch.linalg.qr(torch.from_numpy(DRAW.normal(size=(60, 8))))[0]
    wide = replace(full, unit=bounds.FLOAT64)
    yield from (full, wide, replace(full, basis=basis), replace(full, basis=basis[:, :4]))
    yield replace(full, basis=skew)


@pytest.mark.parametrize("name", SETS)
def test_scores_are_at_least_those_of_the_true_distances(name):
    rows = SETS[name]
    for space in spaces(rows):
        columns, lengths = bounds.as_columns(space, rows)
        queries, squares = bounds.as_queries(space, rows[:50])
        scores = (queries @ columns.T).double()
        plain = rows.astype(np.float64) * space.scale
        apart = np.square(plain[:50, None] - plain[None]).sum(axis=2)
        true = (squares[:, None] - torch.from_numpy(apart)) / 2
        margin = bounds.slack(space, squares, float(lengths.max().sqrt()))[:, None]
        assert bool((scores + margin >= true).all())
        if space.basis is None:  # then the score is more than a bound
            assert bool((scores - margin <= true).all())


def test_margins_are_small_beside_distances():
    rows = SETS["features"]
    space = bounds.centred(rows, rows)
    _, squares = bounds.as_queries(space, rows)
    margin = bounds.slack(space, squares, float(squares.max().sqrt()))
    assert float((margin / squares).max()) < 1e-3
    wide = replace(space, unit=bounds.FLOAT64)
    assert float(bounds.slack(wide, squares, 1.0).max()) < 1e-11


def test_the_basis_is_orthonormal_and_finds_what_varies():
    rows = SETS["features"]
    space = bounds.centred(rows, rows)
    basis = bounds.principal(space, rows, kept=16)
    torch.testing.assert_close(basis.T @ basis, torch.eye(16, dtype=torch.float64))
    centred = torch.from_numpy(rows - rows.mean(axis=0))
    assert float((centred @ basis[:, :5]).square().sum() / centred.square().sum()) > 0.98


def test_bytes_stay_whole_about_their_centre():
    space = bounds.centred(SETS["bytes"], SETS["bytes"][:3])
    vectors, squares = bounds.as_queries(space, SETS["bytes"])
    assert (space.centre == np.rint(space.centre)).all()
    assert float((vectors * 2**8 % 1).abs().max()) == 0
    assert bool((vectors[:, -1] == 1).all())
    assert float(vectors.abs().max()) <= 1
    torch.testing.assert_close(vectors[:, :-1].double().square().sum(1), squares)


def test_products_that_torch_may_round_are_not_trusted():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        space = bounds.centred(SETS["bytes"], SETS["bytes"])
    finally:
        torch.set_float32_matmul_precision(before)
    assert space.dtype == torch.float64
