"""The comparison of defenses: what a column means, what beats chance, what may be called best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pryproof.records import Estimate
from pryproof.reporting.cells import Cell, Column, Table, against, count, duration, share, strip
from pryproof.reporting.content import VERDICTS, Row


@dataclass(frozen=True, kw_only=True)
class Attack:
    """An attack's column: its name and metric, what a guess scores, what it measures."""

    title: str
    chance: float
    explanation: str


ATTACKS = {
    "lira_tpr": Attack(
        title="lira/offline TPR at 1% FPR",
        chance=0.01,
        explanation="Share of the training images that the likelihood-ratio attack "
        "recognises while it wrongly accuses 1% of the other images. The headline: it speaks of "
        "the most exposed images. Lower is more private; a guess finds 1%.",
    ),
    "lira_auc": Attack(
        title="lira/offline AUC",
        chance=0.5,
        explanation="Chance that the same attack ranks a training image above another image, "
        "averaged over all images. Lower is more private; a guess scores 50%.",
    ),
    "modified_entropy": Attack(
        title="modified_entropy",
        chance=0.5,
        explanation="Share of right answers, members and others counting alike, of a threshold on "
        "modified entropy, which knows the true label. Lower is more private; a guess is right "
        "in 50%.",
    ),
    "entropy": Attack(
        title="entropy",
        chance=0.5,
        explanation="The same for a threshold on how spread the answer is, without the label. "
        "Lower is more private; a guess is right in 50%.",
    ),
    "confidence": Attack(
        title="confidence",
        chance=0.5,
        explanation="The same for a threshold on the probability given to the true label. "
        "Lower is more private; a guess is right in 50%.",
    ),
    "correctness": Attack(
        title="correctness",
        chance=0.5,
        explanation="The same for the simplest rule: call an image a member when it is classified "
        "correctly. Lower is more private; a guess is right in 50%.",
    ),
}

TEST = "Share of held-out images classified correctly: what the model is worth. Higher is better."
TRAIN = (
    "Share of its own training images classified correctly. Far above the test accuracy means that "
    "the model knows its images by heart; no direction is better."
)
NOTES = (
    "Brackets hold the interval, in percent.",
    "▲ The whole interval lies above chance: the attack finds members.",
    "▼ The whole interval lies below chance.",
    "○ The interval holds chance: a leak is not shown at this size, nor is its absence.",
    "★ Best of the column: its interval overlaps that of no other estimable row.",
    "No star: the data cannot tell the leaders apart.",
    "Read privacy and accuracy together: a model that learned nothing leaks nothing.",
)
VERDICT_NOTE = (
    "LiRA TPR at 1% FPR among the training images of each verdict; lower is more private, a guess "
    "finds 1%. If the verdicts mean anything, the numbers rise from safe to risky."
)
COST_NOTE = (
    "Epochs and steps are those of one released model. Compute is the sum of the seconds of all "
    "its tasks, not the time on the clock."
)


def comparison(rows: Sequence[Row]) -> Table:
    """Build the table of accuracies and attacks, one row a defense."""
    tests, trains = [row.test_accuracy for row in rows], [row.train_accuracy for row in rows]
    heads = [_column("Test accuracy", tests, TEST)]
    cells = [_starred([share(test) for test in tests], best(tests, higher=True))]
    for key, attack in ATTACKS.items():
        found = [_attack(row, key) for row in rows]
        heads.append(_column(attack.title, found, attack.explanation))
        leaks = [_leak(estimate, attack.chance) for estimate in found]
        cells.append(_starred(leaks, best(found, higher=False)))
    heads.append(_column("Train accuracy", trains, TRAIN))
    cells.append([share(train) for train in trains])
    return Table(
        title="Accuracy and attacks, defense by defense",
        columns=(Column(title="Defense"), *heads),
        rows=tuple(
            (_head(place, row), *(column[place] for column in cells))
            for place, row in enumerate(rows)
        ),
        notes=NOTES,
    )


