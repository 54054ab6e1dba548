import numpy as np
import pytest

from pryproof.attacks.row_sums import FEWEST, MOST, row_sum_loop, row_sums
from pryproof.compiled import available


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [FEWEST, 9, 15, 100, 127, MOST])
def test_the_loop_rounds_as_numpy_does(columns, dtype):
    rng = np.random.default_rng(columns)
    table = (rng.normal(size=(20, columns)) * 10.0 ** rng.integers(-6, 6, size=columns)).astype(
        dtype
    )
    plain, fast = np.empty(20, dtype), np.empty(20, dtype)
    row_sum_loop(table, plain)
    row_sums(table, fast, accelerate=available())
    assert np.array_equal(plain, table.sum(axis=1))
    assert np.array_equal(fast, plain)


@pytest.mark.parametrize("columns", [1, 7, MOST + 1])
def test_other_tables_are_left_to_numpy(columns):
    table = np.random.default_rng(0).random((3, columns))
    for each in (table, np.asfortranarray(table)):
        out = np.empty(3)
        row_sums(each, out, accelerate=available())
        assert np.array_equal(out, np.sum(each, axis=1))
