"""Ours 1 and 4: the members that means hide - who is most exposed, and whom added fakes expose.

The paper reports averages. Attacks find some samples every time (Aerni et al. 2024), and added data
can expose one sample while it shields the next (Tramer et al. 2022).
"""

from collections.abc import Iterator, Mapping

import numpy as np

from pryproof.evaluation.migration import Migration, migration
from pryproof.evaluation.per_sample import QUANTILES, per_sample_tpr
from pryproof.evaluation.scored import scored
from pryproof.pipeline.results import estimate
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.compared import FPR, judged
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure2 import less
from pryproof.recipes.figure7 import CE, FAKES, MOVED
from pryproof.recipes.figure8 import CURVES
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sides import Sides, most_exposed
from pryproof.recipes.sizes import Size
from pryproof.records import Estimate
from pryproof.reporting.panels import Histogram, Table

TENTH, HUNDREDTH = 0.1, 0.01  # of the members: those that look most exposed in other runs
BINS = 40
ADDED = (FAKES, MOVED)  # rows whose change from CE is followed member by member
TITLES = {place.row: place.title for place in CURVES}


def _needs(size: Size, *more: str) -> dict[str, Need]:
    return {"base": judged(size.base, [place.row for place in CURVES], size, more=more)}


def tail(study: Opened, row: str, share: float = TENTH) -> Estimate:
    """Estimate how often LiRA finds a row's most exposed members at the headline's rate."""
    return most_exposed(study.lira(row), share=share, fpr=FPR)


def _by_member(sides: Sides) -> dict[str, Estimate]:
    """Estimate quantiles, over members, of the share of runs that find a member."""
    table = np.hstack(sides)
    inside = np.zeros(table.shape, dtype=bool)
    inside[:, : sides.members.shape[1]] = True
    found = per_sample_tpr(scored(table, inside), fpr=FPR, at_least=len(table))
    return found.quantiles


def _exposures(opened: Mapping[str, Opened]) -> Table:
    study, rows = opened["base"], []
    for place in CURVES:
        quantiles = _by_member(study.lira(place.row))
        rows.append(
            (
                place.title,
                (
                    study.attacks(place.row)["lira_tpr"],
                    tail(study, place.row),
                    tail(study, place.row, HUNDREDTH),
                    *(quantiles[name] for name in QUANTILES),
                ),
            )
        )
    names = ("all members", f"most exposed {TENTH:.0%}", f"most exposed {HUNDREDTH:.0%}")
    spread = tuple(
        "most found member" if name == "max" else f"member at {name}%" for name in QUANTILES
    )
    return Table(
        title=f"Share found by LiRA at {FPR:.0%} FPR, by which members",
        columns=(*names, *spread),
        rows=tuple(rows),
    )


def _tails(study: Opened) -> Iterator[Checked]:
    for row in (CE, MOVED):
        claim = Claim(
            name=f"mean-hides-{row.replace('_', '-')}",
            sentence=f"With {TITLES[row]} the most exposed tenth is found more often than most.",
            quantity="share found of the most exposed tenth less that of all members",
            side="above",
        )
        yield check(claim, less(tail(study, row), study.attacks(row)["lira_tpr"]))
    for row in ADDED:
        claim = Claim(
            name=f"most-exposed-shielded-{row.replace('_', '-')}",
            sentence=f"With {TITLES[row]} the most exposed tenth is found less than with CE.",
            quantity=f"share found of the most exposed tenth, {TITLES[row]} less CE",
            side="below",
        )
        yield check(claim, less(tail(study, row), tail(study, CE)))


def _read_exposed(opened: Mapping[str, Opened], size: Size) -> Figure:
    return Figure(
        panels=(_exposures(opened),),
        claims=tuple(_tails(opened["base"])),
        notes=(
            (
                f"{size.judged} runs of each row: the most exposed are chosen by all runs but the "
                "one that judges them. Quantiles over single members are wide at so few runs."
            ),
        ),
    )


