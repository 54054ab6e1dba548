"""migrate: whom added fakes shield, and whom they expose, told sample by sample.

Fakes that lie near a member and carry another label can make it an outlier of its own class, and
raise its exposure (Tramer et al. 2022). An average hides it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np
from jaxtyping import Bool, Float64

from pryproof.distances.nearest import nearest
from pryproof.evaluation.migration import Migration, migration
from pryproof.evaluation.roc import last_step, steps, threshold
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.task import CONTROL
from pryproof.records import Estimate
from pryproof.reporting.content import Finding
from pryproof.store.workspace import Stored
from pryproof.valuation.comparison import rank_correlation

FPR = 0.01
Scores = Float64[np.ndarray, "runs samples"]


def migrate(call: Call) -> Result:
    """Compare every row with fakes with the same training without; changes by sample as arrays."""
    data = Loaded.of(call.inputs["load"])
    lines: list[Finding] = []
    arrays: dict[str, np.ndarray] = {}
    for row in call.settings["rows"]:
        found = _migrated(call.inputs["evaluate"], data, row)
        arrays[f"change.{row}"] = found.by_sample
        lines += _migration_lines(row, found)
        lines += _links(call, data, row, found)
        call.progress(len(arrays) / len(call.settings["rows"]), row)
    return Result(arrays, {"findings": [asdict(line) for line in lines]})


def _found(scores: Scores, members: int) -> Bool[np.ndarray, "runs members"]:
    """Say which members lie above their run's cut: at most 1% of evaluation images do."""
    called = []
    for run in scores:
        counts = steps(run[:members], run[members:])
        allowed = int(len(run[members:]) * FPR + 1e-6)  # below 100 images none: never above 1%
        called.append(run[:members] >= threshold(counts, last_step(counts, allowed)))
    return np.stack(called)


def _migrated(evaluated: Stored, data: Loaded, row: str) -> Migration:
    size = data.size("members")
    tables = [evaluated.arrays[f"lira.{name}"] for name in (CONTROL, row)]
    found = [_found(table, size) for table in tables]
    return migration(tables[0][:, :size], tables[1][:, :size], *found)


def _migration_lines(row: str, found: Migration) -> Iterator[Finding]:
    against = f"{CONTROL} to {row}"
    yield Finding(
        stage="evaluate",
        what=f"members newly found by LiRA at 1% FPR, {against}",
        value=found.exposed,
        good=None,
        meaning=f"{found.shielded} were found and are no longer; between two runs of {CONTROL} "
        f"{found.by_chance} change either way. Net change {_signed(found.net)}.",
        unit="%",
    )
    yield Finding(
        stage="evaluate",
        what=f"members whose score rises twice out of two, {against}",
        value=found.raised,
        good=None,
        meaning=f"{found.lowered} fall twice; 25% each if only chance is at work. The tenth that "
        f"rises most gains {found.most_raised} standard deviations in runs that did not choose "
        f"it, the tenth that falls most {found.most_lowered}.",
        unit="%",
    )


def _signed(found: Estimate) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _links(call: Call, data: Loaded, row: str, found: Migration) -> Iterator[Finding]:
    """Ask whether the nearest fake, of another class or the own, has to do with the change."""
    made = call.inputs["generate"].arrays
    members = data.parts["members"]
    for other, word in ((True, "another class"), (False, "its own class")):
        distance = _to_fakes(data, members, made, other=other)
        link = rank_correlation(found.by_sample, -distance)
        yield Finding(
            stage="evaluate",
            what=f"nearness to a fake of {word} against change of score, {CONTROL} to {row}",
            value=link,
            good=None,
            meaning="Spearman's correlation over members, pixels: above 0, near fakes go with "
            "raised scores; 0 = unrelated.",
        )


def _to_fakes(
    data: Loaded, members: slice, made: Mapping[str, np.ndarray], *, other: bool
) -> Float64[np.ndarray, " members"]:
    labels = data.labels[members]
    images = data.images[members].reshape(len(labels), -1)
    fakes = made["fakes"].reshape(len(made["fakes"]), -1)
    distance = np.full(len(labels), np.inf)
    for label in np.unique(labels):
        own = labels == label
        among = (made["fakes_labels"] != label) == other
        if among.any():
            distance[own] = nearest(images[own], fakes[among]).distance[:, 0]
    return distance
