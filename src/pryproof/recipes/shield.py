"""Ours 5: the best shield of a declared grid, chosen on one split and judged on another.

The grid crosses how members are valued and moved (as in the paper; or by excess margins, with a
transform that is told the label) with what trains on the protected set (cross entropy; RelaxLoss),
and has HAMP on the paper's. HAMP alone is a baseline too. All are cropped and flipped. The best of
several looks too good on the images that chose it: so the second split has another seed for
everything, and of it only images are judged that the first did not use in any part.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from pryproof.evaluation.arms import difference
from pryproof.evaluation.estimates import auc_estimate, mean_accuracy
from pryproof.pipeline.settings import Settings
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.compared import FPR, SEED, judged
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure7 import CE, MOVED
from pryproof.recipes.frontier import ACCEPTABLE, EARLY, part_of
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sides import Sides, auc_change, tpr_change
from pryproof.recipes.sizes import Size, changed
from pryproof.reporting.panels import Table

TUNED, JUDGED = "tuned", "judged"
SEEDS = {TUNED: 1, JUDGED: 2}  # added to the size's own
HELD, MASKED = "relax_loss_transformed", "hamp_transformed"
VALUED: dict[str, tuple[str, ...]] = {  # how members are valued and moved -> settings
    "plain": (),
    "excess": ("value.margin=excess", "transform.conditional=true"),
}
NONE = (
    f"No candidate stayed within {ACCEPTABLE:.0%} of crop/flip's accuracy on the split that "
    "chooses: nobody would use one. The safest is judged all the same."
)
BASELINES = {CE: "CE with crop/flip", EARLY: "early stopping", "hamp": "HAMP"}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One cell of the grid: how members are valued and moved, and what trains on the result."""

    valued: str
    row: str
    title: str


GRID: tuple[Candidate, ...] = (
    Candidate(valued="plain", row=MOVED, title="as in the paper"),
    Candidate(valued="plain", row=HELD, title="RelaxLoss"),
    Candidate(valued="excess", row=MOVED, title="excess margin, conditional transform"),
    Candidate(valued="excess", row=HELD, title="excess margin, conditional transform, RelaxLoss"),
    Candidate(valued="plain", row=MASKED, title="as in the paper, HAMP"),
)


def _settings(size: Size, split: str, valued: str) -> Settings:
    data = size.base.data
    return changed(
        size.base,
        f"seed={size.base.seed + SEEDS[split]}",
        f"data.members={part_of(data.members)}",
        f"data.evaluation={part_of(data.evaluation)}",
        *VALUED[valued],
    )


def _study(split: str, valued: str) -> str:
    return f"{split}-{valued}"


def _needs(size: Size) -> dict[str, Need]:
    found = {}
    for split in SEEDS:
        for valued in VALUED:
            rows = [each.row for each in GRID if each.valued == valued]
            rows = [*BASELINES, *rows] if valued == "plain" else rows
            found[_study(split, valued)] = judged(_settings(size, split, valued), rows, size)
    return found


def chosen(opened: Mapping[str, Opened]) -> Candidate:
    """Return the candidate that the tuning split finds safest.

    That is the least AUC of LiRA among those whose test accuracy lies within ACCEPTABLE of that of
    crop/flip alone; among all, if there is none. The first of equals is taken.
    """
    found = {each: opened[_study(TUNED, each.valued)] for each in accurate(opened) or GRID}
    return min(found, key=lambda each: float(found[each].lira(each.row).aucs().mean()))


def accurate(opened: Mapping[str, Opened]) -> tuple[Candidate, ...]:
    """Return the candidates whose accuracy on the tuning split lies near that of crop/flip."""
    least = opened[_study(TUNED, "plain")].accuracy(CE, "evaluation").value - ACCEPTABLE
    return tuple(
        each
        for each in GRID
        if opened[_study(TUNED, each.valued)].accuracy(each.row, "evaluation").value >= least
    )