def migrated(study: Opened, row: str) -> Migration:
    """Compare a row with CE, member by member, in LiRA's score (nats)."""
    before, after = study.lira(CE), study.lira(row)
    return migration(before.members, after.members, before.found(FPR), after.found(FPR))


SHARES = {
    "newly found": "exposed",
    "no longer found": "shielded",
    "either, between two runs of CE": "by_chance",
    "net change": "net",
    "raised twice out of two": "raised",
    "lowered twice out of two": "lowered",
    "change of the tenth raised most": "most_raised",
    "change of the tenth lowered most": "most_lowered",
}


def _migrations(found: Mapping[str, Migration]) -> tuple[Table, Histogram]:
    table = Table(
        title=f"Members from CE to another way of training, LiRA at {FPR:.0%} FPR",
        columns=tuple(SHARES),
        rows=tuple(
            (TITLES[row], tuple(getattr(own, name) for name in SHARES.values()))
            for row, own in found.items()
        ),
    )
    reach = max(float(np.abs(own.by_sample).max()) for own in found.values()) or 1.0
    edges = np.linspace(-reach, reach, BINS + 1)
    histogram = Histogram(
        title="Change of every member's score from CE",
        x_title="change of LiRA's score, mean over runs; above 0 = more exposed",
        y_title="members",
        edges=edges,
        series=tuple(
            (TITLES[row], np.histogram(own.by_sample, edges)[0].astype(np.int64))
            for row, own in found.items()
        ),
    )
    return table, histogram


NEAR = "nearness to a fake of another class"


def _near_other_class(study: Opened) -> dict[str, Estimate]:
    """Return by row how nearness to a fake of another class goes with a raised score."""
    findings = study.results["migrate"].facts["findings"]
    return {
        row: estimate(line["value"])
        for row in ADDED
        for line in findings
        if line["what"].startswith(NEAR) and line["what"].endswith(f" to {row}")
    }


def _read_migrated(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    study = opened["base"]
    found = {row: migrated(study, row) for row in ADDED}
    near = _near_other_class(study)
    links = Table(
        title="Rank correlation over members with the change of score",
        columns=(NEAR,),
        rows=tuple((TITLES[row], (near[row],)) for row in ADDED),
    )
    return Figure(
        panels=(*_migrations(found), links),
        claims=tuple(_of_migration(found, near)),
        notes=(
            (
                "By chance alone a quarter is raised twice out of two, and the tenths raised or "
                "lowered most change as all do."
            ),
        ),
    )


def _of_migration(
    found: Mapping[str, Migration], near: Mapping[str, Estimate]
) -> Iterator[Checked]:
    for row, own in found.items():
        name, words = row.replace("_", "-"), TITLES[row]
        fewer = Claim(
            name=f"net-shielded-{name}",
            sentence=f"From CE to {words} fewer members are newly found than no longer found.",
            quantity="share newly found less share no longer found",
            side="below",
        )
        some = Claim(
            name=f"some-exposed-{name}",
            sentence=f"From CE to {words} some members are exposed more, whatever the mean does.",
            quantity="change of score of the tenth raised most, in runs that did not choose it",
            side="above",
        )
        linked = Claim(
            name=f"near-fakes-expose-{name}",
            sentence=f"With {words} members near a fake of another class are exposed more.",
            quantity=f"rank correlation of change of score with {NEAR}",
            side="above",
        )
        yield check(fewer, own.net)
        yield check(some, own.most_raised)
        yield check(linked, near[row])


EXPOSED: dict[str, Recipe] = {
    "our1": Recipe(
        name="our1",
        title="The most exposed members",
        source="ours; Aerni et al. 2024",
        claims=2 + len(ADDED),
        needs=_needs,
        read=_read_exposed,
    ),
    "our4": Recipe(
        name="our4",
        title="Whom fakes shield, and whom they expose",
        source="ours; Tramer et al. 2022",
        claims=3 * len(ADDED),
        needs=lambda size: _needs(size, "migrate"),
        read=_read_migrated,
    ),
}
