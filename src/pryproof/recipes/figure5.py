"""Figure 5 of the paper: whether to augment reals and fakes alike, only one of them, or none."""

from collections.abc import Mapping

from pryproof.evaluation.arms import difference
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, changed, with_rows
from pryproof.reporting.panels import Bars

TRANSFORMED = "fakes_transformed"
BOTH = "both"
ARMS: dict[str, tuple[str, str]] = {  # which are augmented -> row, how the paper's claim names it
    "none": (f"{TRANSFORMED}@augment_none", "augmenting neither"),
    "real": (f"{TRANSFORMED}@augment_real", "augmenting reals only"),
    "fake": (f"{TRANSFORMED}@augment_fake", "augmenting fakes only"),
    BOTH: (TRANSFORMED, "augmenting both"),
}


def _needs(size: Size) -> dict[str, Need]:
    rows = {row: size.judged for row, _ in ARMS.values()}
    base = changed(size.base, f"value.runs={size.ensemble}")
    return {"base": Need(settings=with_rows(base, rows, size.judged), rows=rows)}


def _read(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    study = opened["base"]
    panel = Bars(
        title="Accuracy by which images are cropped and flipped",
        y_title="share classified rightly",
        groups=tuple(words for _, words in ARMS.values()),
        series=tuple(
            (title, tuple(study.accuracy(row, part) for row, _ in ARMS.values()))
            for title, part in (("test", "evaluation"), ("original members", "members"))
        ),
    )
    return Figure(
        panels=(panel,),
        claims=tuple(_both_is_best(study, other) for other in ARMS if other != BOTH),
        notes=(
            (
                "Trained on the protected set: reals and fakes, those that needed it transformed; "
                "crop/flip on a real covers transformed reals."
            ),
        ),
    )


def _both_is_best(study: Opened, other: str) -> Checked:
    row, words = ARMS[other]
    claim = Claim(
        name=f"both-above-{other}",
        sentence=f"Augmenting reals and fakes alike gives a higher test accuracy than {words}.",
        quantity="difference of test accuracy",
        side="above",
    )
    found = difference(study.right(row, "evaluation"), study.right(ARMS[BOTH][0], "evaluation"))
    return check(claim, found)


FIGURE_5: dict[str, Recipe] = {
    "fig5": Recipe(
        name="fig5",
        title="Augmentation of reals and fakes",
        source="Figure 5",
        claims=3,
        needs=_needs,
        read=_read,
    )
}
