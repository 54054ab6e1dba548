"""Ours 6: canaries - what averages over ordinary images hide (Aerni et al. 2024).

All rows train on three fifths of the size's members, always all of them, and on half of the
canaries: clean, mislabelled, near-duplicates of members, atypical. Every half has its own road.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pryproof.data.canaries import KINDS
from pryproof.pipeline.canary_lira import ALL, FPRS, HEADLINE
from pryproof.pipeline.canary_rows import SHARES
from pryproof.pipeline.results import estimate
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.compared import Place
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure2 import less
from pryproof.recipes.figure7 import CE, MOVED, RELAXED
from pryproof.recipes.frontier import part_of
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, changed
from pryproof.records import Estimate
from pryproof.reporting.panels import Bars, Table

STUDY, STEP = "halves", "canaries"
PLAIN = "ce"
ROWS = (PLAIN, CE, RELAXED, MOVED)
CLEAN, WRONG = "clean", "mislabelled"
WORDS = dict(zip(KINDS, ("clean", "mislabelled", "near-duplicates", "atypical"), strict=True))

Found = Mapping[str, Any]  # what the step says of one row


def _needs(size: Size) -> dict[str, Need]:
    rows = ",".join(f'"{row}"' for row in ROWS)
    settings = changed(
        size.base,
        f"data.members={part_of(size.base.data.members)}",
        f"canaries.halves={size.halves}",
        f"canaries.rows=[{rows}]",
        *(f"canaries.{kind}={size.canaries}" for kind in KINDS),
    )
    return {STUDY: Need(settings=settings, tasks=(STEP,))}


def _title(row: str) -> str:
    return Place(study=STUDY, row=row).title


def _tpr(found: Found, kind: str, fpr: float = HEADLINE) -> Estimate:
    return estimate(found["kinds"][kind]["tpr"][str(fpr)])


def _strongest(found: Found) -> Estimate:
    return estimate(found["strongest"]["tpr"])


def _by_kind(rows: Mapping[str, Found]) -> Bars:
    return Bars(
        title=f"Canaries found by online LiRA at {HEADLINE:.0%} FPR, by kind",
        y_title="share of pairs of canary and run",
        groups=tuple(_title(row) for row in rows),
        series=tuple(
            (words, tuple(_tpr(found, kind) for found in rows.values()))
            for kind, words in WORDS.items()
        ),
        chance=HEADLINE,
    )


def _strongest_kinds(rows: Mapping[str, Found]) -> Table:
    return Table(
        title="The kind found most, beside clean canaries and accuracy",
        columns=(
            "kind found most",
            f"its TPR at {HEADLINE:.0%} FPR",
            f"clean, {HEADLINE:.0%} FPR",
            "AUC of all",
            "AUC dealt anew",
            "test accuracy",
        ),
        rows=tuple(
            (
                _title(row),
                (
                    WORDS.get(found["strongest"]["kind"], "not estimable"),
                    _strongest(found),
                    _tpr(found, CLEAN),
                    estimate(found["kinds"][ALL]["auc"]),
                    estimate(found["null_auc"]),
                    estimate(found["test_accuracy"]),
                ),
            )
            for row, found in rows.items()
        ),
    )


def _every_rate(rows: Mapping[str, Found]) -> Table:
    """List every kind's rates, its AUC, and how often single canaries of it are found."""
    cells = []
    for row, found in rows.items():
        for kind, words in {**WORDS, ALL: "all"}.items():
            own = found["kinds"][kind]
            rates = tuple(_tpr(found, kind, fpr) for fpr in FPRS)
            by_canary = tuple(estimate(own["by_canary"][name]) for name in SHARES)
            cells.append((f"{_title(row)}: {words}", (*rates, estimate(own["auc"]), *by_canary)))
    columns = (
        *(f"TPR at {fpr:.1%} FPR" for fpr in FPRS),
        "AUC",
        *("most found canary" if name == "max" else f"canary at {name}%" for name in SHARES),
    )
    return Table(title="Every kind of canary", columns=columns, rows=tuple(cells))


def _claims(rows: Mapping[str, Found]) -> Iterator[Checked]:
    rate = f"TPR of LiRA at {HEADLINE:.0%} FPR"
    wrong = Claim(
        name="mislabelled-above-clean-ce",
        sentence=f"With {_title(PLAIN)} mislabelled canaries are found more than clean ones.",
        quantity=f"{rate}, mislabelled less clean canaries",
        side="above",
    )
    yield check(wrong, less(_tpr(rows[PLAIN], WRONG), _tpr(rows[PLAIN], CLEAN)))
    shielded = Claim(
        name="strongest-kind-shielded",
        sentence=f"With {_title(MOVED)} the kind found most is found less than that of "
        f"{_title(CE)}.",
        quantity=f"{rate} of the kind found most, {_title(MOVED)} less {_title(CE)}",
        side="below",
    )
    yield check(shielded, less(_strongest(rows[MOVED]), _strongest(rows[CE])))
    for row, found in rows.items():
        hidden = Claim(
            name=f"clean-hides-strongest-{row.replace('_', '-')}",
            sentence=f"With {_title(row)} some kind of canary is found more than clean ones.",
            quantity=f"{rate}, the kind found most less clean canaries",
            side="above",
        )
        yield check(hidden, less(_strongest(found), _tpr(found, CLEAN)))


def _read(opened: Mapping[str, Opened], size: Size) -> Figure:
    facts = opened[STUDY].results[STEP].facts
    rows = {found["name"]: found for found in facts["rows"]}
    said = sorted({found["note"] for found in rows.values()} - {""})
    return Figure(
        panels=(_by_kind(rows), _strongest_kinds(rows), _every_rate(rows)),
        claims=tuple(_claims(rows)),
        notes=(
            (
                f"{size.canaries} canaries of each kind, each in half of {size.halves} training "
                "sets that all hold every member. A run is judged by runs of other pairs of sets."
            ),
            (
                "Rates are over pairs of canary and run, with one cut; intervals know that pairs "
                "of one canary, or of one set, are no trials of their own. That of the kind found "
                "most pays for its having been chosen."
            ),
            *said,
        ),
    )


CANARIES: dict[str, Recipe] = {
    "our6": Recipe(
        name="our6",
        title="Canaries: what averages hide",
        source="ours; Aerni et al. 2024",
        claims=2 + len(ROWS),
        needs=_needs,
        read=_read,
    ),
}
