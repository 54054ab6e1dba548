"""Overlaps in the report: no row is lost where strangers are missing or of another number."""

import numpy as np
import pytest

from pryproof.pipeline.content import _overlaps_of
from pryproof.store.workspace import Stored

RATIO = {
    "value": 0.5,
    "low": 0.4,
    "high": 0.6,
    "n": 20,
    "runs": 3,
    "confidence": 0.95,
    "method": "",
}


def row(runs: int) -> dict[str, object]:
    return {"bin": [0.0, 0.5], "ratio": RATIO, "chance": 0.25, "runs": runs}


@pytest.mark.parametrize(
    ("strangers", "words"),
    [(None, "too few runs"), ([row(2)], "2 runs, where 3 are compared"), ([row(3)], "")],
)
def test_what_strangers_say_stands_beside_or_is_not_estimable(strangers, words):
    facts = {"overlap": [row(3)]} | ({} if strangers is None else {"overlap_unseen": strangers})
    (found,) = _overlaps_of(Stored(arrays={}, facts=facts, record={}), "runs")
    assert found.ratio.value == 0.5
    assert words in found.unseen.method
    assert np.isnan(found.unseen.value) == bool(words)
