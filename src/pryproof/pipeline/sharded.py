"""Value samples part by part: the same table, bit for bit, where it does not fit in memory.

What every run says goes to a temporary folder, row by row. Cuts, calls and ranks need one run at a
time and all samples; the table's columns need all runs and one part of the samples. In memory stay
the outputs themselves, their membership, and the ranks.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.checks import ConfigurationError, DataError, known_name
from pryproof.pipeline.ballots import (
    Vote,
    attack_scores,
    called,
    cast,
    checked,
    comparable,
    cuts_of,
    names_of,
    notes_of,
    own_ranks,
    pop_ids,
    read_arrays,
    scores_of,
    unseen_ranks,
    valued_of,
)
from pryproof.pipeline.exposure import Case, judge
from pryproof.pipeline.margins import COMPARED, MARGINS, Said, Some, baselines, beyond
from pryproof.pipeline.shelf import Shelf, Table, mean_over_queries
from pryproof.pipeline.verdict_table import Columns, columns
from pryproof.pipeline.verdicts import Verdicts
from pryproof.records import Evidence
from pryproof.store.row_groups import FileTable, write_parts
from pryproof.valuation.margin import excess_margin, finite_cuts
from pryproof.valuation.ranks import keys_of_rows
from pryproof.valuation.votes import Votes

SHARD = 1 << 16  # samples of a part
OF_SAMPLES = ("labels", "features")  # arrays without a row for each run


def value_in_parts(
    outputs: object,
    *,
    folder: Path,
    ids: Sequence[str] | None = None,
    how: Vote | None = None,
    seed: int = 0,
    shard: int = SHARD,
) -> Verdicts:
    """Value as ``pipeline.valuation.value`` does, and write the table by ``shard`` samples.

    The margin "lira" joins all runs and all samples and is refused; the columns ``lira`` and
    ``rmia``, where there is phi, take two further tables of memory. The verdicts' table reads its
    columns from ``samples.parquet`` when asked for them.
    """
    how = how or Vote()
    known_name(how.margin, MARGINS, kind="margin")
    if how.margin not in {*COMPARED, *(n for n, m in MARGINS.items() if not m.needs_unseen)}:
        raise ConfigurationError(
            "E044",
            f"the margin {how.margin} is not computed in parts",
            fix="Leave the folder out, or choose the margin excess.",
        )
    source, ids = _opened(outputs, ids)
    with tempfile.TemporaryDirectory(prefix="pryproof-") as scratch:
        rows = _stored(source, Path(scratch))
        del outputs, source
        return _valued(rows, how, ids, folder, seed=seed, shard=shard)


@dataclass(frozen=True, kw_only=True)
class _Source:
    """Outputs, of which one run at a time is looked at."""

    whole: Evidence | None
    arrays: Mapping[str, np.ndarray]
    name: str
    runs: int

    def run(self, run: int) -> Evidence:
        """Return what one run says."""
        here = slice(run, run + 1)
        if self.whole is not None:
            signals = {name: array[here] for name, array in self.whole.signals.items()}
            return replace(
                self.whole,
                signals=signals,
                member=self.whole.member[here],
                group=self.whole.group[here],
                raw={},
                population=None,
            )
        some = {n: a if n in OF_SAMPLES else a[here] for n, a in self.arrays.items()}
        return checked(some, self.name)

    def all_runs(self) -> Evidence:
        """Return what all runs say: to name the right run in an error."""
        return checked(self.arrays, self.name) if self.whole is None else self.whole


def _opened(outputs: object, ids: Sequence[str] | None) -> tuple[_Source, Sequence[str] | None]:
    if isinstance(outputs, Evidence):
        runs = len(outputs.member)
        return _Source(whole=outputs, arrays={}, name="", runs=runs), ids
    given, name = read_arrays(outputs)
    ids = pop_ids(given, ids)
    arrays = {key: np.asarray(array) for key, array in given.items()}
    runs = len(arrays["member"]) if "member" in arrays and arrays["member"].ndim == 2 else 0
    plain = runs > 0 and all(
        key in OF_SAMPLES or (array.ndim > 0 and len(array) == runs)
        for key, array in arrays.items()
        if not key.startswith("population_")
    )
    if not plain or any(key.startswith("population_") for key in arrays):
        whole = checked(arrays, name)
        return _Source(whole=whole, arrays={}, name=name, runs=len(whole.member)), ids
    return _Source(whole=None, arrays=arrays, name=name, runs=runs), ids


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """What all runs say, on disk, and of whom; ``seen`` is it as evidence, by mapped files."""

    scratch: Path
    attack: str
    scores: Shelf
    signed: Shelf
    cut: Shelf
    phi: Shelf | None
    hits: Bool[np.ndarray, "runs samples"]
    seen: Evidence
    labels: Int64[np.ndarray, " samples"]

    @property
    def mapped(self) -> Said:
        """What a margin needs, of all runs and samples."""
        return Said(
            signed=self.signed.mapped(),
            cut=self.cut.mapped(),
            phi=None if self.phi is None else self.phi.mapped(),
            member=self.seen.member,
            labels=self.labels,
        )

    def run(self, run: int, held: Bool[np.ndarray, " samples"]) -> Said:
        """Return what a margin needs, of one run."""
        return Said(
            signed=self.signed.row(run)[None],
            cut=self.cut.row(run)[None],
            phi=None if self.phi is None else self.phi.row(run)[None],
            member=self.seen.member[run : run + 1],
            labels=self.labels,
            held=held,
        )

    def part(self, part: slice) -> Said:
        """Return what a margin needs, of a part of the samples."""
        return Said(
            signed=self.signed.part(part),
            cut=self.cut.part(part),
            phi=None if self.phi is None else self.phi.part(part),
            member=self.seen.member[:, part],
            labels=self.labels[part],
        )


def _stored(source: _Source, scratch: Path) -> _Rows:
    """Write what every run says, and its cuts; return what is called a member."""
    first = source.run(0)
    labels = first.labels
    n = first.member.shape[1]
    classes = np.zeros(n, dtype=np.int64) if labels is None else labels
    shape = (source.runs, n)
    scores = Shelf(scratch / "scores", shape)
    queries = {
        name: Shelf(scratch / name, (source.runs, *array.shape[1:]))
        for name, array in first.signals.items()
        if name in ("phi", "logp")
    }
    member = np.zeros(shape, dtype=np.bool_)
    group = np.arange(source.runs)
    attack = ""
    for run in range(source.runs):
        try:
            seen = source.run(run)
            attack, own = scores_of(seen)
        except DataError:
            scores_of(source.all_runs())
            raise
        scores.put(run, own[0])
        member[run], group[run] = seen.member[0], seen.group[0] if "group" in source.arrays else run
        for name, shelf in queries.items():
            shelf.put(run * shelf.shape[1], seen.signals[name][0])
    whole = source.whole or Evidence(
        signals={name: shelf.mapped() for name, shelf in queries.items()},
        member=member,
        group=group,
        labels=labels,
    )
    signed, cut, hits = _cut(scores, member, classes, scratch)
    return _Rows(
        scratch=scratch,
        attack=attack,
        scores=scores,
        signed=signed,
        cut=cut,
        phi=mean_over_queries(queries["phi"], scratch / "mean") if "phi" in queries else None,
        hits=hits,
        seen=whole,
        labels=classes,
    )


def _cut(
    scores: Shelf,
    member: Bool[np.ndarray, "runs samples"],
    labels: Int64[np.ndarray, " samples"],
    scratch: Path,
) -> tuple[Shelf, Shelf, Bool[np.ndarray, "runs samples"]]:
    keys, run_keys = keys_of_rows(
        lambda: chain(scores.rows(), [labels.astype(np.float64)]), samples=len(labels), seed=0
    )
    signed, cut = Shelf(scratch / "signed", scores.shape), Shelf(scratch / "cut", scores.shape)
    hits = np.empty(member.shape, dtype=np.bool_)
    for run, cuts in cuts_of(scores.row, member, labels, run_keys[:-1]).items():
        row, of_class = scores.row(run), finite_cuts(cuts)[labels]
        cut.put(run, of_class)
        signed.put(run, row - of_class)
        hits[run] = called(row, member[run], labels, keys, cuts)
    return signed, cut, hits


def _valued(
    rows: _Rows, how: Vote, ids: Sequence[str] | None, folder: Path, *, seed: int, shard: int
) -> Verdicts:
    """Rank, vote, and write the table."""
    inside = rows.seen.member
    names = None if ids is None else names_of(ids, inside.shape[1])
    valued = valued_of(inside)
    runs = np.flatnonzero(inside[:, valued].any(axis=1))
    classes = rows.labels[valued]
    beside = _Beside(rows, valued, shard)
    margin = _margins(rows, runs, how.margin, beside)
    order = own_ranks(
        lambda run: margin.row(run)[valued],
        inside[runs][:, valued],
        classes if how.by_class else None,
        content=lambda: chain(rows.scores.rows(valued), [classes.astype(np.float64)]),
        seed=seed,
    )
    votes = cast(how, order, _mean_score(how, margin, inside[runs], valued))
    made = Columns(
        ids=names or [],
        labels=rows.seen.labels,
        member=inside,
        valued=valued,
        runs=runs,
        called=rows.hits,
        margin=rows.signed.mapped(),  # in its place: each part brings its own
        excess=None,
        ranks=order,
        votes=votes,
        attacks=attack_scores(rows.seen),
    )
    path = write_parts(_parts(made, margin, beside, shard), folder / "samples.parquet")
    told = rows.signed if rows.phi is None else rows.phi
    keys = keys_of_rows(told.rows, samples=len(valued), seed=0)
    case = Case(said=rows.mapped, valued=valued, runs=runs, how=how, seed=seed, keys=keys)
    return Verdicts(
        table=FileTable(path),
        ranks=order,
        unseen_ranks=unseen_ranks(rows.mapped, valued, how, runs=len(runs), seed=seed),
        margin=how.margin,
        attack=rows.attack,
        rule=votes.rule,
        asked=how.rule,
        share=how.share,
        case=judge(case, order, margin.mapped()),
        notes=tuple(notes_of(how, votes, valued, inside)),
        path=path,
    )


class _Beside:
    """Margins over runs that never saw the samples, a part of the samples at a time."""

    def __init__(self, rows: _Rows, valued: Bool[np.ndarray, " samples"], shard: int) -> None:
        self.rows = rows
        self.member = rows.seen.member
        self.comparable = comparable(self.member, valued)
        self.shard = shard
        self._pairs: dict[str, list[tuple[Some, Some]]] = {}

    def of(self, name: str, part: slice) -> Table:
        """Return a margin of all runs on a part of the samples."""
        values = COMPARED[name](self.rows.part(part))
        return beyond(values, self.member[:, part], self._baselines(name))

    def _baselines(self, name: str) -> list[tuple[Some, Some]]:
        if name not in self._pairs:
            nowhere = np.asarray(~self.member.any(axis=0))
            of_run = partial(self.rows.run, held=nowhere)
            _, run_keys = keys_of_rows(
                lambda: (COMPARED[name](of_run(run))[0] for run in range(len(self.member))),
                samples=len(nowhere),
                seed=0,
            )
            self._pairs[name] = baselines(run_keys, self.member[:, ~nowhere])
        return self._pairs[name]

    def refuse_lacking(self, name: str) -> None:
        """Refuse samples that every run saw, with their numbers among all."""
        COMPARED[name](self.rows.part(slice(0, 1)))
        trained = self.member[:, self.member.any(axis=0)]
        if trained.all(axis=0).any():
            unseen = np.where(trained, np.nan, 0.0)
            excess_margin(np.zeros((1, trained.shape[1])), unseen)


def _margins(rows: _Rows, runs: Int64[np.ndarray, " voting"], name: str, beside: _Beside) -> Shelf:
    """Write the margins of the voting runs."""
    inside = rows.seen.member
    n = inside.shape[1]
    found = Shelf(rows.scratch / "margins", (len(runs), n))
    if MARGINS[name].needs_unseen:
        beside.refuse_lacking(name)
        for at in range(0, n, beside.shard):
            part = slice(at, min(at + beside.shard, n))
            for place, row in enumerate(beside.of(name, part)[runs]):
                found.put(place, row, at)
        return found
    held = np.asarray(~inside.any(axis=0))
    for place, run in enumerate(runs.tolist()):
        found.put(place, MARGINS[name].of(rows.run(run, held))[0])
    return found


def _mean_score(
    how: Vote,
    margin: Shelf,
    inside: Bool[np.ndarray, "voting samples"],
    valued: Bool[np.ndarray, " samples"],
) -> Float[np.ndarray, "1 valued"] | None:
    """Return the mean over a sample's own runs, added run by run: what a vote by scores reads."""
    if how.rule != "risk_score":
        return None
    total = np.zeros(int(valued.sum()))
    for run, here in enumerate(inside[:, valued]):
        total += np.where(here, margin.row(run)[valued], 0.0)
    return (total / inside[:, valued].sum(axis=0))[None]


