"""A study's stored runs as the arrays a figure is drawn from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof import seeds
from pryproof.attacks import THRESHOLD_ATTACKS, threshold
from pryproof.attacks.attack import Thresholds
from pryproof.checks import TrainingError
from pryproof.evaluation.estimates import mean_accuracy
from pryproof.pipeline.failures import FAILED, FIX
from pryproof.pipeline.results import Results, estimate
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.steps.judging import Run, called
from pryproof.pipeline.steps.value import picked
from pryproof.pipeline.task import TARGET
from pryproof.recipes.sides import Sides
from pryproof.records import Estimate
from pryproof.store.workspace import Stored
from pryproof.valuation.margin import signed_margin
from pryproof.valuation.ranks import ranks

Table = Float[np.ndarray, "runs samples"]
ATTACK = "modified_entropy"  # the paper's, unless a figure names another


@dataclass(frozen=True)
class Opened:
    """Runs by row, each said of the parts of the data they stand for.

    ``part`` is "members" (what the target fold trains on), "evaluation" (which nobody trains on) or
    "outside" (reference images of the valuation's cuts). Every table is ``[runs, samples]``; runs
    that diverged are left out.
    """

    results: Results
    rows: Mapping[str, int]

    @cached_property
    def data(self) -> Loaded:
        """The study's images and parts."""
        return Loaded.of(self.results["load"])

    def runs(self, row: str, *, fold: str = TARGET, count: int | None = None) -> list[Stored]:
        """Return what runs of a row left behind; ``count`` is how many were asked of a shadow."""
        asked = self.rows[row] if count is None else count
        stored = [self.results[f"train/{fold}/{row}/{run}"] for run in range(asked)]
        left = [run for run in stored if FAILED not in run.facts]
        if not left:
            raise TrainingError(
                "E073", f"all {asked} runs of {row} diverged", where=f"train/{fold}/{row}", fix=FIX
            )
        return left

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

    def trained(self, row: str, what: str) -> Float[np.ndarray, " runs"]:
        """Return each run's mean over its last epoch, on the images as it was shown them.

        ``what`` is "loss" (nats) or "accuracy" (share). The weights move during the epoch, and the
        network is in training mode: what a training log prints.
        """
        return np.array(
            [np.nanmean(run.arrays[f"batch_{what}"][-1]) for run in self.runs(row)], np.float64
        )

    def called(self, row: str, *, attack: str = ATTACK) -> Bool[np.ndarray, "runs members"]:
        """Say which members a run's attack calls members: the paper's R is the mean over runs.

        As in the paper's section 3.2 a run's cuts separate what it trained on from reference
        images (methods A2), so the members also fit the cut that judges them: R is a value of the
        samples, not a finding about the attack.
        """
        inside, labels = self.data.parts["members"], self.data.labels
        return np.stack(
            [
                threshold.decide(THRESHOLD_ATTACKS[attack](said)[inside], labels[inside], fitted)
                for said, fitted in self._cut(self.runs(row), fold=TARGET, attack=attack)
            ]
        )

    def margins(
        self, row: str, *, fold: str = TARGET, count: int | None = None
    ) -> Float[np.ndarray, "runs members"]:
        """Return the signed log margin of every member (nats; higher = more exposed).

        The margins of the valuation (methods 2.4, A4), for the runs of any row. With a shadow
        ``fold``, those of ``count`` runs that trained on none of the members: what they say comes
        from how hard an image is.
        """
        inside, labels = self.data.parts["members"], self.data.labels
        return np.stack(
            [
                signed_margin(said["log_mentropy"][inside], labels[inside], fitted)
                for said, fitted in self._cut(
                    self.runs(row, fold=fold, count=count), fold=fold, attack=ATTACK
                )
            ]
        ).astype(np.float64)

    def own_ranks(
        self, row: str, *, fold: str = TARGET, count: int | None = None
    ) -> Int64[np.ndarray, "runs members"]:
        """Return the rank of every member in the runs of a row, 1 = safest: see ``margins``."""
        seed = seeds.derive(0, "ranks", fold, row)
        return ranks(self.margins(row, fold=fold, count=count), seed=seed)

    def _cut(
        self, runs: Sequence[Stored], *, fold: str, attack: str
    ) -> Iterator[tuple[dict[str, np.ndarray], Thresholds]]:
        """Yield what each run said, and its own cuts: its fold against the images outside."""
        inside = self.data.fold(fold)
        labels, classes = self.data.labels, len(self.data.classes)
        for run in runs:
            outside = self.data.outside(run.facts)
            said = picked(run, "signal.")
            scores = THRESHOLD_ATTACKS[attack](said)
            yield (
                said,
                threshold.fit(
                    scores[inside],
                    labels[inside],
                    scores[outside],
                    labels[outside],
                    classes=classes,
                ),
            )

    def seconds(self, row: str) -> float:
        """Return the core seconds of one model of a row with all it rests on, the runs' mean.

        Teachers, generators, valuations and choices that it needs are counted, each once.
        """
        names = [f"train/{TARGET}/{row}/{run}" for run in range(self.rows[row])]
        return float(np.mean([self.results.seconds(name) for name in names]))

    def ranks(self, source: str = "real") -> Int64[np.ndarray, "runs members"]:
        """Return the rank of every member in every valuing run, 1 = safest."""
        return self.results[f"value/{TARGET}/{source}"].arrays["rank"]

    def judged(self) -> Sequence[Mapping[str, Any]]:
        """Return what the evaluation found of every row."""
        rows: Sequence[Mapping[str, Any]] = self.results["evaluate"].facts["rows"]
        return rows

    def judged_row(self, row: str) -> Mapping[str, Any]:
        """Return what the evaluation found of one row."""
        return next(each for each in self.judged() if each["name"] == row)

    def attacks(self, row: str) -> dict[str, Estimate]:
        """Return the evaluation's estimates by attack: balanced accuracies, LiRA's AUC and TPR."""
        found = self.judged_row(row)["attacks"]
        return {name: estimate(values) for name, values in found.items()}

    def lira(self, row: str) -> Sides:
        """Return the evaluation's LiRA scores of members, and of images nobody trained on."""
        scores = self.results["evaluate"].arrays[f"lira.{row}"].astype(np.float64)
        size = self.data.size("members")
        return Sides(scores[:, :size], scores[:, size:])

    def decided(self, row: str, attack: str, *, shadows: int) -> Sides:
        """Say whom each run's attack calls members, by cuts fitted on the row's shadows alone.

        These are the decisions behind the evaluation's balanced accuracies, sample by sample:
        ``shadows`` runs of every shadow fold, against images outside. Unlike those of ``called``
        they judge no sample that fitted a cut.
        """
        calls = called(
            attack,
            self.data,
            [Run.of(run, fold=TARGET) for run in self.runs(row)],
            [
                Run.of(run, fold=fold)
                for fold in self.data.parts
                if fold.startswith("shadow")
                for run in self.runs(row, fold=fold, count=shadows)
            ],
        )
        parts = [self.data.parts[part] for part in ("members", "evaluation")]
        return Sides(*(calls[:, part].astype(np.float64) for part in parts))
