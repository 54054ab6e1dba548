"""Figure 9 of the paper: what generated images alone are worth, however many, and beside reals."""

from collections.abc import Mapping

from pryproof.evaluation.arms import difference
from pryproof.recipes.claims import Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, changed, with_rows
from pryproof.reporting.panels import Bars

MULTIPLES = (1, 2, 4)  # of the members (methods A35); the last is the paper's "much more"
ALONE, REAL, BOTH = "fakes_alone", "ce_crop_flip", "fakes"
ACCEPTABLE = 0.05  # test accuracy that reals with fakes may lose on reals alone; the bar is ours
POOR = 0.5  # of the reals' test accuracy: what "very poor" is held to mean; ours too


def _needs(size: Size) -> dict[str, Need]:
    found = {}
    for multiple in MULTIPLES:
        rows = {ALONE: size.judged}
        if multiple == 1:
            rows |= {REAL: size.judged, BOTH: size.judged}
        settings = changed(size.base, f"generate.amount={multiple}")
        found[f"{multiple}x"] = Need(settings=with_rows(settings, rows, size.judged), rows=rows)
    return found


def _read(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    bars = {f"{multiple}x generated": (f"{multiple}x", ALONE) for multiple in MULTIPLES}
    bars |= {"real": ("1x", REAL), "real and 1x generated": ("1x", BOTH)}
    panel = Bars(
        title="Test accuracy by what is trained on",
        y_title="share classified rightly",
        groups=tuple(bars),
        series=(
            (
                "test",
                tuple(opened[study].accuracy(row, "evaluation") for study, row in bars.values()),
            ),
        ),
    )
    tables = {title: opened[study].right(row, "evaluation") for title, (study, row) in bars.items()}
    most, real, both = f"{MULTIPLES[-1]}x generated", "real", "real and 1x generated"
    checked = (
        check(WORSE, difference(tables[real], tables[most])),
        check(VERY_POOR, difference(POOR * tables[real], tables[most])),
        check(USABLE, difference(tables[real], tables[both])),
        check(BETTER, difference(tables[most], tables[both])),
    )
    return Figure(panels=(panel,), claims=checked, notes=NOTES)


WORSE = Claim(
    name="generated-alone-worse",
    sentence="Generated images alone generalise worse than reals, even many times as many.",
    quantity=f"test accuracy of {MULTIPLES[-1]}x generated less that of reals",
    side="below",
)
VERY_POOR = Claim(
    name="generated-alone-very-poor",
    sentence="Generated images alone generalise very poorly.",
    quantity=f"test accuracy of {MULTIPLES[-1]}x generated less half of that of reals",
    side="below",
)
USABLE = Claim(
    name="generated-beside-reals-acceptable",
    sentence="Reals and generated images together generalise acceptably.",
    quantity="test accuracy of reals with generated less that of reals",
    side="above",
    bar=-ACCEPTABLE,
)
BETTER = Claim(
    name="generated-beside-reals-better",
    sentence="Reals and generated images together do better than generated ones alone.",
    quantity=f"test accuracy of reals with generated less that of {MULTIPLES[-1]}x generated",
    side="above",
)
NOTES = (
    (
        f"The paper names no numbers: very poor is held to mean less than {POOR:.0%} of the reals' "
        f"test accuracy, acceptable a loss of at most {ACCEPTABLE:.0%}."
    ),
    "All are cropped and flipped alike, for as many epochs.",
)

FIGURE_9: dict[str, Recipe] = {
    "fig9": Recipe(
        name="fig9",
        title="Training on generated images",
        source="Figure 9",
        claims=4,
        needs=_needs,
        read=_read,
    )
}
