"""Rows that a study judged, side by side, and claims that one of them lies below another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pryproof.evaluation.arms import difference
from pryproof.evaluation.estimates import not_estimable, tpr_estimate
from pryproof.pipeline.rows import ROWS
from pryproof.pipeline.settings import Settings
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need
from pryproof.recipes.sides import auc_change, balanced_change, tpr_change
from pryproof.recipes.sizes import Size, with_rows
from pryproof.records import Estimate
from pryproof.reporting.panels import Bars, Table

FPR, LOW_FPR = 0.01, 0.001  # the headline's, and that of the frontier where images suffice
SEED = 0  # of the bootstraps

ATTACK_WORDS = {
    "correctness": "correctness",
    "confidence": "confidence",
    "entropy": "entropy",
    "modified_entropy": "M-entropy",
}
WORDS = {  # what a claim may be about -> how it is written
    "evaluation": "test accuracy",
    "members": "accuracy on members",
    **{name: f"balanced accuracy of {words}" for name, words in ATTACK_WORDS.items()},
    "lira_auc": "AUC of LiRA",
    "lira_tpr": f"TPR of LiRA at {FPR:.0%} FPR",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A row of one of the recipe's studies, and its words where the row's title will not do."""

    study: str
    row: str
    words: str = ""

    @property
    def title(self) -> str:
        """How a legend names it."""
        return self.words or ROWS[self.row].title


@dataclass(frozen=True, kw_only=True)
class Order:
    """A claim that a quantity of ``WORDS`` is lower in one place than in another."""

    name: str
    sentence: str
    of: str
    lower: Place
    higher: Place

    def claim(self) -> Claim:
        """Return it as a claim on a difference."""
        return Claim(
            name=self.name,
            sentence=self.sentence,
            quantity=f"{WORDS[self.of]}, {self.lower.title} less {self.higher.title}",
            side="below",
        )


def judged(
    settings: Settings, rows: Sequence[str], size: Size, *, more: Sequence[str] = ()
) -> Need:
    """Need rows with their shadows and the evaluation that judges them, and ``more`` tasks."""
    counts = dict.fromkeys(rows, size.judged)
    asked = with_rows(settings, counts, size.judged, shadows=size.shadows)
    return Need(settings=asked, rows=counts, tasks=("evaluate", *more))


def change(
    opened: Mapping[str, Opened], of: str, places: tuple[Place, Place], size: Size
) -> Estimate:
    """Estimate by how much a quantity is higher in the second place; the same images are judged."""
    pairs = [(opened[place.study], place.row) for place in places]
    if of in ("evaluation", "members"):
        first, second = (study.right(row, of) for study, row in pairs)
        return difference(first, second)
    if of in ATTACK_WORDS:
        decided = [study.decided(row, of, shadows=size.shadows) for study, row in pairs]
        return balanced_change(decided[0], decided[1])
    scores = [study.lira(row) for study, row in pairs]
    if of == "lira_auc":
        return auc_change(scores[0], scores[1])
    return tpr_change(scores[0], scores[1], fpr=FPR, seed=SEED)


def ordered(opened: Mapping[str, Opened], orders: Sequence[Order], size: Size) -> list[Checked]:
    """Check orders one by one."""
    return [
        check(order.claim(), change(opened, order.of, (order.higher, order.lower), size))
        for order in orders
    ]


def accuracies(opened: Mapping[str, Opened], places: Sequence[Place]) -> Bars:
    """Draw accuracy on images nobody trained on, and on the original members."""
    return Bars(
        title="Accuracy by way of training",
        y_title="share classified rightly",
        groups=tuple(place.title for place in places),
        series=tuple(
            (
                words,
                tuple(opened[place.study].accuracy(place.row, part) for place in places),
            )
            for words, part in (("test", "evaluation"), ("original members", "members"))
        ),
    )


def attacked(opened: Mapping[str, Opened], places: Sequence[Place]) -> Bars:
    """Draw the four threshold attacks' balanced accuracies, cuts from shadows alone."""
    found = [opened[place.study].attacks(place.row) for place in places]
    return Bars(
        title="Balanced accuracy of four attacks by way of training",
        y_title="balanced accuracy",
        groups=tuple(place.title for place in places),
        series=tuple(
            (words, tuple(attacks[name] for attacks in found))
            for name, words in ATTACK_WORDS.items()
        ),
        chance=0.5,
    )


def by_lira(opened: Mapping[str, Opened], places: Sequence[Place]) -> Table:
    """List LiRA's AUC, and its true positive rate at two false positive rates."""
    rows = []
    for place in places:
        found = opened[place.study].attacks(place.row)
        rows.append(
            (
                place.title,
                (found["lira_auc"], found["lira_tpr"], low_tpr(opened[place.study], place.row)),
            )
        )
    columns = ("AUC", f"TPR at {FPR:.0%} FPR", f"TPR at {LOW_FPR:.1%} FPR")
    return Table(title="LiRA by way of training", columns=columns, rows=tuple(rows))


def low_tpr(study: Opened, row: str) -> Estimate:
    """Estimate LiRA's true positive rate at the low false positive rate, if images suffice."""
    sides = study.lira(row)
    others = sides.others.shape[1]
    if others * LOW_FPR < 1:
        return not_estimable(f"needs {1 / LOW_FPR:.0f} non-members, there are {others}", n=others)
    return tpr_estimate(sides.members, sides.others, fpr=LOW_FPR, seed=SEED)
