"""Tables 1 and 2 of the paper: the augmentation's settings, and what models fit of what they see.

"Train data" is what a model was trained on, as augmented; "real train data" are the originals, as
they are. Static copies stand in place of the originals (methods A18).
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pryproof.evaluation.arms import apart, contrast, difference, estimate_from
from pryproof.evaluation.estimates import not_estimable
from pryproof.pipeline.defense_settings import StaticCopies
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure1 import DYNAMIC, PLAIN, STATIC, STATIC_8X, VARIANTS
from pryproof.recipes.memorisation import Arm
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, with_rows
from pryproof.records import Estimate
from pryproof.reporting.panels import Table

EVERYWHERE = (-math.inf, math.inf)
FLIP = 0.5  # of crop/flip, dynamic or static (methods A17)


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A row of the paper's Table 2: shares and nats; NaN where it prints none."""

    train_accuracy: float
    train_loss: float
    real_accuracy: float
    real_loss: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A row of Table 2: an arm of Figure 1, and what the paper prints of it."""

    word: str
    arm: Arm
    printed: Printed


def _setting(word: str, arm: Arm, *printed: float) -> Setting:
    train_accuracy, train_loss, real_accuracy, real_loss = printed
    return Setting(
        word=word,
        arm=arm,
        printed=Printed(
            train_accuracy=train_accuracy,
            train_loss=train_loss,
            real_accuracy=real_accuracy,
            real_loss=real_loss,
        ),
    )


SETTINGS: dict[str, Setting] = {
    "none": _setting("no augmentation", PLAIN, np.nan, np.nan, 0.9950, 0.06),
    "dynamic": _setting("augmentation every epoch", DYNAMIC, 0.7222, 0.92, 0.7743, 0.76),
    "1x": _setting("one static copy", STATIC, 0.9285, 0.27, 0.5789, 1.86),
    "8x": _setting("eight static copies", STATIC_8X, 0.9474, 0.22, 0.9776, 0.14),
}

# by what the paper prints: settings from the highest to the lowest
ORDERS: dict[str, tuple[str, ...]] = {
    "real_accuracy": ("none", "8x", "dynamic", "1x"),
    "real_loss": ("1x", "dynamic", "8x", "none"),
    "train_accuracy": ("8x", "1x", "dynamic"),
    "train_loss": ("dynamic", "1x", "8x"),
}
WORDS = {
    "real_accuracy": "accuracy on the originals",
    "real_loss": "loss of the originals (nats)",
    "train_accuracy": "accuracy on what was trained on",
    "train_loss": "loss of what was trained on (nats)",
}


def _needs(size: Size) -> dict[str, Need]:
    rows: dict[str, dict[str, int]] = {}
    for setting in SETTINGS.values():
        rows.setdefault(setting.arm.study, {})[setting.arm.row] = size.runs
    return {
        study: Need(settings=with_rows(VARIANTS[study](size.base), own, size.runs), rows=own)
        for study, own in rows.items()
    }


def _table_of(opened: Mapping[str, Opened], setting: Setting, quantity: str) -> np.ndarray:
    """Return a quantity as ``[runs, originals]``, or ``[runs, 1]`` of what was trained on."""
    study, row = opened[setting.arm.study], setting.arm.row
    whose, what = quantity.split("_")
    if whose == "real":
        return study.right(row, "members") if what == "accuracy" else study.losses(row, "members")
    return study.trained(row, what)[:, None]


def _trained_on(opened: Mapping[str, Opened], setting: Setting) -> int:
    return int(opened[setting.arm.study].runs(setting.arm.row)[0].facts["trained_on"])


def over_runs(
    values: Float[np.ndarray, " runs"], *, n: int, within: tuple[float, float] = EVERYWHERE
) -> Estimate:
    """Estimate a mean over runs, each of which has one number for ``n`` samples.

    The interval is cut at ``within``, between which every such number lies.

    >>> str(over_runs(np.array([0.7, 0.8, 0.9]), n=90, within=(0.0, 1.0)))
    '0.800 [0.552, 1.000]'
    """
    runs = len(values)
    if runs < 2:
        return not_estimable("one run has no spread", n=n)
    variance = float(values.var(ddof=1)) / runs
    found = estimate_from(values, [(variance, runs - 1)], runs=runs, confidence=0.95, n=n)
    low, high = max(within[0], found.low), min(within[1], found.high)
    return replace(found, low=low, high=high, method="over runs, Student's t")


def _cell(opened: Mapping[str, Opened], setting: Setting, quantity: str) -> Estimate:
    table = _table_of(opened, setting, quantity)
    if quantity == "real_accuracy":
        return opened[setting.arm.study].accuracy(setting.arm.row, "members")
    if quantity == "real_loss":
        return contrast([(1.0, table)])
    within = (0.0, 1.0 if quantity.endswith("accuracy") else math.inf)
    return over_runs(table[:, 0], n=_trained_on(opened, setting), within=within)


def _change(
    opened: Mapping[str, Opened], quantity: str, higher: Setting, lower: Setting
) -> Estimate:
    tables = [_table_of(opened, each, quantity) for each in (lower, higher)]
    if quantity.startswith("real"):
        return difference(tables[0], tables[1])
    n = min(_trained_on(opened, each) for each in (lower, higher))
    if min(len(table) for table in tables) < 2:
        return not_estimable("one run has no spread", n=n)
    return replace(apart(tables[0], tables[1]), n=n, method="over runs, Student's t")


def _orders(opened: Mapping[str, Opened]) -> list[Checked]:
    checked = []
    for quantity, order in ORDERS.items():
        for first, second in itertools.pairwise(order):
            higher, lower = SETTINGS[first], SETTINGS[second]
            what = WORDS[quantity]
            claim = Claim(
                name=f"{quantity.replace('_', '-')}-{first}-above-{second}",
                sentence=f"The {what.removesuffix(' (nats)')} is higher with {higher.word} than "
                f"with {lower.word}.",
                quantity=f"difference of the {what}",
                side="above",
                printed=round(
                    getattr(higher.printed, quantity) - getattr(lower.printed, quantity), 4
                ),
            )
            checked.append(check(claim, _change(opened, quantity, higher, lower)))
    return checked


def _originals_unlike_copies(opened: Mapping[str, Opened]) -> Checked:
    """Check conjecture ii: a model that fits one static copy does not know the original."""
    setting = SETTINGS["1x"]
    claim = Claim(
        name="originals-unlike-copies",
        sentence="A model that fits a copy of each hardly knows the originals.",
        quantity="accuracy on the originals less that on the copies trained on",
        side="below",
        printed=round(setting.printed.real_accuracy - setting.printed.train_accuracy, 4),
    )
    copies = _table_of(opened, setting, "train_accuracy")
    originals = _table_of(opened, setting, "real_accuracy").mean(axis=1)
    found = over_runs(originals - copies[:, 0], n=_trained_on(opened, setting))
    return check(claim, found)


def _read(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    columns = ("train_accuracy", "train_loss", "real_accuracy", "real_loss")
    rows = []
    for setting in SETTINGS.values():
        cells: list[Estimate | str] = []
        for quantity in columns:
            printed = getattr(setting.printed, quantity)
            cells += [
                _cell(opened, setting, quantity),
                "n/a" if np.isnan(printed) else f"{printed:g}",
            ]
        rows.append((setting.word, tuple(cells)))
    table = Table(
        title="What models fit of what they are trained on, and of the originals",
        columns=tuple(word for quantity in columns for word in (WORDS[quantity], "in the paper")),
        rows=tuple(rows),
    )
    return Figure(
        panels=(table,), claims=(*_orders(opened), _originals_unlike_copies(opened)), notes=NOTES
    )


NOTES = (
    (
        "On what was trained on, accuracy and loss are those of the last epoch as it went: "
        "in training mode, weights moving."
    ),
    (
        "Without augmentation the paper prints nothing in the first two columns, for both are the "
        "originals."
    ),
)


def _needs_images(size: Size) -> dict[str, Need]:
    return {"base": Need(settings=size.base, tasks=("load",))}


def _read_settings(opened: Mapping[str, Opened], size: Size) -> Figure:
    height, width, _ = opened["base"].data.shape
    padding = size.base.train.padding
    copies = ", ".join(str(_copies(size, study)) for study in ("base", "eightfold"))
    table = Table(
        title="Augmentation",
        columns=("here", "in the paper"),
        rows=(
            ("images (pixels)", (f"{height} x {width}", "32 x 32")),
            ("random crop, padding (pixels)", (f"{padding}", "4")),
            ("probability of a crop", ("1", "1")),
            ("horizontal flip", (f"with probability {FLIP:g}", "with probability 1")),
            ("static copies of each", (copies, "1, 8")),
        ),
    )
    return Figure(
        panels=(table,),
        claims=(),
        notes=(
            (
                "A flip of every image would never show the original orientation; the paper's 1 is "
                "read as an augmentation that is always on."
            ),
        ),
    )


def _copies(size: Size, study: str) -> int:
    chosen: StaticCopies = VARIANTS[study](size.base).defenses.static_copies
    return chosen.copies


TABLES: dict[str, Recipe] = {
    "table1": Recipe(
        name="table1",
        title="Augmentation in section 3.1",
        source="Table 1",
        claims=0,
        needs=_needs_images,
        read=_read_settings,
    ),
    "table2": Recipe(
        name="table2",
        title="Accuracy and loss on train data and on the originals",
        source="Table 2",
        claims=sum(len(order) - 1 for order in ORDERS.values()) + 1,
        needs=_needs,
        read=_read,
    ),
}
