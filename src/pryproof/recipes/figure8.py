"""Figure 8 of the paper: LiRA with and without fakes, its ROC on linear and logarithmic axes.

LiRA is offline here: its shadows repeat the row's whole road and saw none of the members (methods
A21, A22).
"""

from collections.abc import Mapping

from pryproof.recipes.compared import Order, Place, by_lira, judged, ordered
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure7 import CE, FAKES, MOVED, WORDS
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size
from pryproof.reporting.panels import Lines

CURVES = tuple(Place(study="base", row=row, words=WORDS[row]) for row in ("ce", CE, FAKES, MOVED))
BARE, PLAIN, WITH_FAKES, TRANSFORMED = CURVES


def _needs(size: Size) -> dict[str, Need]:
    return {"base": judged(size.base, [place.row for place in CURVES], size)}


def _roc(study: Opened, scale: str) -> Lines:
    curves = study.results["evaluate"].arrays
    return Lines(
        title=f"ROC of LiRA, {scale} axes",
        x_title="false positive rate",
        y_title="true positive rate",
        series=tuple(
            (place.title, curves["roc.fpr"], curves[f"roc.{place.row}"]) for place in CURVES
        ),
        scale="log" if scale == "logarithmic" else "linear",
        diagonal=True,
    )


NEAREST = tuple(
    Order(
        name=f"transformed-{short}-below-{name}",
        sentence=f"With fakes and transformed images {words} than with {higher.title}.",
        of=of,
        lower=TRANSFORMED,
        higher=higher,
    )
    for name, higher in (("reals-alone", PLAIN), ("fakes", WITH_FAKES))
    for of, short, words in (
        ("lira_auc", "auc", "the curve lies nearer to the diagonal"),
        ("lira_tpr", "tpr", "fewer members are found at a low false positive rate"),
    )
)
FAKES_HELP = tuple(
    Order(
        name=f"fakes-{short}-below-reals-alone",
        sentence=f"With fakes {words} than with CE.",
        of=of,
        lower=WITH_FAKES,
        higher=PLAIN,
    )
    for of, short, words in (
        ("lira_auc", "auc", "the curve lies nearer to the diagonal"),
        ("lira_tpr", "tpr", "fewer members are found at a low false positive rate"),
    )
)


def _read(opened: Mapping[str, Opened], size: Size) -> Figure:
    study = opened["base"]
    return Figure(
        panels=(_roc(study, "logarithmic"), _roc(study, "linear"), by_lira(opened, CURVES)),
        claims=tuple(ordered(opened, (*NEAREST, *FAKES_HELP), size)),
        notes=(
            (
                "The paper claims that the curve with fakes and transformed images comes nearer to "
                "the diagonal. All but the first curve are cropped and flipped alike."
            ),
            f"Every row has {size.shadows} shadow runs a fold, none of which saw a member.",
        ),
    )


FIGURE_8: dict[str, Recipe] = {
    "fig8": Recipe(
        name="fig8",
        title="LiRA with fakes and transformed images",
        source="Figure 8",
        claims=len(NEAREST) + len(FAKES_HELP),
        needs=_needs,
        read=_read,
    )
}