def untouched(opened: Mapping[str, Opened], part: str) -> Bool[np.ndarray, " samples"]:
    """Say which images of a part of the judging split the tuning split did not use at all."""
    used = opened[_study(TUNED, "plain")].data
    touched = {
        name for place in used.parts.values() for name in used.ids[place]
    }  # of every part: members, shadows, outside, evaluation
    data = opened[_study(JUDGED, "plain")].data
    return np.array([name not in touched for name in data.ids[data.parts[part]]], dtype=bool)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the judging split says of one row, on untouched images alone."""

    title: str
    scores: Sides
    right: np.ndarray


def _judged(opened: Mapping[str, Opened], best: Candidate) -> dict[str, Verdict]:
    kept = [untouched(opened, part) for part in ("members", "evaluation")]
    places = {"best": (best.valued, best.row, best.title)}
    places |= {row: ("plain", row, words) for row, words in BASELINES.items()}
    found = {}
    for name, (valued, row, title) in places.items():
        study = opened[_study(JUDGED, valued)]
        scores = study.lira(row)
        found[name] = Verdict(
            title=title,
            scores=Sides(scores.members[:, kept[0]], scores.others[:, kept[1]]),
            right=study.right(row, "evaluation")[:, kept[1]],
        )
    return found


def _beats(own: Verdict, other: Verdict, name: str) -> list[Checked]:
    less = Claim(
        name=f"safer-than-{name}",
        sentence=f"The shield chosen is safer than {other.title} alone.",
        quantity=f"AUC of LiRA, {own.title} less {other.title}",
        side="below",
    )
    fewer = Claim(
        name=f"found-less-than-{name}",
        sentence=f"It leaves fewer members found at {FPR:.0%} FPR than {other.title} alone.",
        quantity=f"TPR of LiRA at {FPR:.0%} FPR, {own.title} less {other.title}",
        side="below",
    )
    accurate = Claim(
        name=f"as-accurate-as-{name}",
        sentence=f"It costs at most {ACCEPTABLE:.0%} of the test accuracy of {other.title}.",
        quantity=f"test accuracy, {own.title} less {other.title}",
        side="above",
        bar=-ACCEPTABLE,
    )
    return [
        check(less, auc_change(other.scores, own.scores)),
        check(fewer, tpr_change(other.scores, own.scores, fpr=FPR, seed=SEED)),
        check(accurate, difference(other.right, own.right)),
    ]


def _grid(opened: Mapping[str, Opened], best: Candidate) -> Table:
    rows = []
    for each in GRID:
        study = opened[_study(TUNED, each.valued)]
        cells = (
            study.attacks(each.row)["lira_auc"],
            study.accuracy(each.row, "evaluation"),
            "chosen" if each == best else "",
        )
        rows.append((each.title, cells))
    plain = opened[_study(TUNED, "plain")]
    for row, words in BASELINES.items():
        cells = (plain.attacks(row)["lira_auc"], plain.accuracy(row, "evaluation"), "baseline")
        rows.append((words, cells))
    return Table(
        title="The grid, on the split that chooses",
        columns=("AUC of LiRA", "test accuracy", "role"),
        rows=tuple(rows),
    )


def _verdicts(found: Mapping[str, Verdict]) -> Table:
    return Table(
        title="The shield chosen, on images the choice never used",
        columns=("AUC of LiRA", "test accuracy"),
        rows=tuple(
            (
                each.title,
                (
                    auc_estimate(each.scores.members, each.scores.others),
                    mean_accuracy(each.right),
                ),
            )
            for each in found.values()
        ),
    )


def _read(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    best = chosen(opened)
    found = _judged(opened, best)
    claims = [
        each
        for row in BASELINES
        for each in _beats(found["best"], found[row], row.replace("_", "-"))
    ]
    none = () if accurate(opened) else (NONE,)
    kept = {name: int(untouched(opened, name).sum()) for name in ("members", "evaluation")}
    return Figure(
        panels=(_grid(opened, best), _verdicts(found)),
        claims=tuple(claims),
        notes=(
            *none,
            (
                f"Chosen of {len(GRID)}: {best.title}. Judged by another seed on "
                f"{kept['members']} members and {kept['evaluation']} others that the choice "
                "did not use in any part."
            ),
            "Both splits take three fifths of the size's members and test images.",
        ),
    )


SHIELD: dict[str, Recipe] = {
    "our5": Recipe(
        name="our5",
        title="The best shield",
        source="ours",
        claims=3 * len(BASELINES),
        needs=_needs,
        read=_read,
    )
}
