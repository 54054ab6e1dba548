import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.loss_trace import TABLE, loss_trace_iqr
from pryproof.checks import DataError
from reference.loss_trace import loss_trace_iqr_naive

ATTACK = TABLE["loss_trace_iqr"]


@pytest.mark.parametrize("epochs", [2, 5, 8])
def test_agrees_with_the_naive_form(epochs: int):
    trace = np.random.default_rng(epochs).exponential(size=(3, epochs, 6))
    assert loss_trace_iqr(trace) == pytest.approx(np.array(loss_trace_iqr_naive(trace)))


def test_a_sample_learned_late_ranks_above_one_never_learned_and_one_learned_at_once():
    epochs = np.arange(20)
    late, never, soon = np.where(epochs < 10, 3.0, 0.1), np.full(20, 3.0), np.full(20, 0.1)
    scores = loss_trace_iqr(np.stack([late, never, soon], axis=1)[None])[0]
    assert scores[0] == pytest.approx(2.9)
    assert scores[1] == scores[2] == 0


def test_a_trace_that_is_no_number_is_not_measured():
    trace = np.array([[[1.0, np.inf, np.nan], [2.0, np.inf, 1.0], [3.0, np.inf, 2.0]]])
    assert loss_trace_iqr(trace)[0] == pytest.approx([1.0, np.nan, np.nan], nan_ok=True)


def test_refusals():
    member = np.array([True, False])
    given = {"correct": np.ones(2), "member": member}
    for more in ({}, {"loss_trace": np.ones((1, 1, 2))}):
        with pytest.raises(DataError, match=r"at least 2 epochs, got [01]"):
            ATTACK.score(evidence({**given, **more}), np.array([0]), reference=None, options={})
