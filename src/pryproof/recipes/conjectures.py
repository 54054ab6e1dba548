"""The two conjectures of the paper's section 3.1, asked of the runs of Figure 1 as a whole.

i: an excessive quantity of samples forces a model to memorise only some of them. The more distinct
images, the lower should R and the accuracy on the originals be, on the members all quantities
share; copies of the same images are no further quantity.

ii: a sample with minor changes is a new one to the model. A model that fits one changed copy of
each should know the originals hardly better than images it never saw.
"""

from collections.abc import Mapping
from functools import reduce

import numpy as np
from jaxtyping import Float

from pryproof.evaluation.arms import contrast, difference
from pryproof.evaluation.estimates import mean_accuracy
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure1 import (
    FAKES,
    FAKES_4X,
    FULL,
    HALF,
    STATIC,
    STATIC_8X,
    VARIANTS,
)
from pryproof.recipes.memorisation import Arm
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, with_rows
from pryproof.recipes.table2 import over_runs
from pryproof.reporting.panels import Bars

DISTINCT: dict[float, Arm] = {0.5: HALF, 1.0: FULL, 2.0: FAKES, 4.0: FAKES_4X}
QUANTITY = "change with every doubling of the distinct images"

Tables = Mapping[str, Float[np.ndarray, "runs shared"]]


def _needs(size: Size, arms: tuple[Arm, ...]) -> dict[str, Need]:
    rows: dict[str, dict[str, int]] = {}
    for arm in arms:
        rows.setdefault(arm.study, {})[arm.row] = size.runs
    return {
        study: Need(settings=with_rows(VARIANTS[study](size.base), own, size.runs), rows=own)
        for study, own in rows.items()
    }


def _on_shared(opened: Mapping[str, Opened], arms: tuple[Arm, ...], of: str) -> Tables:
    """Return every arm's R decisions, or right answers, on the members that all arms hold."""
    ids = {
        arm.study: np.array(opened[arm.study].data.ids[opened[arm.study].data.parts["members"]])
        for arm in arms
    }
    shared = reduce(np.intersect1d, ids.values())
    tables = {}
    for arm in arms:
        study = opened[arm.study]
        table = study.called(arm.row) if of == "R" else study.right(arm.row, "members")
        # by id, so that a column is one sample in every arm
        places = np.flatnonzero(np.isin(ids[arm.study], shared))
        places = places[np.argsort(ids[arm.study][places])]
        tables[arm.title] = table[:, places].astype(np.float64)
    return tables


def slopes() -> dict[str, float]:
    """Return by arm the weights whose sum over means is the slope on the logarithm of quantity.

    >>> abs(sum(slopes().values())) < 1e-12
    True
    """
    doublings = np.log2(list(DISTINCT))
    centred = doublings - doublings.mean()
    weights = centred / (centred**2).sum()
    return {
        arm.title: float(weight) for arm, weight in zip(DISTINCT.values(), weights, strict=True)
    }


def _by_quantity(tables: Mapping[str, Tables]) -> Bars:
    titles = tuple(next(iter(tables.values())))
    return Bars(
        title="Members by quantity of distinct images, those that all quantities share",
        y_title="share",
        groups=titles,
        series=tuple(
            (words, tuple(mean_accuracy(own[title]) for title in titles))
            for words, own in tables.items()
        ),
    )


