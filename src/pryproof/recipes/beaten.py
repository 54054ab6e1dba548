"""Which ways of training another one beats: safer and more accurate, both beyond doubt."""

from collections.abc import Collection, Mapping, Sequence

from pryproof.evaluation.arms import difference
from pryproof.pipeline.rows import ROWS
from pryproof.recipes.compared import Place
from pryproof.recipes.opened import Opened
from pryproof.recipes.sides import auc_change

NOBODY = "none"


def beaten(opened: Mapping[str, Opened], places: Sequence[Place]) -> dict[Place, tuple[Place, ...]]:
    """Return by which places each is beaten, the least exposed of them first.

    One place beats another if the AUC of LiRA is lower and the test accuracy higher there, each
    with its whole 95% interval, on the same images. A pair that is alike in either is taken for one
    by chance in 2.5% at most, which is not corrected for the number of pairs. Rows of extra reals
    beat nobody: who has those images need not do without them.
    """
    right = {place: opened[place.study].right(place.row, "evaluation") for place in places}
    scores = {place: opened[place.study].lira(place.row) for place in places}
    exposed = sorted(places, key=lambda place: float(scores[place].aucs().mean()))
    rivals = [place for place in exposed if ROWS[place.row].trains_on != "extra"]
    return {
        place: tuple(
            rival
            for rival in rivals
            if difference(right[place], right[rival]).low > 0
            and auc_change(scores[place], scores[rival]).high < 0
        )
        for place in places
    }


def named(rivals: Collection[Place]) -> str:
    """Say who beats a place: the first by name, the others by number.

    >>> named(()), named([Place(study="", row="ce"), Place(study="", row="selena")])
    ('none', 'CE on real and 1 more')
    """
    if not rivals:
        return NOBODY
    first, *others = rivals
    return first.title + (f" and {len(others)} more" if others else "")