def by_verdict(rows: Sequence[Row]) -> Table:
    """Build the table of LiRA TPR at 1% FPR among safe, vague and risky members."""
    chance = ATTACKS["lira_tpr"].chance
    columns = {verdict: [row.by_verdict[verdict] for row in rows] for verdict in VERDICTS}
    return Table(
        title="Are the risky images really the exposed ones?",
        columns=(
            Column(title="Defense"),
            *(_column(f"Voted {verdict}", estimates) for verdict, estimates in columns.items()),
        ),
        rows=tuple(
            (
                replace(_head(place, row), detail=""),
                *(_leak(estimates[place], chance) for estimates in columns.values()),
            )
            for place, row in enumerate(rows)
        ),
        notes=(VERDICT_NOTE,),
    )


def cost(rows: Sequence[Row]) -> Table:
    """Build the table of what each defense cost to train."""
    return Table(
        title="What each defense cost",
        columns=(
            Column(title="Defense"),
            *(
                Column(title=title, number=True)
                for title in ("Runs", "Shadow runs", "Epochs", "Steps", "Compute")
            ),
        ),
        rows=tuple(
            (
                replace(_head(place, row), detail=""),
                Cell(text=count(row.runs)),
                Cell(text=count(row.shadows)),
                Cell(text=f"{row.epochs:g}"),
                Cell(text=count(row.steps)),
                Cell(text=duration(row.seconds)),
            )
            for place, row in enumerate(rows)
        ),
        notes=(COST_NOTE,),
    )


def best(estimates: Sequence[Estimate], *, higher: bool) -> int | None:
    """Find the one estimate whose interval beats every other without overlap, or None.

    >>> far, near = (Estimate(value=v, low=v - 0.1, high=v + 0.1, n=50) for v in (0.9, 0.4))
    >>> best([far, near], higher=True), best([near, near], higher=True)
    (0, None)
    """
    sign = 1 if higher else -1
    spans = {
        place: tuple(sorted((sign * estimate.low, sign * estimate.high)))
        for place, estimate in enumerate(estimates)
        if not math.isnan(estimate.low + estimate.value + estimate.high)
    }
    if len(spans) < 2:
        return None
    first = max(spans, key=lambda place: spans[place][0])
    beaten = all(high < spans[first][0] for place, (_, high) in spans.items() if place != first)
    return first if beaten else None


def _attack(row: Row, key: str) -> Estimate:
    if row.attacks.keys() != ATTACKS.keys():
        raise ValueError(
            f"row {row.name!r} must have the attacks {sorted(ATTACKS)}, got {sorted(row.attacks)}. "
            "Give an attack that was not run as an Estimate of NaN, with the reason as its method."
        )
    return row.attacks[key]


def _column(title: str, estimates: Sequence[Estimate], explanation: str = "") -> Column:
    return Column(title=title, note=_basis(estimates), explanation=explanation, number=True)


def _starred(cells: list[Cell], winner: int | None) -> list[Cell]:
    return [
        replace(cell, signs=(*cell.signs, "best")) if place == winner else cell
        for place, cell in enumerate(cells)
    ]


def _leak(estimate: Estimate, chance: float) -> Cell:
    mark = against(estimate, chance)
    bar = strip(estimate, chance) if chance < 0.1 else None
    return share(estimate, signs=(mark,) if mark else (), strip=bar)


def _head(place: int, row: Row) -> Cell:
    return Cell(text=row.title, detail=row.note, badge=place + 1)


def _basis(estimates: Sequence[Estimate]) -> str:
    """Say on how many samples and runs a column rests, as a range where its rows differ."""
    measured = [estimate for estimate in estimates if not math.isnan(estimate.value)]
    if not measured:
        return ""
    runs = _range([estimate.runs for estimate in measured])
    plural = "run" if runs == "1" else "runs"
    return f"n = {_range([estimate.n for estimate in measured])}, {runs} {plural}"


def _range(numbers: Sequence[int]) -> str:
    low, high = count(min(numbers)), count(max(numbers))
    return low if low == high else f"{low} to {high}"
