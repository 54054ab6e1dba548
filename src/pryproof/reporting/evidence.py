"""The tables beside the comparison: verdicts, agreement, findings, self-test, cost of stages."""

from collections.abc import Sequence

from pryproof.records import Estimate
from pryproof.reporting.cells import (
    SIGNS,
    Cell,
    Column,
    Table,
    against,
    count,
    duration,
    measure,
    percent,
    share,
)
from pryproof.reporting.content import VERDICTS, CanaryRow, Content, Finding

OVERLAP_NOTE = (
    "Overlap: share of the images of a bin that all runs put there; higher means that the verdict "
    "is a property of the image, not of the run. Chance: what independent runs would reach. Never "
    "saw them: the same overlap for runs trained without these images, which difficulty explains."
)

CANARY_NOTE = (
    "Every training set holds all members and half of the canaries; runs of other pairs of sets "
    "say what one with and one without does. Rates are over pairs of canary and run, with one cut. "
    "A canary's own share is over the few sets that hold it, so its interval is wide."
)


def verdicts(content: Content) -> Table:
    """Count the images of each verdict, with their share."""
    rows = []
    for kind, counts in content.verdicts.items():
        total = sum(counts[verdict] for verdict in VERDICTS)
        rows.append(
            (
                Cell(text=kind.capitalize()),
                *(
                    Cell(
                        text=count(counts[verdict]), detail=percent(counts[verdict] / max(total, 1))
                    )
                    for verdict in VERDICTS
                ),
                Cell(text=count(total)),
            )
        )
    heads = (*(verdict.capitalize() for verdict in VERDICTS), "All")
    return Table(
        title="Images by verdict",
        columns=(Column(title="Images"), *(Column(title=head, number=True) for head in heads)),
        rows=tuple(rows),
    )


def overlaps(content: Content) -> Table:
    """Set the agreement of runs beside chance and beside runs that never saw the images."""
    return Table(
        title="Do repeated runs agree?",
        columns=(
            Column(title="Runs"),
            Column(title="Bin"),
            Column(title="Overlap", number=True),
            Column(title="Chance", number=True),
            Column(title="Never saw them", number=True),
            Column(title="Reading"),
        ),
        rows=tuple(
            (
                Cell(text=row.name),
                Cell(text=row.bin),
                share(row.ratio),
                Cell(text=percent(row.chance)),
                share(row.unseen),
                Cell(text=_reading(row.ratio, row.chance, row.unseen)),
            )
            for row in content.overlaps
        ),
        notes=(OVERLAP_NOTE,),
    )


def findings(
    found: Sequence[Finding], *, title: str = "Did each stage do its work?", of: str = "Stage"
) -> Table:
    """List what was measured of each stage, and whether it did its work."""
    return Table(
        title=title,
        columns=(
            Column(title=of),
            Column(title="What was checked"),
            Column(title="Found", number=True),
            Column(title="As hoped"),
            Column(title="What it means"),
        ),
        rows=tuple(
            (
                Cell(text=finding.stage),
                Cell(text=finding.what),
                measure(finding.value, finding.unit)
                if isinstance(finding.value, Estimate)
                else Cell(text=finding.value),
                _judged(good=finding.good),
                Cell(text=finding.meaning),
            )
            for finding in found
        ),
    )


def by_class(
    rows: Sequence[tuple[str, tuple[Estimate, ...]]],
    columns: Sequence[str],
    *,
    title: str = "Class by class",
) -> Table:
    """List the same measures for every class."""
    return Table(
        title=title,
        columns=(Column(title="Class"), *(Column(title=name, number=True) for name in columns)),
        rows=tuple((Cell(text=name), *(measure(found) for found in row)) for name, row in rows),
    )


def canaries(rows: Sequence[CanaryRow]) -> Table:
    """List what online LiRA finds of every kind of canary, defense by defense."""
    rates, shares = (list(rows[0].tpr), list(rows[0].by_canary)) if rows else ([], [])
    heads = [
        "Canaries",
        *(f"TPR at {float(rate):.1%} FPR" for rate in rates),
        "AUC",
        *("most found canary" if name == "max" else f"canary at {name}%" for name in shares),
    ]
    return Table(
        title="Canaries: what averages hide",
        columns=(
            Column(title="Defense"),
            Column(title="Kind"),
            *(Column(title=head, number=True) for head in heads),
        ),
        rows=tuple(
            (
                Cell(text=row.title),
                Cell(text=row.kind),
                Cell(text=count(row.canaries)),
                *(share(row.tpr[rate]) for rate in rates),
                measure(row.auc),
                *(share(row.by_canary[name]) for name in shares),
            )
            for row in rows
        ),
        notes=(CANARY_NOTE,),
    )


def self_test(content: Content) -> Table:
    """List the attacks on data where there is nothing to find."""
    return Table(
        title="The attacks, where there is nothing to find",
        columns=(
            Column(title="Defense"),
            Column(title="Attack"),
            Column(title="Measure"),
            Column(title="Found", number=True),
            Column(title="Chance", number=True),
            Column(title="Holds chance"),
        ),
        rows=tuple(
            (
                Cell(text=line.row),
                Cell(text=line.attack),
                Cell(text=line.metric),
                share(line.estimate),
                Cell(text=percent(line.chance)),
                _judged(good=_held(line.estimate, line.chance)),
            )
            for line in content.self_test
        ),
        notes=(f"Intervals at this level: {content.self_test_level}.",),
    )


def stages(content: Content) -> Table:
    """List what each stage of the study cost."""
    rows = [
        (
            Cell(text=stage.name),
            Cell(text=count(stage.tasks)),
            Cell(text=count(stage.reused)),
            Cell(text=duration(stage.seconds)),
            Cell(text=stage.note),
        )
        for stage in content.stages
    ]
    total = (
        Cell(text="All stages"),
        Cell(text=count(sum(stage.tasks for stage in content.stages))),
        Cell(text=count(sum(stage.reused for stage in content.stages))),
        Cell(text=duration(sum(stage.seconds for stage in content.stages))),
        Cell(text=""),
    )
    return Table(
        title="What each stage cost",
        columns=(
            Column(title="Stage"),
            Column(title="Tasks", number=True),
            Column(title="Reused", number=True),
            Column(title="Compute", number=True),
            Column(title="Note"),
        ),
        rows=(*rows, total),
        notes=(
            "Compute is the sum of the seconds of all tasks. Reused tasks were found finished.",
        ),
    )


def _judged(*, good: bool | None) -> Cell:
    sign = {True: "yes", False: "no", None: "open"}[good]
    return Cell(text=SIGNS[sign][1], signs=(sign,))


def _held(estimate: Estimate, chance: float) -> bool | None:
    place = against(estimate, chance)
    return place == "within" if place else None


def _reading(ratio: Estimate, chance: float, unseen: Estimate) -> str:
    """Say in words what an overlap shows beyond chance and beyond difficulty."""
    place, difficulty = against(ratio, chance), against(unseen, chance)
    if not place:
        return "not measured"
    if place != "above":
        return "no agreement beyond chance is shown"
    if not difficulty:
        return "above chance; difficulty was not measured"
    if ratio.low > unseen.high:
        return "above chance, and above what difficulty explains"
    return "above chance, but difficulty may explain it"