def _parts(whole: Columns, margin: Shelf, beside: _Beside, shard: int) -> Iterator[dict[str, Any]]:
    """Yield the table's columns, a part of the samples at a time."""
    n = len(whole.valued)
    before = np.concatenate([[0], np.cumsum(whole.valued)])
    for at in range(0, n, shard):
        part = slice(at, min(at + shard, n))
        rows = np.full((len(whole.member), part.stop - at), np.nan)
        rows[whole.runs] = margin.part(part)
        own = slice(int(before[part.start]), int(before[part.stop]))
        yield columns(
            replace(
                whole,
                ids=whole.ids[part] or [str(place) for place in range(part.start, part.stop)],
                labels=None if whole.labels is None else whole.labels[part],
                member=whole.member[:, part],
                valued=whole.valued[part],
                called=whole.called[:, part],
                margin=rows,
                excess=beside.of("excess", part) if beside.comparable else None,
                ranks=whole.ranks[:, own],
                votes=_some(whole.votes, own),
                attacks={name: scores[part] for name, scores in whole.attacks.items()},
            )
        )


def _some(votes: Votes, part: slice) -> Votes:
    names = ("verdict", "safe_votes", "risky_votes", "runs", "mean_rank")
    return replace(votes, **{name: getattr(votes, name)[part] for name in names})
