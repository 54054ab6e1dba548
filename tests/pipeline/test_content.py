"""Overlaps in the report: no row is lost where strangers are missing or of another number."""

import numpy as np
import pytest

from pryproof.pipeline.content import _facts, _overlaps_of
from pryproof.pipeline.results import Results
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.call import Loaded
from pryproof.store.workspace import Stored, Workspace

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


@pytest.mark.parametrize(("optimizer", "name"), [("sgd", "SGD"), ("adamw", "AdamW")])
def test_the_training_names_its_optimizer(tmp_path, optimizer, name):
    parts = ("members", "shadow0", "outside", "evaluation")
    data = Loaded(
        images=np.zeros((8, 4, 4, 1), np.uint8),
        labels=np.zeros(8, np.int64),
        ids=[str(place) for place in range(8)],
        classes=["cat"],
        parts={part: slice(2 * k, 2 * k + 2) for k, part in enumerate(parts)},
    )
    results = Results([], Workspace.open(tmp_path, study="none", create=True))
    settings = Settings(train={"optimizer": optimizer, "learning_rate": 0.002})
    said = " ".join(words for _, words in _facts(settings, data, results, valued_by=5))
    assert f", {name}, peak rate 0.002" in said
