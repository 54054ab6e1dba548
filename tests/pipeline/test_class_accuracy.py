"""The report's class table: the shares a hand would count, and nothing where no one judged."""

from math import isnan

import numpy as np
import pytest

import pryproof as pp
from pryproof.pipeline.class_accuracy import JUDGED, by_class, share
from pryproof.pipeline.results import Results
from pryproof.pipeline.steps.call import Loaded
from pryproof.store.workspace import Workspace


def test_every_class_is_counted_by_hand(finished: pp.Study):
    workspace = Workspace.open(finished.path, study=finished.identity, create=False)
    results = Results(finished.tasks, workspace)
    data = Loaded.of(results["load"])
    hits = results["check_fakes"].arrays["fakes"]
    labels = results["generate/target"].arrays["fakes_labels"]
    table = dict(by_class(results, data))
    assert list(table) == list(data.classes)
    column = list(JUDGED).index("fakes")
    for number, name in enumerate(data.classes):
        found = table[name][column]
        own = [bool(hit) for hit, label in zip(hits, labels, strict=True) if label == number]
        assert found.n == len(own)
        assert found.value == pytest.approx(sum(own) / len(own))
    assert any(not np.isclose(row[column].value, share(hits).value) for row in table.values())


def test_a_class_without_images_says_so():
    found = share(np.zeros(0, dtype=bool))
    assert isnan(found.value)
    assert "no image" in found.method