def _read_first(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    rates, right = (_on_shared(opened, FIRST, of) for of in ("R", "right"))
    weights = slopes()
    fewer = Claim(
        name="more-distinct-lower-R",
        sentence="The more distinct images are trained on, the seldomer a member is found.",
        quantity=f"{QUANTITY}, mean R",
        side="below",
    )
    fitted = Claim(
        name="more-distinct-fewer-fitted",
        sentence="The more distinct images are trained on, the fewer members are fitted.",
        quantity=f"{QUANTITY}, accuracy on members",
        side="below",
    )
    checked = [
        check(claim, contrast([(weight, own[title]) for title, weight in weights.items()]))
        for claim, own in ((fewer, rates), (fitted, right))
    ]
    panel = _by_quantity({"mean R": rates, "accuracy on members": right})
    return Figure(panels=(panel,), claims=(*checked, _not_copies(rates)), notes=NOTES)


def _not_copies(rates: Tables) -> Checked:
    claim = Claim(
        name="distinct-not-copies",
        sentence="Four times distinct images leave members safer than eight copies of each.",
        quantity="mean R with three times as many fakes less that with eight copies",
        side="below",
    )
    return check(claim, difference(rates[STATIC_8X.title], rates[FAKES_4X.title]))


def _accuracy_by_run(opened: Mapping[str, Opened], arm: Arm) -> dict[str, np.ndarray]:
    study = opened[arm.study]
    return {
        "copies": study.trained(arm.row, "accuracy"),
        "originals": study.right(arm.row, "members").mean(axis=1),
        "unseen": study.right(arm.row, "evaluation").mean(axis=1),
    }


SEEN = {
    "copies": "copies trained on",
    "originals": "originals",
    "unseen": "images nobody trained on",
}


def _read_second(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    found = {arm.title: _accuracy_by_run(opened, arm) for arm in (STATIC, STATIC_8X)}
    members = opened["base"].data.size("members")
    panel = Bars(
        title="What a model that fits copies knows of the originals",
        y_title="accuracy",
        groups=tuple(found),
        series=tuple(
            (
                words,
                tuple(over_runs(own[name], n=members, within=(0.0, 1.0)) for own in found.values()),
            )
            for name, words in SEEN.items()
        ),
    )
    once = found[STATIC.title]
    checked = (
        check(UNKNOWN_ORIGINALS, over_runs(once["originals"] - once["copies"], n=members)),
        check(
            LIKE_UNSEEN,
            over_runs(2 * once["originals"] - once["copies"] - once["unseen"], n=members),
        ),
        check(
            KNOWN_AGAIN,
            difference(
                opened[STATIC.study].right(STATIC.row, "members"),
                opened[STATIC_8X.study].right(STATIC_8X.row, "members"),
            ),
        ),
    )
    return Figure(panels=(panel,), claims=checked, notes=(COPIES,))


UNKNOWN_ORIGINALS = Claim(
    name="originals-unlike-copies",
    sentence="A model that fits one copy of each hardly knows the originals.",
    quantity="accuracy on the originals less that on the copies trained on",
    side="below",
    printed=-0.3496,
)
LIKE_UNSEEN = Claim(
    name="originals-like-unseen",
    sentence="To it the originals are more like images it never saw than like the copies.",
    quantity="accuracy on originals less copies, plus that on originals less unseen",
    side="below",
)
KNOWN_AGAIN = Claim(
    name="eight-copies-recover",
    sentence="A model that fits eight copies of each knows the originals again.",
    quantity="accuracy on the originals with eight copies less that with one",
    side="above",
    printed=0.3987,
)
NOTES = (
    (
        "Fakes count as distinct images here, as in the paper; how distinct they are is for a "
        "study's check of fakes."
    ),
    (
        "R is by cuts that the members themselves help to fit, as in the paper: a value of the "
        "samples, not a finding about the attack."
    ),
)
COPIES = "On copies, accuracy is that of the last epoch as it went: in training mode."

FIRST = (*DISTINCT.values(), STATIC_8X)
SECOND = (STATIC, STATIC_8X)

CONJECTURES: dict[str, Recipe] = {
    "conjecture1": Recipe(
        name="conjecture1",
        title="An excess of samples leaves only some memorised",
        source="Conjecture i, section 3.1",
        claims=3,
        needs=lambda size: _needs(size, FIRST),
        read=_read_first,
    ),
    "conjecture2": Recipe(
        name="conjecture2",
        title="A changed sample is a new one to the model",
        source="Conjecture ii, section 3.1",
        claims=3,
        needs=lambda size: _needs(size, SECOND),
        read=_read_second,
    ),
}
