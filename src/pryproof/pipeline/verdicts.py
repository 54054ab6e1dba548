"""Verdicts: what a valuation says of every sample, to look at, to ask, and to keep."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from pryproof.checks import ConfigurationError, DataError, nearest
from pryproof.pipeline.exposure import Case, Exposure, Rates, judge, unjudged
from pryproof.records import Estimate
from pryproof.store.encodings import encode_table
from pryproof.store.files import machine_errors, write_bytes
from pryproof.store.places import make_private
from pryproof.valuation.overlap import Overlap, overlap
from pryproof.valuation.planner import plan_runs

LEAST_PILOT = 3  # runs from which it can be planned how many more are needed
BINS = ((0.0, 0.1), (0.0, 0.25), (0.0, 0.5))  # safest shares whose overlap is shown
VERDICTS = ("safe", "vague", "risky")


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """One row a sample in ``table`` (column name -> values; see ``docs/valuation.md``).

    ``ranks`` is ``[runs, valued samples]``, 1 = safest, 0 = the run did not train on the sample;
    ``unseen_ranks`` the same from runs that saw none of them, None where there are not two.
    ``margin`` names what the verdicts rest on, ``rule`` how runs were joined and ``asked`` how they
    were to be. ``path`` is the file the table lies in, if any; ``case`` is what the runs said, for
    verdicts to be judged by runs without a vote, or what came of it; None where only the table is
    left.
    """

    table: Mapping[str, Any]
    ranks: Int64[np.ndarray, "runs valued"]
    margin: str
    rule: str
    asked: str = "unanimous"
    attack: str = "modified_entropy"
    share: float = 0.5
    unseen_ranks: Int64[np.ndarray, "strangers valued"] | None = None
    notes: tuple[str, ...] = ()
    path: Path | None = None
    case: Case | Exposure | None = field(default=None, repr=False, compare=False)

    def _ids(self, verdict: str) -> list[str]:
        rows = zip(self.table["id"], self.table["source"], self.table["verdict"], strict=True)
        return [name for name, source, said in rows if source == "real" and said == verdict]

    @property
    def safe(self) -> list[str]:
        """Ids of the members voted safe: among the least exposed."""
        return self._ids("safe")

    @property
    def vague(self) -> list[str]:
        """Ids of the members the runs do not agree on."""
        return self._ids("vague")

    @property
    def risky(self) -> list[str]:
        """Ids of the members voted risky: among the most exposed."""
        return self._ids("risky")

    def overlap(self, bin: tuple[float, float] = (0.0, 0.5)) -> Overlap:  # noqa: A002 - the paper's word
        """Return the share of a bin of the rank order that all runs have in common (Eq. 1).

        ``bin`` is (start, end) from the safest, as shares. It stands beside its chance level.
        """
        return overlap(self._everywhere(self.ranks), *bin)

    def unseen_overlap(self, bin: tuple[float, float] = (0.0, 0.5)) -> Overlap | None:  # noqa: A002
        """Return the same of runs that never saw the samples: what difficulty explains, or None."""
        return None if self.unseen_ranks is None else overlap(self.unseen_ranks, *bin)

    @property
    def exposure(self) -> Rates:
        """True positive rates: false positive rate -> verdict -> estimate (``pipeline.exposure``).

        Each voting run is left out of the vote and attacked, eight at most; computed when first
        asked. A rate that cannot be had is "not estimable" and its ``method`` says why.
        """
        return self.judged.rates

    @cached_property
    def judged(self) -> Exposure:
        """The same, with the runs that judged and the attack they were judged by."""
        if self.case is None:
            return unjudged("the table alone is left of the runs' outputs: value these again")
        if isinstance(self.case, Exposure):
            return self.case
        return judge(self.case, self.ranks, np.asarray(self.table["margins"]).T)

    def _everywhere(self, ranks: Int64[np.ndarray, "runs valued"]) -> np.ndarray:
        if (ranks == 0).any():
            raise DataError(
                "E045",
                "an overlap is not estimable here: runs trained on different samples",
                fix="Value runs that share their training set, or read the verdicts alone.",
            )
        return ranks

    def explain(self, sample: str) -> str:
        """Say in lines of text what the verdict on one sample rests on."""
        place = self._places.get(str(sample))
        if place is None:
            raise ConfigurationError(
                "E041", f"no sample is called {sample!r}", fix=nearest(str(sample), self._places)
            )
        row = {name: values[place] for name, values in self.table.items()}
        lines = [f"{row['id']}: {row['verdict']} ({self.rule}, margin {self.margin})"]
        if np.isnan(row["success_rate"]):
            return lines[0]
        lines.append(
            f"  {self.attack} calls it a member in {row['success_rate']:.0%} "
            f"[{row['success_low']:.0%}, {row['success_high']:.0%}] of the runs"
            + _beside(row["unseen_success_rate"], row["split"])
        )
        size = self.ranks.shape[1]
        for run, (margin, rank) in enumerate(zip(row["margins"], row["ranks"], strict=True)):
            if rank:
                lines.append(
                    f"  run {run}: margin {margin:+.2f}, rank {rank} of {size}, "
                    f"{self._vote(rank / size)}"
                )
        if not np.isnan(row["excess_margin"]):
            lines.append(
                f"  excess margin {row['excess_margin']:+.2f} nats over runs that never saw it"
            )
        return "\n".join(lines)

    def _vote(self, place: float) -> str:
        if place <= self.share:
            return "votes safe"
        return "votes risky" if place > 1 - self.share else "no vote"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(name): place for place, name in enumerate(self.table["id"])}

    def counts(self) -> dict[str, int]:
        """Return how many real samples have each verdict."""
        rows = zip(self.table["source"], self.table["verdict"], strict=True)
        met = Counter(said for source, said in rows if source == "real")
        return {verdict: met[verdict] for verdict in VERDICTS}

    def summary(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Return columns, rows and notes: verdicts, what they carry, overlap with its nulls."""
        counts = self.counts()
        total = max(sum(counts.values()), 1)
        rows = [
            [name, str(count), f"{count / total:.1%}"]
            + [_short(rates[name]) for rates in self.exposure.values()]
            for name, count in counts.items()
        ]
        heads = ["verdict", "samples", "share", *map(_head, self.exposure)]
        return heads, rows, [*self._exposure_lines(), *self._overlap_lines(), *self.notes]

    def _exposure_lines(self) -> list[str]:
        """Say which runs judged and how, and why a rate is missing."""
        lines = []
        if self.judged.judges:
            runs = ", ".join(map(str, self.judged.judges))
            lines.append(
                f"TPR: runs {runs}, each left out of the vote in turn and attacked by "
                f"{self.judged.by}"
            )
        for fpr, rates in self.exposure.items():
            why = dict.fromkeys(each.method for each in rates.values() if np.isnan(each.value))
            lines += [f"{_head(fpr)}: not estimable ({each})" for each in why]
        return lines

    def _overlap_lines(self) -> list[str]:
        if (self.ranks == 0).any():
            return ["overlap: not estimable, runs trained on different samples"]
        lines = []
        for bin_ in BINS:
            try:
                found, null = self.overlap(bin_), self.unseen_overlap(bin_)
            except DataError as error:
                return [f"overlap: not estimable ({error.what})"]
            beside = f", runs that never saw them {null.ratio}" if null else ""
            lines.append(
                f"overlap of the safest {bin_[1]:.0%} over {len(self.ranks)} runs: {found.ratio} "
                f"(n = {found.size}), chance {found.chance:.4f}{beside}"
            )
        return lines

    def plan_lines(self, *, seed: int = 0) -> list[str]:
        """Say how many more runs the verdicts need to settle; nothing from fewer than three."""
        if len(self.ranks) < LEAST_PILOT or (self.ranks == 0).any():
            return []
        plan = plan_runs(self.ranks.astype(np.float64), share=self.share, seed=seed)
        return [f"more runs: {plan.reason}"]

    def write(self, folder: str | PathLike[str]) -> Path:
        """Write ``samples.parquet``, readable by you alone, and return its place."""
        place = Path(folder) / "samples.parquet"
        with machine_errors(place.parent):
            make_private(place.parent)
        write_bytes(place, encode_table(dict(self.table)))
        return place

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={count}" for name, count in self.counts().items())
        where = f", path={str(self.path)!r}" if self.path else ""
        return f"Verdicts({counts}, margin={self.margin!r}, rule={self.rule!r}{where})"

    def _repr_html_(self) -> str:
        """Return a small table for a notebook; every text is escaped."""
        heads, rows, notes = self.summary()
        head = "".join(f"<th>{escape(name)}</th>" for name in heads)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        said = "".join(f"<li>{escape(note)}</li>" for note in notes)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{said}</ul>"


def _head(fpr: float) -> str:
    return f"TPR at {100 * fpr:g}% FPR"


def _short(rate: Estimate) -> str:
    return "not estimable" if np.isnan(rate.value) else str(rate)


def _beside(unseen: float, split: str) -> str:
    if split != "member" or np.isnan(unseen):
        return ""
    return f", in {unseen:.0%} of those that never saw it"
