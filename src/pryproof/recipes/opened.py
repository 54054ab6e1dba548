"""A study's stored runs as the arrays a figure is drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks import THRESHOLD_ATTACKS, threshold
from pryproof.evaluation.estimates import mean_accuracy
from pryproof.pipeline.plan import TARGET
from pryproof.pipeline.results import Results
from pryproof.pipeline.steps.call import Loaded
from pryproof.records import Estimate
from pryproof.store.workspace import Stored

Table = Float[np.ndarray, "runs samples"]
ATTACK = "modified_entropy"  # the paper's, unless a figure names another


@dataclass(frozen=True)
class Opened:
    """Runs by row, each said of the parts of the data they stand for.

    ``part`` is "members" (what the target fold trains on), "evaluation" (which nobody trains on) or
    "outside" (reference images of the valuation's cuts). Every table is ``[runs, samples]``.
    """

    results: Results
    rows: Mapping[str, int]

    @cached_property
    def data(self) -> Loaded:
        """The study's images and parts."""
        return Loaded.of(self.results["load"])

    def runs(self, row: str) -> list[Stored]:
        """Return what the target runs of a row left behind."""
        return [self.results[f"train/{TARGET}/{row}/{run}"] for run in range(self.rows[row])]

    def signal(self, row: str, name: str, part: str) -> Table:
        """Return a signal of ``attacks.signals`` for the samples of a part."""
        place = self.data.parts[part]
        return np.stack([run.arrays[f"signal.{name}"][place] for run in self.runs(row)])

    def losses(self, row: str, part: str) -> Table:
        """Return cross entropies (nats)."""
        return -self.signal(row, "logp", part).astype(np.float64)

    def accuracy(self, row: str, part: str) -> Estimate:
        """Return the share of a part's samples that a row's runs classify rightly."""
        return mean_accuracy(self.signal(row, "correct", part) > 0)

    def right(self, row: str, part: str) -> Table:
        """Return 1 where a run classifies a sample rightly, 0 elsewhere."""
        return (self.signal(row, "correct", part) > 0).astype(np.float64)

    def called(self, row: str, *, attack: str = ATTACK) -> Bool[np.ndarray, "runs members"]:
        """Say which members a run's attack calls members: the paper's R is the mean over runs.

        As in the paper's section 3.2 a run's cuts separate what it trained on from reference
        images (methods A2), so the members also fit the cut that judges them: R is a value of the
        samples, not a finding about the attack.
        """
        inside, outside = self.data.parts["members"], self.data.parts["outside"]
        labels, classes = self.data.labels, len(self.data.classes)
        decisions = []
        for run in self.runs(row):
            said = {
                name.removeprefix("signal."): value
                for name, value in run.arrays.items()
                if name.startswith("signal.")
            }
            scores = THRESHOLD_ATTACKS[attack](said)
            fitted = threshold.fit(
                scores[inside], labels[inside], scores[outside], labels[outside], classes=classes
            )
            decisions.append(threshold.decide(scores[inside], labels[inside], fitted))
        return np.stack(decisions)

    def ranks(self, source: str = "real") -> Int64[np.ndarray, "runs members"]:
        """Return the rank of every member in every valuing run, 1 = safest."""
        return self.results[f"value/{TARGET}/{source}"].arrays["rank"]

    def judged(self) -> Sequence[Mapping[str, Any]]:
        """Return what the evaluation found of every row."""
        rows: Sequence[Mapping[str, Any]] = self.results["evaluate"].facts["rows"]
        return rows
